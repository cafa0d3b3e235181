"""Payments outside Stripe: what each was for, where its paper is, and its receipt number."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, insert, select

from bridge.core.ledger.by_hand import corrected, manual_payment
from bridge.core.ledger.lines import MoneyLine
from bridge.core.ledger.objects import ManualPayment, SoldLine
from bridge.store import money, money_objects, state
from bridge.store.money_objects import CONVERTER
from bridge.store.schema.ledger import hand_payments, money_lines


@dataclass(frozen=True, slots=True)
class Receipt:
    """A receipt as an auditor needs it. `corrects`: the line that it reverses."""

    number: str
    recorded_at: datetime
    paid_at: datetime
    user: str
    method: str
    amount_minor: int
    currency: str
    what: str
    note: str
    line_id: str
    corrects: str
    recorded_by: str


def record(
    connection: Connection,
    line: MoneyLine,
    now: datetime,
    lines: Sequence[SoldLine] = (),
    note: str = "",
) -> None:
    """Append a payment, or a correction of one, and hand it to the ledger.

    `lines`: what a payment was for; a correction takes them from the payment.
    """
    money.save(connection, [line], now)
    if lines or note:
        said = [CONVERTER.unstructure(one) for one in lines]
        new = {"line_id": line.id, "lines": said, "note": note}
        connection.execute(insert(hand_payments).values(new))
    money_objects.save_objects(connection, _payments(connection, [line]), now)


def next_number(connection: Connection, now: datetime) -> str:
    """`2026-7`: the next receipt of the year. Rolled back with its payment, it leaves no gap."""
    return f"{now.year}-{state.bump(connection, f'receipts.{now.year}')}"


def payments(connection: Connection) -> list[ManualPayment]:
    """Every payment by hand, the oldest first, as the ledger books it."""
    return _payments(connection, money.by_hand(connection))


def _payments(connection: Connection, lines: Sequence[MoneyLine]) -> list[ManualPayment]:
    asked = select(hand_payments.c.line_id, hand_payments.c.lines)
    if len(lines) == 1:
        asked = asked.where(hand_payments.c.line_id == corrected(lines[0].id))
    rows = connection.execute(asked)
    said = {row.line_id: CONVERTER.structure(row.lines, tuple[SoldLine, ...]) for row in rows}
    return [manual_payment(line, said.get(corrected(line.id), ())) for line in lines]


def receipts(
    connection: Connection, since: datetime | None, until: datetime | None
) -> list[Receipt]:
    """The receipts that were given in a period, in the order of their numbers."""
    lines = money_lines.c
    rows = connection.execute(
        select(money_lines, hand_payments.c.note)
        .outerjoin(hand_payments, hand_payments.c.line_id == lines.id)
        .where(lines.receipt_number.is_not(None))
        .order_by(lines.recorded_at, lines.id)
    )
    found = [
        Receipt(
            number=row.receipt_number,
            recorded_at=row.recorded_at,
            paid_at=row.at,
            user=f"id:{row.user_id}",
            method=row.method,
            amount_minor=row.amount_minor,
            currency=row.currency,
            what=row.what,
            note=row.note or "",
            line_id=row.id,
            corrects=corrected(row.id) if corrected(row.id) != row.id else "",
            recorded_by=row.recorded_by,
        )
        for row in rows
        if (since is None or row.recorded_at >= since)
        and (until is None or row.recorded_at < until)
    ]
    return sorted(found, key=lambda one: tuple(map(int, one.number.split("-"))))
