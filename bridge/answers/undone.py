"""Which lines of a page of the log can be undone, and which line undid the others."""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass
from datetime import datetime

from bridge.core.model.actor import parse_actor
from bridge.core.model.change import Change
from bridge.core.telling import undone as telling
from bridge.core.telling.undone import Record
from bridge.store import Connection, changes, hand_grants, links, member, registers, subscriptions


@dataclass(frozen=True, slots=True)
class Fate:
    """What became of a line: it can be undone, or `over` is the later line that ended it.

    `is_undone`: that line did the reverse; otherwise the same thing was changed again.
    """

    is_open: bool
    over: Change | None = None
    is_undone: bool = False


def fates(connection: Connection, lines: Collection[Change], now: datetime) -> dict[int, Fate]:
    """The fate of each of these lines; of a kind that nobody can undo, none."""
    of_kind = [one for one in lines if one.action in telling.KINDS and parse_actor(one.cause)]
    if not of_kind:
        return {}
    record = _record(connection, of_kind)
    found: dict[int, Fate] = {}
    for one in of_kind:
        over = telling.ended_by(one, record.later)
        is_open = over is None and telling.is_open(one, record, now)
        found[one.id] = Fate(is_open, over, over is not None and telling.is_reverse(one, over))
    return found


def _record(connection: Connection, lines: Collection[Change]) -> Record:
    """One statement for each table that these lines need."""

    def of(*actions: str) -> list[Change]:
        return [one for one in lines if one.action in actions]

    def named(found: Collection[Change], key: Callable[[Change], object]) -> set[str]:
        return {str(value) for one in found if (value := key(one))}

    given = named(of("granted", "revoked"), _said("grant"))
    payers = named(of("unlinked", "set_aside"), lambda one: one.customer_id)
    placed = of("lifted", "adopted")
    running = named(of(*telling.STOPPING), _said("subscription"))
    stepping = {one.user_id for one in of(*telling.STEPS) if one.user_id is not None}
    return Record(
        later=_later(connection, lines),
        grants=hand_grants.of_ids(connection, given) if given else {},
        owners=links.owners_of(connection, payers) if payers else {},
        memberships=member.memberships_in(
            connection,
            {one.user_id for one in placed if one.user_id is not None},
            {one.group_id for one in placed if one.group_id is not None},
        )
        if placed
        else {},
        subscriptions=subscriptions.known(connection, running) if running else {},
        steps=registers.steps_of(connection, stepping) if stepping else {},
    )


def _later(connection: Connection, lines: Collection[Change]) -> list[Change]:
    about = {one.user_id for one in lines if one.user_id is not None}
    with_user = [one for one in lines if one.user_id is not None]
    without = [one for one in lines if one.user_id is None]
    found: list[Change] = []
    if with_user:
        first = min(with_user, key=lambda one: one.id)
        found += changes.later(connection, first, telling.ENDING, about)
    if without:
        first = min(without, key=lambda one: one.id)
        found += changes.later(connection, first, telling.WITHOUT_A_USER, None)
    return sorted(found, key=lambda one: one.id)


def _said(key: str) -> Callable[[Change], object]:
    return lambda change: (change.detail or {}).get(key)
