"""The steps of a membership when one account follows another: taken back here, recorded there."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import replace
from datetime import datetime

from sqlalchemy import Connection

from bridge.core.ledger.member_register import following
from bridge.core.model.steps import MemberStep
from bridge.store import registers


def move(
    connection: Connection, from_id: int, to_id: int, actor: str, now: datetime
) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Move what can follow: the new ids, and what of the other account's own they supersede."""
    known = registers.steps_of(connection, [from_id, to_id])
    found = following(known[from_id], known[to_id], to_id, now)
    _take_steps_back(connection, found.superseded, f"user {from_id} follows", actor, now)
    own = {one.id: one for one in known[from_id]}
    theirs = [own[one.id] for one in found.moved]
    _take_steps_back(connection, theirs, f"moved to user {to_id}", actor, now)
    moved = _record_steps(connection, found.moved, to_id, now)
    return moved, tuple(one.id for one in found.superseded)


def move_back(
    connection: Connection,
    from_id: int,
    to_id: int,
    moved: Collection[str],
    superseded: Collection[str],
    *,
    actor: str,
    now: datetime,
) -> tuple[str, ...]:
    """Give back what `move` had moved, as far as nobody took it back since; the new ids."""
    there = registers.steps_of(connection, [to_id])[to_id]
    taken_back = {one.corrects for one in there}
    back = [one for one in there if one.id in moved and one.id not in taken_back]
    _take_steps_back(connection, back, f"moved back to user {from_id}", actor, now)
    _record_steps(connection, [one for one in there if one.id in superseded], to_id, now)
    return _record_steps(connection, back, from_id, now)


def _take_steps_back(
    connection: Connection, steps: Iterable[MemberStep], why: str, actor: str, now: datetime
) -> None:
    for one in steps:
        back = replace(one, id=registers.new_step_id(), kind=None, corrects=one.id)
        registers.record_step(
            connection, replace(back, at=now, known_at=now, reason=why, actor=actor)
        )


def _record_steps(
    connection: Connection, steps: Iterable[MemberStep], user_id: int, now: datetime
) -> tuple[str, ...]:
    """As they were, by whoever decided them then."""
    new = [replace(one, id=registers.new_step_id(), user_id=user_id, known_at=now) for one in steps]
    for one in new:
        registers.record_step(connection, one)
    return tuple(one.id for one in new)
