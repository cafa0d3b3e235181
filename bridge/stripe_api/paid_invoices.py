"""A paid invoice: its money lines, the credit it moved, and the period it pays for.

The same movement has the same id whichever reading found it: a paid invoice is `in_…`, a
payment without an invoice `ch_…`. A charge that paid an invoice is never a line of its own.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import datetime

from bridge.core.ledger.lines import MoneyLine
from bridge.core.model.stripe import ItemPayment, PeriodPayment
from bridge.stripe_api.charges import Payment, dispute_state, refunds_in
from bridge.stripe_api.invoices import (
    discount_of,
    parts_of,
    what_for,
)
from bridge.stripe_api.order_lines import (
    Notes,
    Order,
    Refund,
    fates,
    items_bought_once,
    line_product,
    order_of_invoice,
)
from bridge.stripe_api.reader import (
    Json,
    id_of,
    invoice_subscription_id,
    moment,
    rows,
    within,
)


def invoice_line(raw: Json) -> MoneyLine | None:
    """The payment of an invoice, or None while it is unpaid and where nothing was to be paid."""
    if raw.get("status") != "paid" and not raw.get("paid"):
        return None
    paid = max(int(raw["amount_paid"]), int(raw["amount_due"]) - int(raw["amount_remaining"]))
    from_credit = max(0, -_credit_given(raw))
    if paid + from_credit == 0:
        return None
    lines = rows(raw.get("lines"))
    paid_at = within(raw, "status_transitions", "paid_at") or raw["created"]
    discount = discount_of(raw)
    return MoneyLine(
        id=raw["id"],
        customer_id=id_of(raw["customer"]) or "",
        kind="paid",
        at=moment(paid_at),
        amount_minor=paid + from_credit,
        currency=str(raw["currency"]).lower(),
        what=what_for(lines, raw.get("description")),
        invoice_id=raw["id"],
        payment_id=next(iter(invoice_payment_ids(raw)), None),
        subscription_id=invoice_subscription_id(raw),
        product_id=next(filter(None, map(line_product, lines)), None),
        from_credit_minor=from_credit,
        receipt_url=raw.get("hosted_invoice_url") or None,
        is_first=_begins_something(raw),
        discount_minor=discount,
        parts=parts_of(raw, paid + from_credit + discount),
    )


def credit_line(raw: Json) -> MoneyLine | None:
    """The credit that a paid invoice added to the balance, as after a downgrade (A105).

    It is no money: that was paid before, and the balance pays for later invoices.
    """
    given = _credit_given(raw)
    if given <= 0 or (raw.get("status") != "paid" and not raw.get("paid")):
        return None
    return MoneyLine(
        id=f"{raw['id']}:credit",
        customer_id=id_of(raw["customer"]) or "",
        kind="credited",
        at=moment(within(raw, "status_transitions", "paid_at") or raw["created"]),
        amount_minor=given,
        currency=str(raw["currency"]).lower(),
        what=what_for(_credits(raw), raw.get("description")),
        invoice_id=raw["id"],
        subscription_id=invoice_subscription_id(raw),
    )


def _credits(raw: Json) -> Sequence[Json]:
    return [line for line in rows(raw.get("lines")) if int(line.get("amount") or 0) < 0]


def _credit_given(raw: Json) -> int:
    """By how much an invoice increased the customer's credit; negative: how much it used."""
    ending, starting = int(raw.get("ending_balance") or 0), int(raw.get("starting_balance") or 0)
    return _credit(ending) - _credit(starting)


def _credit(balance: int) -> int:
    """A negative balance is the customer's credit; a positive one is owed."""
    return max(0, -balance)


# The invoice itself says what it added to the balance and took from it.
_BY_INVOICE = (
    "applied_to_invoice",
    "unapplied_from_invoice",
    "invoice_too_large",
    "invoice_too_small",
)


def balance_line(raw: Json) -> MoneyLine | None:
    """Credit given by hand or by a credit note, or taken away again; not moved by invoices."""
    ending, amount = int(raw.get("ending_balance") or 0), int(raw["amount"])
    given = _credit(ending) - _credit(ending - amount)
    if raw.get("type") in _BY_INVOICE or not given:
        return None
    by_note = raw.get("type") == "credit_note"
    return MoneyLine(
        id=raw["id"],
        customer_id=id_of(raw["customer"]) or "",
        kind="credited",
        at=moment(raw["created"]),
        amount_minor=given,
        currency=str(raw["currency"]).lower(),
        what=raw.get("description") or ("Credit note" if by_note else "Credit on your account"),
        invoice_id=id_of(raw.get("invoice")),
    )


def _begins_something(raw: Json) -> bool:
    """Whether an invoice is for something new: a subscription's first, or no subscription's."""
    if invoice_subscription_id(raw) is None:
        return True
    return raw.get("billing_reason") == "subscription_create"


def period_payment(
    raw: Json,
    payments: Sequence[Payment] = (),
    *,
    lines: Sequence[Json] | None = None,
    notes: Notes | None = None,
) -> PeriodPayment | None:
    """The payment of a subscription's period: its newest paid invoice, with refunds and disputes.

    `lines`: all of them, if more were read than the invoice shows.
    """
    if raw.get("status") != "paid" and not raw.get("paid"):
        return None
    lines = rows(raw.get("lines")) if lines is None else lines
    ends = [end for line in lines if (end := within(line, "period", "end"))]
    if not ends:
        return None
    line = invoice_line(raw)
    state, disputed_at = dispute_state(d for p in payments for d in p.disputes)
    paid_at = within(raw, "status_transitions", "paid_at") or raw["created"]
    paid = PeriodPayment(
        invoice_id=raw["id"],
        paid_at=moment(paid_at),
        period_end_at=moment(max(ends)),
        amount_minor=line.amount_minor if line else 0,
        disputed=state,
        disputed_at=disputed_at,
    )
    refunds = refunds_in(payments)
    if not refunds and not items_bought_once(lines):
        return paid
    return _with_refunds(paid, order_of_invoice(lines, notes), refunds)


def _with_refunds(paid: PeriodPayment, order: Order, refunds: Sequence[Refund]) -> PeriodPayment:
    """Add how much of the subscription's own lines was refunded, in all and for each."""
    currency = order.lines[0].currency
    found = fates(order, currency, paid.amount_minor, refunds)
    own = {line.item_id: found[line.id] for line in order.lines if line.item_id}
    if not own:  # the oldest shapes do not say which items they bill
        back, at = sum(one.amount_minor for one in refunds), _latest(refunds)
        return replace(paid, refunded_minor=back, refunded_at=at)
    items = tuple(
        ItemPayment(id_, one.refund.paid_minor, one.refund.refunded_minor, one.refund.at, one.doubt)
        for id_, one in own.items()
    )
    back = sum(one.refunded_minor for one in items)
    return replace(
        paid,
        amount_minor=sum(one.amount_minor for one in items),
        refunded_minor=back,
        refunded_at=max((one.refunded_at for one in items if one.refunded_at), default=None),
        items=items if back and len(order.lines) > 1 else (),
    )


def _latest(refunds: Iterable[Refund]) -> datetime | None:
    return max((one.at for one in refunds if one.at), default=None)


def invoice_payment_ids(raw: Json) -> tuple[str, ...]:
    """Payment intents and charges that pay an invoice, in the order of the invoice."""
    found = [id_of(raw.get("payment_intent")), id_of(raw.get("charge"))]
    for each in rows(raw.get("payments")):
        payment = each.get("payment") or {}
        found += [id_of(payment.get("payment_intent")), id_of(payment.get("charge"))]
    return tuple(dict.fromkeys(i for i in found if i))
