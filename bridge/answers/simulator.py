"""Who would have been treated differently by another bridge.toml or mapping, from the record."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass
from datetime import datetime

from bridge.core.memberships.past import Past
from bridge.core.memberships.whatif import Moment, Side, differences
from bridge.core.rules.law import Proposal
from bridge.store import Connection, groups, history, users
from bridge.wiring import Bridge


@dataclass(frozen=True, slots=True)
class Treated:
    """A period in which somebody is in a group under only one of the two policies."""

    group_id: int
    group: str
    user_id: int
    username: str | None
    from_at: datetime
    until_at: datetime | None
    change: str  # in: the other policy lets them in; out: it does not
    now: Side
    then: Side


@dataclass(frozen=True, slots=True)
class Simulation:
    """The result, and problems in the other policy's rules."""

    treated: tuple[Treated, ...]
    problems: tuple[str, ...]


def simulate(
    bridge: Bridge,
    other: Proposal,
    since: datetime | None = None,
    among: Collection[int] | None = None,
    progress: Callable[[str, int], None] = lambda _what, _count: None,
) -> Simulation:
    """Play the record from `since` (or from this moment) under both laws, and compare.

    `among`: only these users. Neither Stripe nor the forum is asked, and nothing is written.
    """
    now = bridge.clock.now()
    since = min(since or now, now)
    found: list[Treated] = []
    with bridge.store.read() as connection:
        laws = history.Laws(connection, bridge.policy)
        problems = laws.at(now, other).rules.problems
        names = groups.names_of_all(connection)
        everybody = history.users_with_a_past(connection) if among is None else sorted(among)
    for number, user_id in enumerate(everybody):
        with bridge.store.read() as connection:
            found += _of_user(connection, laws, user_id, other, (since, now), names)
        progress("members", number + 1)
    return Simulation(
        tuple(sorted(found, key=lambda one: (one.group, one.user_id, one.from_at))),
        tuple(f"{one.code} {one.subject}: {one.message}" for one in problems if one.halts),
    )


def _of_user(
    connection: Connection,
    laws: history.Laws,
    user_id: int,
    other: Proposal,
    span: tuple[datetime, datetime],
    names: dict[int, str],
) -> Iterator[Treated]:
    past = history.past_of(connection, user_id)
    username = users.username_of(connection, user_id)
    for one in differences(_moments(past, laws, other, span), span[1]):
        yield Treated(
            one.group_id,
            names.get(one.group_id, f"group {one.group_id}"),
            user_id,
            username,
            one.from_at,
            one.until_at,
            "in" if one.there.is_in else "out",
            one.here,
            one.there,
        )


def _moments(
    past: Past, laws: history.Laws, other: Proposal, span: tuple[datetime, datetime]
) -> list[Moment]:
    """The beginning, and whenever anything was learnt or the rules changed."""
    since, now = span
    times = {since, *past.moments(since, now), *laws.moments(since, now)}
    return [Moment(at, past.known_at(at), laws.at(at), laws.at(at, other)) for at in sorted(times)]
