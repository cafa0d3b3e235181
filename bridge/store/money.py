"""Money lines: what members paid and got back, by Stripe's word or a moderator's. Append-only."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import asdict
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, or_, select

from bridge.core.ledger.lines import MoneyLine, MoneyPart
from bridge.core.model.account import MANUAL, OWN
from bridge.store.own import columns, is_of, is_ours, is_own
from bridge.store.schema import customers, money_lines, users
from bridge.store.work import insert_for

_MONEY = tuple(MoneyLine.__dataclass_fields__)


def save(
    connection: Connection, lines: Iterable[MoneyLine], now: datetime
) -> tuple[MoneyLine, ...]:
    """Append lines; those recorded before stay as they are. Returns the new ones."""
    new = []
    for one in lines:
        row = asdict(one)
        row["parts"] = row["parts"] or None
        done = connection.execute(
            insert_for(connection)(money_lines)
            .values(**row, **columns(MANUAL if one.recorded_by else OWN), recorded_at=now)
            .on_conflict_do_nothing()
        )
        if done.rowcount:
            new.append(one)
    return tuple(new)


def of_user(connection: Connection, user_id: int) -> tuple[MoneyLine, ...]:
    """All money lines of a user, the oldest first: their customers', and those recorded by hand.

    Of accounts that were merged into this one too.
    """
    same = select(users.c.user_id).where(users.c.successor_id == user_id)
    mine = select(customers.c.customer_id).where(is_own(customers), customers.c.user_id == user_id)
    lines = money_lines.c
    rows = connection.execute(
        select(*(lines[name] for name in _MONEY))
        .where(
            is_ours(money_lines),
            or_(lines.customer_id.in_(mine), lines.user_id == user_id, lines.user_id.in_(same)),
        )
        .order_by(lines.at, lines.id)
    ).all()
    # By place and without their names: there may be thousands.
    return tuple(MoneyLine(*(*row[:-1], _parts(row[-1]))) for row in rows)


def line(connection: Connection, line_id: str) -> MoneyLine | None:
    """The line of this id."""
    row = connection.execute(
        select(*(money_lines.c[name] for name in _MONEY)).where(
            is_ours(money_lines), money_lines.c.id == line_id
        )
    ).one_or_none()
    return None if row is None else MoneyLine(*(*row[:-1], _parts(row[-1])))


def among(connection: Connection, line_ids: Collection[str]) -> set[str]:
    """Those of these ids that are lines."""
    asked = select(money_lines.c.id).where(
        is_ours(money_lines), money_lines.c.id.in_(list(line_ids))
    )
    return set(connection.scalars(asked))


def by_hand(connection: Connection) -> tuple[MoneyLine, ...]:
    """Every line that somebody recorded by hand, the oldest first."""
    lines = money_lines.c
    rows = connection.execute(
        select(*(lines[name] for name in _MONEY))
        .where(is_of(money_lines, MANUAL), lines.recorded_by.is_not(None))
        .order_by(lines.at, lines.id)
    ).all()
    return tuple(MoneyLine(*(*row[:-1], _parts(row[-1]))) for row in rows)


def _parts(stored: Sequence[Mapping[str, Any]] | None) -> tuple[MoneyPart, ...]:
    return tuple(MoneyPart(**part) for part in stored) if stored else ()
