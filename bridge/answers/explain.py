"""Why somebody is in a group, or is not: now, on a date, and as it was known on that date."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime

from bridge.answers.obstacles import waits
from bridge.answers.timeline import Asked, timeline
from bridge.core.memberships.decision import steps_held
from bridge.core.memberships.record import (
    Line,
    Recorded,
    as_it_was,
    as_known,
    never,
    recorded_after,
    stays,
)
from bridge.core.model.rights import Facts
from bridge.core.rights.grants import grants
from bridge.core.rules.ladders import staying
from bridge.core.rules.law import Proposal
from bridge.core.telling.doers import events_in
from bridge.core.telling.explanation import (
    Behind,
    Cause,
    Explanation,
    Linked,
    explain_group,
)
from bridge.core.telling.proof import Case
from bridge.core.telling.timeline import Entry
from bridge.errors import NotFound
from bridge.store import (
    Connection,
    doers,
    facts,
    groups,
    history,
    inbox,
    links,
    member,
    users,
)
from bridge.texts import gettext
from bridge.wiring import Bridge

MOST_TOLD = 200
"""So much of what happened an explanation tells."""


@dataclass(frozen=True, slots=True)
class When:
    """The moment that is asked about; `known`: with what was known then, not what is known now."""

    at: datetime
    is_now: bool = True
    known: bool = False


def explain(
    bridge: Bridge,
    user_id: int,
    group_name: str | None = None,
    *,
    at: datetime | None = None,
    known: bool = False,
) -> Explanation:
    """Everything about a user's groups: each with its proof, its past and its future.

    Raises: NotFound for a group that was never seen.
    """
    when = When(at or bridge.clock.now(), is_now=at is None, known=known)
    with bridge.store.read() as connection:
        lines = history.lines_of_user(connection, user_id)
        found = _recorded(connection, user_id, lines, when)
        case = _case(bridge, connection, user_id, found, when)
        past = stays(as_known(lines, when.at) if when.known else lines)
        behind = _behind(connection, lines)
        explained = [
            explain_group(case, found.get(id_) or never(user_id, id_), past, behind, when.at)
            for id_ in _shown(case, found, group_name)
        ]
        if when.is_now:
            explained = [
                replace(one, waits=waits(bridge, connection, user_id, one.id)) for one in explained
            ]
        return Explanation(
            user_id=user_id,
            username=users.username_of(connection, user_id),
            at=when.at,
            is_now=when.is_now,
            as_known_then=when.known,
            read_at=facts.oldest_reading(facts.customers_around(connection, user_id)),
            customers=_customers(connection, user_id, when),
            without_group=case.without_group(),
            happened=_happened(connection, user_id, case.names, group_name, when),
            groups=tuple(explained),
        )


# --- what is known of the moment ------------------------------------------------------------------


def _case(
    bridge: Bridge,
    connection: Connection,
    user_id: int,
    found: Mapping[int, Recorded],
    when: When,
) -> Case:
    laws = history.Laws(connection, bridge.policy)
    law = laws.at(when.at, Proposal(bridge.policy) if when.is_now else None)
    known = _facts(connection, user_id, when)
    verdicts = grants(known, law.rules, law.policy, when.at)
    decided = (one.membership.membership for one in found.values())
    in_force = staying(verdicts, steps_held(decided, law.policy.unfollowed_ladders))
    return Case(verdicts, in_force, law, groups.names_of_all(connection))


def _facts(connection: Connection, user_id: int, when: When) -> Facts:
    if when.is_now:
        return facts.facts_of(connection, user_id)[0]
    past = history.past_of(connection, user_id)
    return past.known_at(when.at) if when.known else past.was_at(when.at)


def _recorded(
    connection: Connection, user_id: int, lines: list[Line], when: When
) -> dict[int, Recorded]:
    """Group id -> how the membership stood; of now, what the record says of it."""
    seen = as_known(lines, when.at) if when.known else as_it_was(lines, when.at)
    found = {group_id: one for (_, group_id), one in recorded_after(seen).items()}
    if when.is_now:
        for group_id, present in member.memberships_of(connection, user_id).items():
            before = found.get(group_id) or never(user_id, group_id)
            found[group_id] = replace(before, membership=present)
    return found


def _shown(case: Case, found: Mapping[int, Recorded], group_name: str | None) -> list[int]:
    """The groups to explain: the one asked for, or all that something led to or leads to."""
    if group_name is not None:
        return [_group_of(case.names, group_name)]
    led_to = {one.group_id for one in case.verdicts if one.group_id in case.names}
    return sorted(found.keys() | led_to)


# --- what belongs to it ---------------------------------------------------------------------------


def _behind(connection: Connection, lines: Iterable[Line]) -> Behind:
    causes = {line.cause for line in lines}
    events = {
        one.event_id: Cause(
            id=one.event_id,
            type=one.type,
            object=one.object_id,
            created_at=one.created_at,
            received_at=one.received_at,
            source=one.source,
        )
        for one in inbox.received(connection, events_in(causes))
    }
    return Behind(events, doers.names_of(connection, causes))


def _customers(connection: Connection, user_id: int, when: When) -> tuple[Linked, ...]:
    """The user's customers, or those that were the user's by what was known then."""
    if when.known:
        return history.customers_at(connection, user_id, when.at)
    rows = links.customers_among(connection, links.customers_of(connection, user_id))
    return tuple(
        Linked(row.customer_id, row.proof, row.linked_at, row.linked_by, row.deleted_at)
        for row in rows
    )


def _happened(
    connection: Connection,
    user_id: int,
    names: Mapping[int, str],
    group_name: str | None,
    when: When,
) -> tuple[Entry, ...]:
    asked = Asked(
        group_id=_group_of(names, group_name) if group_name is not None else None,
        at=None if when.is_now else when.at,
        known_at=when.at if when.known else None,
        settled_news=False,
    )
    return timeline(connection, user_id, names, asked, limit=MOST_TOLD).entries


def _group_of(names: Mapping[int, str], name: str) -> int:
    """Raises: NotFound for a group that the forum does not have."""
    found = next((id_ for id_, one in names.items() if one.lower() == name.lower()), None)
    if found is None:
        raise NotFound(gettext("the forum has no group called %(name)s") % {"name": name})
    return found
