"""Finds payments that have a rule and give nothing, from the ledger's own data (A108).

It checks every paid line once a day. It keeps the documents of lines that give nothing and checks
them again with every round of alerts, until they give something or their time is over.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Any, NamedTuple

from sqlalchemy import Connection, Row, Select, Table, or_, select

from bridge.core.ledger.amounts import format_minor
from bridge.core.model.alerts import Finding, Kind
from bridge.core.model.reasons import Reason
from bridge.core.rights.grants import grants
from bridge.core.rights.paid_lines import PaidLine, is_over, led_to, paid_lines, why_nothing
from bridge.core.rules.compiled import Rules
from bridge.core.rules.policy import Policy
from bridge.core.telling.paid_lines import cause_in_words
from bridge.store import money_objects, state
from bridge.store.facts import facts_of
from bridge.store.naming import Names
from bridge.store.own import is_own
from bridge.store.schema.forum import memberships
from bridge.store.schema.people import customers
from bridge.store.schema.rights import purchases, subscriptions
from bridge.texts import gettext

SUSPECTS = "paid_lines.suspects"
# A fault that affects everybody shows in a hundred lines, too.
MOST_SUSPECTS = 100
M = memberships.c
Nothing = tuple[PaidLine, int | None, Reason | None]
"""A line that gives nothing, its owner, and why; without a reason: nothing was recorded."""


def look_at_all(connection: Connection, rules: Rules, policy: Policy, now: datetime) -> list[str]:
    """Compare every paid line with the memberships; returns the documents of the suspects."""
    found: dict[str, None] = {}
    after = ""
    while len(found) < MOST_SUSPECTS:
        page = money_objects.documents(connection, after=after)
        if page is None:
            break
        after = page.last_id
        nothing = _give_nothing(connection, page, rules, policy, now)
        found |= dict.fromkeys(line.document_id for line, _, _ in nothing)
    return list(found)[:MOST_SUSPECTS]


def findings(
    connection: Connection, rules: Rules, policy: Policy, now: datetime
) -> Iterator[Finding]:
    """The suspects of the last check that still give nothing."""
    suspects = state.get(connection, SUSPECTS)
    page = money_objects.documents(connection, among=suspects) if suspects else None
    if page is None:
        return
    names = Names(connection)
    for line, user_id, reason in _give_nothing(connection, page, rules, policy, now):
        told = {
            "who": line.customer_id or line.document_id,
            "amount": format_minor(line.amount_minor, line.currency),
            "what": names.products([line.product_id]),
            "why": cause_in_words(line, reason),
            "user": "USER",
            "todo": gettext("To see whether readings of Stripe fail, run bridge doctor."),
        }
        if user_id is not None:
            told |= {"who": names.user(user_id), "user": f"id:{user_id}"}
            todo = gettext("To see what is known, run bridge explain id:%(user_id)s.")
            told["todo"] = todo % {"user_id": user_id}
        yield Finding(Kind.GIVES_NOTHING, line.id, line.paid_at, told)


def _give_nothing(
    connection: Connection,
    page: money_objects.Documents,
    rules: Rules,
    policy: Policy,
    now: datetime,
) -> Iterator[Nothing]:
    live = [
        line
        for line in paid_lines(page.objects)
        if led_to(line, rules) and not is_over(line, rules, now)
    ]
    known = _recorded(connection, live)
    has = _has(connection, [one.user_id for one in known.values() if one.user_id is not None])
    for line in live:
        recorded = known.get(line.id)
        if recorded is None:
            yield line, None, None
            continue
        user_id = recorded.user_id
        # Customers without a user have an alert of their own.
        if user_id is None or led_to(line, rules) <= has[user_id]:
            continue
        facts, _ = facts_of(connection, user_id)
        said = grants(facts, rules, policy, now)
        reason = why_nothing(line, recorded.source_id, said)
        if reason is not None:
            yield line, user_id, reason


class _Recorded(NamedTuple):
    """The source that a line is known as, and the user for whom it counts, if any."""

    source_id: str
    user_id: int | None


def _recorded(connection: Connection, lines: Sequence[PaidLine]) -> dict[str, _Recorded]:
    """The known lines, by their ids."""
    once = [line for line in lines if line.until_at is None]
    ids = [line.subscription_id for line in lines if line.until_at is not None]
    bought = connection.execute(
        _with_user(purchases).where(
            or_(
                purchases.c.id.in_([line.id for line in once]),
                purchases.c.customer_id.in_({line.customer_id for line in once}),
            )
        )
    ).all()
    by_id = {row.id: _of(row) for row in bought}
    by_payment = {(row.data["payment_id"], row.data["product_id"]): _of(row) for row in bought}
    running = connection.execute(_with_user(subscriptions).where(subscriptions.c.id.in_(ids)))
    by_id |= {row.id: _of(row) for row in running}
    found: dict[str, _Recorded] = {}
    for line in lines:
        same = [by_id.get(line.source_id or "")]
        same += [by_payment.get((id_, line.product_id)) for id_ in line.payment_ids]
        if one := next(filter(None, same), None):
            found[line.id] = one
    return found


def _of(row: Row[Any]) -> _Recorded:
    return _Recorded(row.id, row.user_id if row.beneficiary_id is None else row.beneficiary_id)


def _with_user(table: Table) -> Select[Any]:
    return (
        select(table.c.id, table.c.beneficiary_id, table.c.data, customers.c.user_id)
        .join(customers, customers.c.customer_id == table.c.customer_id, isouter=True)
        .where(is_own(table))
    )


def _has(connection: Connection, user_ids: Sequence[int]) -> defaultdict[int, set[int]]:
    """The groups to which each user has a right now, without those they were removed from."""
    found: defaultdict[int, set[int]] = defaultdict(set)
    asked = select(M.user_id, M.group_id).where(
        M.user_id.in_(user_ids), M.wanted, M.override.is_(None)
    )
    for row in connection.execute(asked):
        found[row.user_id].add(row.group_id)
    return found
