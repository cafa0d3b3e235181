"""Lists as files: requested with a reason, logged, sent row by row, and not stored."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from flask import Response, request

from bridge.core.telling.sentences import as_sentence
from bridge.errors import Permanent
from bridge.operations import exporting
from bridge.texts import gettext
from bridge.web.context import the_bridge
from bridge.web.moderate.access import actor_of, require
from bridge.web.security import Stop

LONGEST_REASON = 200


def as_file(
    name: str,
    header: Sequence[str],
    rows: Iterable[Sequence[object]],
    said: Mapping[str, str],
) -> Response:
    """The answer to a form that asks for a list as CSV. `said`: the list's filter, for the log.

    It answers only a form, so that nobody can keep or pass on a link to it.
    """
    actor = actor_of(require("export"))
    reason = request.form.get("reason", "")
    try:
        pieces = exporting.export_list(
            the_bridge(), actor, name, header, rows, said=said, reason=reason
        )
    except Permanent as error:
        raise Stop(400, gettext("Say what the file is for"), as_sentence(str(error))) from error
    day = f"{the_bridge().clock.now():%Y-%m-%d}"
    return Response(
        pieces,
        mimetype="text/csv",
        headers={
            "Content-Disposition": f'attachment; filename="{name}-{day}.csv"',
            "Cache-Control": "no-store",
        },
    )
