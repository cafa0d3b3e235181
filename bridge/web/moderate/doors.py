"""The table of the console: each page and each action, and the roles that may use it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from werkzeug.routing import Map

from bridge.core.model.doors import Door
from bridge.core.model.roles import RIGHTS, Right
from bridge.web.doors import below, door
from bridge.web.moderate.access import NEEDS
from bridge.web.moderate.acts import ACTS
from bridge.web.moderate.list_acts import LIST_ACTS

PEOPLE = ("stranger", "member", *reversed([*RIGHTS]))
"""The visitors: a stranger, somebody without a role, and the four roles."""
_ACTS = {"moderate.act": ACTS, "moderate.site_act": LIST_ACTS}


def doors(addresses: Map) -> Iterator[Door]:
    """Each page, then each action by its own name."""
    for rule in below(addresses, "/moderate"):
        acts = _ACTS.get(rule.endpoint)
        needed: Mapping[str | None, Right] = (
            {name: one.right for name, one in acts.items()}
            if acts
            else {None: NEEDS[rule.endpoint]}
        )
        for act, right in needed.items():
            passes = [role for role, has in RIGHTS.items() if right in has]
            yield door(rule, right, passes, act)
