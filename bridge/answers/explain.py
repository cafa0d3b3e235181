"""Why somebody is in a group, or is not: now, on a date, and as it was known on that date."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from bridge.answers.obstacles import coming, waits
from bridge.core.memberships.decision import steps_held
from bridge.core.memberships.record import (
    Line,
    Recorded,
    Stay,
    as_it_was,
    as_known,
    never,
    recorded_after,
    stays,
)
from bridge.core.memberships.state import state_of
from bridge.core.model.rights import Facts
from bridge.core.rights.grants import grants
from bridge.core.rules.ladders import staying
from bridge.core.telling.proof import Case
from bridge.errors import NotFound
from bridge.store import (
    Connection,
    changes,
    facts,
    groups,
    history,
    inbox,
    links,
    member,
    users,
)
from bridge.wiring import Bridge


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
) -> dict[str, Any]:
    """Everything about a user's groups, as data: each with its proof, its past and its future.

    Raises: NotFound for a group that was never seen.
    """
    when = When(at or bridge.clock.now(), is_now=at is None, known=known)
    with bridge.store.read() as connection:
        lines = history.lines_of_user(connection, user_id)
        found = _recorded(connection, user_id, lines, when)
        case = _case(bridge, connection, user_id, found, when)
        shown = _shown(case, found, group_name)
        causes = _events(connection, lines)
        told = {
            "user_id": user_id,
            "username": users.username_of(connection, user_id),
            "at": when.at,
            "is_now": when.is_now,
            "as_known_then": when.known,
            "read_at": facts.facts_of(connection, user_id)[1],
            "customers": _customers(connection, user_id, when),
            "without_group": case.without_group(),
            "changes": _changes(connection, user_id, case.names, group_name, when),
        }
        past = stays(as_known(lines, when.at) if when.known else lines)
        return told | {
            "groups": [
                {
                    **_group(case, found.get(id_) or never(user_id, id_), causes, when),
                    "stays": _stays(past, id_, causes),
                    "waits": waits(bridge, connection, user_id, id_) if when.is_now else [],
                }
                for id_ in shown
            ]
        }


# --- what is known of the moment ------------------------------------------------------------------


def _case(
    bridge: Bridge,
    connection: Connection,
    user_id: int,
    found: Mapping[int, Recorded],
    when: When,
) -> Case:
    laws = history.Laws(connection, bridge.policy)
    law = laws.at(when.at, bridge.policy if when.is_now else None)
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
    """The groups to tell of: those asked for, or all that something led to or leads to."""
    if group_name is not None:
        asked = [id_ for id_, name in case.names.items() if name.lower() == group_name.lower()]
        if not asked:
            raise NotFound(f"no group of the forum is called {group_name}")
        return asked
    led_to = {one.group_id for one in case.verdicts if one.group_id in case.names}
    return sorted(found.keys() | led_to)


# --- one group ------------------------------------------------------------------------------------


def _group(
    case: Case, one: Recorded, causes: Mapping[str, dict[str, Any]], when: When
) -> dict[str, Any]:
    membership, wanted = one.membership, one.membership.membership
    group_id = wanted.group_id
    verdicts = case.about(group_id)
    told = {
        "id": group_id,
        "group": case.names.get(group_id),
        "state": state_of(membership, case.winning(group_id)),
        "member": membership.actual,
        "since": membership.actual_since,
        "until": wanted.wanted_until if wanted.wanted else None,
        "owned": membership.owned,
        "entitled": any(one["counts"] for one in verdicts),
        "wanted": wanted.wanted,
        "reason": wanted.reason,
        "rule": wanted.rule_id,
        "sources": list(wanted.sources),
        "held": wanted.hold,
        "taken_out_by": membership.override,
        "unwanted_at": wanted.unwanted_at,
        "confirmed_at": wanted.confirmed_at,
        "gives_way_to": case.names.get(wanted.swap_to) if wanted.swap_to else None,
        "decided_by": _line(one.decided, causes),
        "moved_by": _line(one.moved, causes),
        "verdicts": verdicts,
        "next": coming(verdicts, when.at),
    }
    if not verdicts:
        told["given_by"] = case.given_by(group_id)
    return told


def _line(line: Line | None, causes: Mapping[str, dict[str, Any]]) -> dict[str, Any] | None:
    """A line of the log, with the event behind it."""
    if line is None:
        return None
    return {
        "at": line.at,
        "action": line.action,
        "cause": line.cause,
        "event": causes.get(line.cause or ""),
        "rule": line.rule_id,
        "outcome": line.outcome,
        "detail": dict(line.detail),
    }


def _stays(
    found: Iterable[Stay], group_id: int, causes: Mapping[str, dict[str, Any]]
) -> list[dict[str, Any]]:
    return [
        {
            "from": stay.from_at,
            "until": stay.until_at,
            "came": _line(stay.came, causes),
            "went": _line(stay.went, causes),
        }
        for stay in found
        if stay.group_id == group_id
    ]


# --- what is told beside it -----------------------------------------------------------------------


def _events(connection: Connection, lines: Iterable[Line]) -> dict[str, dict[str, Any]]:
    """The events among the causes: what happened at Stripe, when, and when it came here."""
    ids = {line.cause for line in lines if line.cause}
    return {
        one.event_id: {
            "id": one.event_id,
            "type": one.type,
            "object": one.object_id,
            "created_at": one.created_at,
            "received_at": one.received_at,
            "source": one.source,
        }
        for one in inbox.received(connection, ids)
    }


def _customers(connection: Connection, user_id: int, when: When) -> list[dict[str, Any]]:
    """The customers that are theirs, or that were by what was known then."""
    if when.known:
        return history.customers_at(connection, user_id, when.at)
    rows = links.customers_among(connection, links.customers_of(connection, user_id))
    return [
        {
            "id": row.customer_id,
            "proof": row.proof,
            "linked_at": row.linked_at,
            "linked_by": row.linked_by,
            "deleted_at": row.deleted_at,
        }
        for row in rows
    ]


def _changes(
    connection: Connection,
    user_id: int,
    names: Mapping[int, str],
    group_name: str | None,
    when: When,
) -> list[dict[str, Any]]:
    return [
        {
            "at": row.at,
            "action": row.action,
            "group": _name_of(names, row.group_id),
            "customer": row.customer_id,
            "cause": row.cause,
            "rule": row.rule_id,
            "outcome": row.outcome,
            "detail": row.detail,
        }
        for row in changes.of_user(connection, user_id, when.at)
        if group_name is None or _name_of(names, row.group_id) == group_name
    ]


def _name_of(names: Mapping[int, str], group_id: int | None) -> str | int | None:
    return None if group_id is None else names.get(group_id, group_id)
