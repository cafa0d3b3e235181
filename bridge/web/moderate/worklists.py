"""The worklists: everything that waits for a moderator, page by page, with the acts."""

from __future__ import annotations

from flask import render_template, request

from bridge.answers.worklists.lists import WORKLISTS, parts
from bridge.answers.worklists.row import Row
from bridge.core.telling.sentences import as_sentence
from bridge.errors import Permanent
from bridge.store.worklist_counts import MANY
from bridge.texts import gettext
from bridge.web.context import the_bridge
from bridge.web.limiting import asks_stripe
from bridge.web.moderate.access import blueprint, needs_another, rights
from bridge.web.moderate.act import SEVERAL
from bridge.web.moderate.acts import ACTS
from bridge.web.moderate.list_acts import LIST_ACTS
from bridge.web.security import Stop


@blueprint.get("/lists/<name>")
def worklist(name: str) -> str:
    """One list; `kind` shows a part of it, `all` has every row of the page chosen.

    Without `kind` it opens on the first part that has something.
    """
    one = WORKLISTS.get(name)
    if one is None:
        raise Stop(404, gettext("Page not found"), gettext("There is no such list."))
    asked = request.args.get("kind")
    if asked and one.kinds and asked not in one.kinds:
        raise Stop(404, gettext("Page not found"), gettext("There is no such list."))
    count_of = parts(the_bridge(), name)
    first = next((part for part, count in count_of.items() if count), next(iter(one.kinds), ""))
    kind = asked or first
    if one.name == "disputes":
        asks_stripe("ask")
    try:
        page = one.page(the_bridge(), kind, request.args.get("after", ""))
    except Permanent as error:
        raise Stop(400, gettext("Page not found"), as_sentence(str(error))) from error
    may = rights()
    acts = (*ACTS.values(), *LIST_ACTS.values())
    return render_template(
        "moderate/worklist.jinja",
        list=one,
        kind=kind,
        count_of=count_of,
        many=MANY,
        page=page,
        acts={act.name: act for act in acts if act.right in may},
        offers=_offers,
        on_list=LIST_ACTS,
        several=SEVERAL,
        everything=request.args.get("all") == "yes",
    )


def _offers(row: Row) -> bool:
    """Whether acts are shown on a row; not on the reader's own, where `two_persons` is on."""
    return not any(map(needs_another, (row.user_id, *row.concerns)))
