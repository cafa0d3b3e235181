"""Payments that have a rule and give the payer nothing (A108): nobody else would notice."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime

from sqlalchemy import Connection, bindparam, func, select

from bridge.core.ledger.amounts import format_minor
from bridge.core.model.alerts import Finding, Kind
from bridge.core.model.stripe import PeriodPayment, Purchase, Subscription
from bridge.core.rules.compiled import Rules
from bridge.store.naming import Names
from bridge.store.own import is_own
from bridge.store.readings import CONVERTER
from bridge.store.schema.forum import groups, memberships
from bridge.store.schema.ledger import money_lines
from bridge.store.schema.people import customers
from bridge.store.schema.rights import purchases, subscriptions
from bridge.texts import gettext

M = memberships.c


def findings(connection: Connection, rules: Rules, now: datetime) -> Iterator[Finding]:
    """Each of them, until the payer has the group or is refunded."""
    names = Names(connection)
    yield from _of_ended(connection, rules, names, now)
    yield from _of_kept_out(connection, names)


def _led_to(rules: Rules, bought: Iterable[tuple[str, str]]) -> dict[str, tuple[int, ...]]:
    """Product -> the groups that it gives by a rule in force."""
    found = {}
    for price_id, product_id in bought:
        rule = rules.rule_for(price_id, product_id)
        if rule and rule.group_ids:
            found[product_id] = rule.group_ids
    return found


def _has(connection: Connection, user_id: int | None, led_to: Mapping[str, Sequence[int]]) -> bool:
    """Whether something else gives somebody all of it, now or soon."""
    group_ids = {id_ for ids in led_to.values() for id_ in ids}
    has = select(func.count()).where(
        M.user_id == user_id, M.group_id.in_(group_ids), M.wanted, M.override.is_(None)
    )
    return user_id is not None and connection.scalar(has) == len(group_ids)


def _of_ended(
    connection: Connection, rules: Rules, names: Names, now: datetime
) -> Iterator[Finding]:
    """Invoices that were paid after their subscription had ended, for time still to come."""
    for row in connection.execute(_PAID_AFTER_THE_END, {"b_now": now.isoformat()}):
        found = CONVERTER.structure(row.data, Subscription)
        paid = found.last_payment
        if paid is None or found.beneficiary_id is not None:
            continue
        led_to = _led_to(rules, ((one.price_id, one.product_id) for one in found.items))
        if not led_to or _has(connection, row.user_id, led_to) or _is_back(connection, paid):
            continue
        who = found.customer_id if row.user_id is None else names.user(row.user_id)
        told = {
            "who": who,
            "amount": _amount(connection, paid),
            "what": names.products(list(led_to)),
            "why": gettext(
                "The subscription %(subscription)s had ended before the invoice %(invoice)s was "
                "paid."
            )
            % {"subscription": found.id, "invoice": paid.invoice_id},
            "user": "USER" if row.user_id is None else f"id:{row.user_id}",
            "todo": gettext("Void invoices that stay open when a subscription ends."),
        }
        yield Finding(Kind.GIVES_NOTHING, found.id, paid.paid_at, told)


_DATA = subscriptions.c.data
_PAID_AFTER_THE_END = (
    select(_DATA, customers.c.user_id)
    .join(customers, customers.c.customer_id == subscriptions.c.customer_id)
    .where(
        is_own(subscriptions),
        is_own(customers),
        subscriptions.c.status == "canceled",
        _DATA[("last_payment", "paid_at")].as_string() > _DATA["ended_at"].as_string(),
        _DATA[("last_payment", "period_end_at")].as_string() > bindparam("b_now"),
    )
)


def _is_back(connection: Connection, paid: PeriodPayment) -> bool:
    lines = money_lines.c
    left = select(func.sum(lines.amount_minor)).where(
        is_own(money_lines), lines.invoice_id == paid.invoice_id
    )
    sum_minor = connection.scalar(left)
    return sum_minor is not None and sum_minor <= 0


def _amount(connection: Connection, paid: PeriodPayment) -> str:
    line = select(money_lines.c.currency).where(
        is_own(money_lines), money_lines.c.id == paid.invoice_id
    )
    currency = connection.scalar(line)
    return format_minor(paid.amount_minor, currency) if currency else gettext("an unknown amount")


def _of_kept_out(connection: Connection, names: Names) -> Iterator[Finding]:
    """Members whom staff removed, or who left, and who have paid for the group again since."""
    asked = (
        select(memberships, groups.c.name.label("group"))
        .join(groups, groups.c.id == M.group_id)
        .where(M.wanted, ~M.actual, M.override.is_not(None))
        .order_by(M.user_id, M.group_id)
    )
    for row in connection.execute(asked):
        since = [one for one in _paid(connection, row.sources) if one[0] > row.override_at]
        if not since:
            continue
        paid_at = min(at for at, _ in since)
        removed = gettext("Staff had removed them from %(group)s.")
        why = removed if row.override == "staff" else gettext("They had left %(group)s.")
        todo = gettext(
            "To let them back in, run bridge lift id:%(user_id)s %(group)s --by NAME --reason TEXT."
        )
        named = {"group": row.group, "user_id": row.user_id}
        told = {
            "who": names.user(row.user_id),
            "what": names.products([id_ for _, ids in since for id_ in ids]),
            "why": why % named,
            "user": f"id:{row.user_id}",
            "todo": todo % named,
        }
        yield Finding(Kind.GIVES_NOTHING, f"{row.user_id}:{row.group_id}", paid_at, told)


def _paid(
    connection: Connection, source_ids: Sequence[str]
) -> Iterator[tuple[datetime, tuple[str, ...]]]:
    """When each of these sources was last paid, and for which products."""
    of_order = is_own(purchases), purchases.c.id.in_(list(source_ids))
    for data in connection.scalars(select(purchases.c.data).where(*of_order)):
        order = CONVERTER.structure(data, Purchase)
        yield order.paid_at, (order.product_id,)
    of_period = is_own(subscriptions), subscriptions.c.id.in_(list(source_ids))
    for data in connection.scalars(select(subscriptions.c.data).where(*of_period)):
        found = CONVERTER.structure(data, Subscription)
        if found.started_at and found.last_payment:
            # A renewal continues what they were removed from; only a new purchase counts.
            yield found.started_at, tuple(one.product_id for one in found.items)
