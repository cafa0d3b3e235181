"""Monthly sums for the console's charts, counted periodically and stored."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import astuple
from datetime import date, datetime, timedelta
from functools import cache
from typing import Any

from sqlalchemy import (
    BigInteger,
    ColumnElement,
    Connection,
    Select,
    bindparam,
    case,
    func,
    or_,
    select,
)
from sqlalchemy import type_coerce as as_type

from bridge.core.ledger.shares import share
from bridge.core.memberships.record import CAME_IN, DECIDED, WENT_OUT
from bridge.core.telling.charts import CAME, LOST, NOBODY, OTHER, RECOVERED, WENT, Sum, by_month
from bridge.store import state
from bridge.store.own import is_ours, is_own
from bridge.store.schema.columns import EPOCH
from bridge.store.schema.forum import changes
from bridge.store.schema.ledger import ledger_lines, money_lines
from bridge.store.schema.work import inbox

KEPT, KEPT_AT = "charts", "charts.at"
DAY_MICROS = 86_400_000_000
FAILED = "invoice.payment_failed"
# Without members whom a reading only found there, or whom the bridge took over.
ADDED = frozenset({"added", "observed_done"})


def _day(at: Any) -> Any:
    """The number of the day since 1970."""
    return as_type(at, BigInteger) // DAY_MICROS


def _date(number: int) -> date:
    return (EPOCH + timedelta(days=number)).date()


def money(connection: Connection, since: datetime) -> list[Sum]:
    """Money in and out by product and currency; credit does not count."""
    of = money_lines.c
    day = _day(of.at).label("day")
    product = func.coalesce(of.product_id, OTHER).label("product")
    asked = (
        select(day, product, of.currency, func.sum(_MOVED))
        .where(is_ours(money_lines), of.at >= since, of.kind != "credited")
        .group_by(day, product, of.currency)
    )
    rows = [(_date(int(d)), p, c, int(total)) for d, p, c, total in connection.execute(asked)]
    return by_month("money", (*rows, *_of_several(connection, since)))


_MOVED = money_lines.c.amount_minor - money_lines.c.from_credit_minor


def _of_several(connection: Connection, since: datetime) -> Iterator[tuple[date, str, str, int]]:
    """What several products were paid for, taken from the line's own product and divided."""
    parts: dict[Any, dict[str, int]] = {}
    for ways in _ways_to_parts():
        found: dict[Any, dict[str, int]] = {}
        for way in ways:
            for *line, part, amount in connection.execute(way, {"b_since": since}):
                found.setdefault(tuple(line), {})[part] = int(amount)
        parts = found | parts
    for (_, number, own, currency, moved), amounts in parts.items():
        yield _date(int(number)), own, currency, -int(moved)
        for name, amount in zip(amounts, share(int(moved), [*amounts.values()]), strict=True):
            yield _date(int(number)), name, currency, amount


@cache
def _ways_to_parts() -> list[list[Select[*tuple[Any, ...]]]]:
    """Where the books say what a line of money was for, the best way first."""
    of, booked = money_lines.c, ledger_lines.c
    day, product = _day(of.at).label("day"), func.coalesce(booked.product_id, OTHER)
    grouped = of.id, of.at, of.product_id, of.currency, of.amount_minor, of.from_credit_minor
    asked = (
        select(
            *(of.id, day, func.coalesce(of.product_id, OTHER), of.currency, _MOVED),
            *(product.label("part"), -func.sum(booked.amount_minor)),
        )
        .where(
            *(is_own(money_lines), of.at >= bindparam("b_since"), of.kind != "credited"),
            *(is_own(ledger_lines), booked.kind.in_(_OF_SALES), booked.book.not_like("assets:%")),
        )
        .group_by(*grouped, product)
    )
    return [[asked.where(*way) for way in ways] for ways in _WAYS_TO_PARTS]


_OF_SALES = ("sale", "discount", "tax", "refund")
_M, _L = money_lines.c, ledger_lines.c
# In the entry of the payment or refund itself, in the credit notes on its invoice, and in the sale
# that is given back.
_WAYS_TO_PARTS: Sequence[Sequence[tuple[ColumnElement[bool], ...]]] = (
    ((_L.source_id == _M.id, or_(_M.parts.is_not(None), _M.kind != "paid")),),
    (
        (
            _L.invoice_id == _M.invoice_id,
            _L.source_id.like("cn\\_%", escape="\\"),
            _M.kind == "refunded",
        ),
    ),
    (
        (_L.source_id == _M.invoice_id, _M.kind != "paid"),
        (_L.payment_id == _M.payment_id, _L.entry_id == _L.source_id + ":sale", _M.kind != "paid"),
    ),
)


def moved(connection: Connection, since: datetime) -> list[Sum]:
    """How many members joined a group, and how many left one."""
    of = changes.c
    day = _day(of.at).label("day")
    asked = (
        select(day, of.action, func.count())
        .where(of.action.in_(ADDED | WENT_OUT), of.at >= since)
        .group_by(day, of.action)
    )
    rows = connection.execute(asked)
    return by_month(
        "moved",
        ((_date(int(d)), CAME if action in ADDED else WENT, "", n) for d, action, n in rows),
    )


def failed(connection: Connection, since: datetime) -> list[Sum]:
    """Invoices by the month in which their payment first failed, and whether they are paid now."""
    first = (
        select(inbox.c.object_id, func.min(as_type(inbox.c.received_at, BigInteger)).label("at"))
        .where(inbox.c.type == FAILED, inbox.c.received_at >= since)
        .group_by(inbox.c.object_id)
        .subquery()
    )
    paid = (
        select(money_lines.c.id)
        .where(money_lines.c.invoice_id == first.c.object_id, money_lines.c.kind == "paid")
        .exists()
    )
    became = case((paid, RECOVERED), else_=LOST).label("became")
    asked = select(first.c.at // DAY_MICROS, became)
    rows = connection.execute(asked)
    return by_month("failed", ((_date(int(d)), name, "", 1) for d, name in rows))


def begins_at(connection: Connection) -> datetime | None:
    """The time of the log's first line; None while it is empty."""
    first: datetime | None = connection.scalar(select(func.min(changes.c.at)))
    return first


def members(connection: Connection, month: str, at: datetime) -> list[Sum]:
    """How many members each group had at a moment, by each member's last line in the log."""
    of = changes.c
    last = (
        select(func.max(of.id))
        .where(of.action.in_(CAME_IN | WENT_OUT), of.at < at, of.user_id.is_not(None))
        .group_by(of.group_id, of.user_id)
    )
    asked = (
        select(of.group_id, func.count())
        .where(of.id.in_(last), of.action.in_(CAME_IN))
        .group_by(of.group_id)
    )
    rows = connection.execute(asked)
    found = [Sum("members", month, str(group_id), "", count) for group_id, count in rows]
    return [*found, Sum("members", month, NOBODY, "", 0)]


def granted(connection: Connection, at: datetime) -> list[tuple[int, str]]:
    """Users who were in a group at a moment, with the rule that gave it to them, each pair once."""
    of, why, line = changes.c, changes.alias("why"), changes.alias("line")
    last = (
        select(func.max(of.id))
        .where(of.action.in_(CAME_IN | WENT_OUT), of.at < at, of.user_id.is_not(None))
        .group_by(of.group_id, of.user_id)
    )
    decided = (
        select(func.max(line.c.id))
        .where(
            line.c.user_id == of.user_id,
            line.c.group_id == of.group_id,
            line.c.action.in_(DECIDED),
            line.c.at < at,
        )
        .correlate(changes)
        .scalar_subquery()
    )
    asked = (
        select(of.user_id, why.c.rule_id)
        .select_from(changes)
        .join(why, why.c.id == decided)
        .where(of.id.in_(last), of.action.in_(CAME_IN), why.c.rule_id.is_not(None))
        .distinct()
    )
    return [(user_id, rule_id) for user_id, rule_id in connection.execute(asked)]


def keep(connection: Connection, sums: list[Sum], now: datetime) -> None:
    """Store the sums in place of the previous ones."""
    state.put(connection, KEPT, [list(astuple(one)) for one in sums])
    state.put_time(connection, KEPT_AT, now)


def kept(connection: Connection) -> tuple[list[Sum], datetime | None]:
    """The sums, and when they were counted; None before the first count."""
    rows = state.get(connection, KEPT) or []
    return [Sum(*row) for row in rows], state.get_time(connection, KEPT_AT)
