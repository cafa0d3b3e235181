"""Money lines from Stripe's invoices, charges, refunds and disputes: one line per movement.

The same movement has the same id whichever reading found it: an invoice that was paid is `in_…`, a
payment without an invoice `ch_…`, a refund `re_…`, a dispute `dp_…`, and what comes back of those
`…:failed` and `…:returned`. A charge that paid an invoice is never a line of its own.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Literal

from bridge.core.ledger.lines import MoneyKind, MoneyLine
from bridge.core.ledger.refunded_lines import LineRefund
from bridge.core.model.stripe import ItemPayment, PendingPayment, PeriodPayment, Purchase, SoldPrice
from bridge.stripe_api.invoices import (
    add_up_to,
    counted_name,
    discount_of,
    parts_of,
    what_for,
)
from bridge.stripe_api.order_lines import (
    Fate,
    Notes,
    Order,
    Refund,
    fates,
    items_bought_once,
    line_price,
    line_product,
    line_total,
    order_of_invoice,
    order_of_session,
)
from bridge.stripe_api.reader import (
    BENEFICIARY,
    PRESENT,
    PRICE,
    Json,
    id_of,
    invoice_subscription_id,
    metadata,
    moment,
    rows,
    within,
)

_MOVED = ("succeeded", "pending")  # of a refund: taken from the balance
_CAME_BACK = ("failed", "canceled")
_INQUIRY = ("warning_needs_response", "warning_under_review", "warning_closed", "prevented")


@dataclass(frozen=True, slots=True)
class Payment:
    """A charge with everything that became of it, and the invoice that it paid if there is one."""

    charge: Json
    refunds: Sequence[Json] = ()
    disputes: Sequence[Json] = ()


# --- Invoices ------------------------------------------------------------------------------------


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
    """What a paid invoice put on the customer's balance, as the rest of a dearer plan does (A105).

    Money it is not: that was paid before, and pays for later invoices from there.
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
    """By how much an invoice made the customer's credit more; negative: what it used of it."""
    ending, starting = int(raw.get("ending_balance") or 0), int(raw.get("starting_balance") or 0)
    return _credit(ending) - _credit(starting)


def _credit(balance: int) -> int:
    """A negative balance is the customer's credit; a positive one is owed."""
    return max(0, -balance)


# The invoice itself tells what it put on the balance and took from it.
_BY_INVOICE = (
    "applied_to_invoice",
    "unapplied_from_invoice",
    "invoice_too_large",
    "invoice_too_small",
)


def balance_line(raw: Json) -> MoneyLine | None:
    """Credit given by hand or by a credit note, or taken away again; not what invoices moved."""
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
    """What a subscription's period rests on: its newest paid invoice, with its payments' fate.

    `lines`: all of them, where more was asked for than the invoice shows.
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


# --- Charges, refunds, disputes ------------------------------------------------------------------


def charge_line(charge: Json, customer_id: str, what: str | None = None) -> MoneyLine | None:
    """A payment without an invoice, or None if it did not succeed or is only held on the card."""
    if charge.get("status", "succeeded") != "succeeded" or not charge.get("paid", True):
        return None
    amount = captured(charge)
    if amount == 0:
        return None
    return MoneyLine(
        id=charge["id"],
        customer_id=id_of(charge.get("customer")) or customer_id,
        kind="paid",
        at=moment(charge["created"]),
        amount_minor=amount,
        currency=str(charge["currency"]).lower(),
        what=what or charge.get("description") or "Payment",
        payment_id=id_of(charge.get("payment_intent")) or charge["id"],
        receipt_url=charge.get("receipt_url") or None,
        is_first=True,
    )


def captured(charge: Json) -> int:
    """What was taken of a charge: nothing while it is only held, and perhaps a part (A138).

    The oldest versions know no `amount_captured`; there all that is captured is the amount.
    """
    if not charge.get("captured", True):
        return 0
    amount = charge.get("amount_captured")
    return int(charge.get("amount") or 0) if amount is None else int(amount)


def given_back(payment: Payment) -> list[Json]:
    """The refunds that moved money: what a hold released of itself was never taken.

    Stripe writes that down as a refund too, of the part not captured and without a balance
    transaction.
    """
    held = int(payment.charge.get("amount") or 0) - captured(payment.charge)
    return [r for r in payment.refunds if not (held and _is_release(r, held))]


def _is_release(refund: Json, held: int) -> bool:
    return int(refund["amount"]) == held and not refund.get("balance_transaction")


def refunds_in(payments: Iterable[Payment]) -> list[Refund]:
    """The refunds of payments in the order in which they were made, without those that failed.

    Where an old shape tells only the sum, that is one refund.
    """
    found = []
    for payment in payments:
        moved = [r for r in given_back(payment) if r.get("status", "succeeded") in _MOVED]
        each = [Refund(r["id"], int(r["amount"]), moment(r["created"])) for r in moved]
        more = refunded_of(payment) - sum(one.amount_minor for one in each)
        found += [*each, *([Refund("", more, None)] if more > 0 else [])]
    never = datetime.max.replace(tzinfo=UTC)
    return sorted(found, key=lambda one: (one.at or never, one.id))


def refunded_of(payment: Payment) -> int:
    """How much of a payment was refunded."""
    total = int(payment.charge.get("amount_refunded") or 0)
    moved = given_back(payment)
    released = sum(int(r["amount"]) for r in payment.refunds if r not in moved)
    return max(0, total - released)


def lines_after(payment: Payment, paid: MoneyLine) -> list[MoneyLine]:
    """What came after a payment: refunds, failed refunds, disputes, and how they were decided."""
    lines: list[MoneyLine] = []
    for refund in given_back(payment):
        lines += _refund_lines(refund, paid)
    for dispute in payment.disputes:
        lines += _dispute_lines(dispute, paid)
    return lines


def _going_back(paid: MoneyLine, id_: str, kind: MoneyKind, at: datetime, amount: int) -> MoneyLine:
    """A line that takes from a payment; how that was made up is told by the payment alone."""
    gone = replace(paid, id=id_, kind=kind, at=at, amount_minor=-amount)
    return replace(gone, from_credit_minor=0, discount_minor=0, parts=(), is_first=False)


def _refund_lines(refund: Json, paid: MoneyLine) -> list[MoneyLine]:
    status = refund.get("status") or "succeeded"
    if status not in (*_MOVED, *_CAME_BACK):
        return []  # waits for the customer: nothing has moved
    amount, at = int(refund["amount"]), moment(refund["created"])
    gone = _going_back(paid, refund["id"], "refunded", at, amount)
    if status in _MOVED:
        return [gone]
    # It may have been written down while it was under way: so both lines, which add up to nothing.
    return [gone, replace(gone, id=f"{refund['id']}:failed", amount_minor=amount)]


def _dispute_lines(dispute: Json, paid: MoneyLine) -> list[MoneyLine]:
    if dispute["status"] in _INQUIRY:
        return []  # a question of the bank's: nothing has moved
    amount, at = int(dispute["amount"]), moment(dispute["created"])
    gone = _going_back(paid, dispute["id"], "disputed", at, amount)
    moves = [m for m in dispute.get("balance_transactions") or () if isinstance(m, Mapping)]
    back = _came_back(dispute, moves, gone)
    if dispute["status"] != "lost":
        return [gone, *back]
    decided = max((line.at for line in back), default=at)
    lost = replace(gone, id=f"{dispute['id']}:lost", kind="dispute_lost", at=decided)
    return [gone, *back, replace(lost, amount_minor=0)]


def _came_back(dispute: Json, moves: Sequence[Json], gone: MoneyLine) -> list[MoneyLine]:
    """What returned of a dispute: as much of it as of the balance, which may be less (A141).

    The balance may be kept in another currency, so its parts count and not its sums.
    """
    amounts = [(int(m.get("amount") or 0), m["created"]) for m in moves]
    taken = -sum(amount for amount, _ in amounts if amount < 0)
    returned = [(amount, created) for amount, created in amounts if amount > 0]
    if not taken and dispute["status"] == "won":  # the oldest shapes say no more
        latest = max((created for _, created in amounts), default=dispute["created"])
        taken, returned = 1, [(1, latest)]
    lines = []
    for number, (amount, created) in enumerate(returned if taken else ()):
        id_ = f"{dispute['id']}:returned" + (f":{number + 1}" if number else "")
        part = round(-gone.amount_minor * amount / taken)
        back = replace(gone, id=id_, kind="dispute_returned", at=moment(created))
        lines.append(replace(back, amount_minor=part))
    return lines


def dispute_state(
    disputes: Iterable[Json],
) -> tuple[Literal["open", "won", "lost"] | None, datetime | None]:
    """How the disputes of a payment stand; the worst counts."""
    worst: tuple[Literal["open", "won", "lost"] | None, datetime | None] = (None, None)
    for dispute in disputes:
        at = moment(dispute["created"])
        if dispute["status"] == "lost":
            return "lost", at
        if dispute["status"] in ("won", "warning_closed", "prevented"):
            worst = worst if worst[0] else ("won", at)
        elif worst[0] != "open":
            worst = ("open", at)
    return worst


# --- One-off orders ------------------------------------------------------------------------------


def is_paid_order(session: Json) -> bool:
    """A finished checkout whose money is there; one paid later (by debit) is not, until it is."""
    paid = session.get("payment_status") in ("paid", "no_payment_required")
    return paid and session.get("status", "complete") == "complete"


def is_guests_order(session: Json) -> bool:
    """Paid once, by somebody whom Stripe made no customer for."""
    return session["mode"] == "payment" and not session.get("customer")


def payer_of(order: Json) -> str:
    """Who paid for an order or invoice: its customer, or the order itself if it is a guest's."""
    return id_of(order.get("customer")) or str(order["id"])


def one_off_lines(session: Json, lines: Sequence[Json]) -> list[Json]:
    """Lines that are bought once; beside a subscription there may be some, too."""
    if session["mode"] == "payment":
        return list(lines)
    return [ln for ln in lines if within(ln, "price", "type") == "one_time"]


def price_and_product(line: Json) -> tuple[str, str]:
    """The ids of what a line of an order sells, and not of a price made for the buyer's amount."""
    sold = metadata(line).get(PRICE) or id_of(line["price"]) or ""
    return sold, id_of(line["price"]["product"]) or ""


def read_purchases(
    session: Json, lines: Sequence[Json], payment: Payment | None, order: Order | None = None
) -> list[Purchase]:
    """The lines of a paid one-off order. Free orders have no payment.

    Where the buyer decided the amount, Stripe made a price for it; what was bought is the other.
    `order`: all that was paid for with them, where there is more.
    """
    began = within(payment.charge, "created") if payment else None
    found = _fates(order or order_of_session(lines), payment)
    return [
        _purchase(
            session,
            line,
            payment,
            found.get(line["id"]),
            SoldPrice(*price_and_product(line)),
            paid_at=moment(began or session["created"]),
            amount_minor=int(line["amount_total"]),
        )
        for line in lines
    ]


def purchases_by_invoice(
    invoice: Json, lines: Sequence[Json], payment: Payment | None, order: Order
) -> list[Purchase]:
    """What a paid invoice sold once. One paid outside of Stripe has no payment."""
    paid_at = within(invoice, "status_transitions", "paid_at") or invoice["created"]
    found = _fates(order, payment)
    return [
        _purchase(
            invoice,
            line,
            payment,
            found.get(line["id"]),
            SoldPrice(line_price(line) or "", line_product(line) or ""),
            paid_at=moment(paid_at),
            amount_minor=line_total(line),
        )
        for line in lines
    ]


def _fates(order: Order, payment: Payment | None) -> dict[str, Fate]:
    """Line, as Stripe names it -> what was given back of it."""
    if payment is None or not order.lines:
        return {}
    currency = str(payment.charge.get("currency") or order.lines[0].currency).lower()
    found = fates(order, currency, captured(payment.charge), refunds_in([payment]))
    return {line_id: found[key] for line_id, key in order.keys.items()}


def _purchase(
    order: Json,
    line: Json,
    payment: Payment | None,
    fate: Fate | None,
    sold: SoldPrice,
    *,
    paid_at: datetime,
    amount_minor: int,
) -> Purchase:
    """A line of an order or invoice, with what became of its payment."""
    charge: Json = payment.charge if payment else {}
    state, disputed_at = dispute_state(payment.disputes if payment else ())
    refund = fate.refund if fate else LineRefund(0)
    return Purchase(
        id=f"{order['id']}:{line['id']}",
        customer_id=payer_of(order),
        price_id=sold.price_id,
        product_id=sold.product_id,
        quantity=int(line.get("quantity") or 1),
        paid_at=paid_at,
        amount_minor=amount_minor,
        currency=str(line["currency"]).lower(),
        payment_id=id_of(charge.get("payment_intent")) or charge.get("id"),
        payment_minor=refund.paid_minor,
        refunded_minor=refund.refunded_minor,
        refunded_at=refund.at,
        disputed=state,
        disputed_at=disputed_at,
        metadata={k: v for k, v in metadata(order).items() if k in (BENEFICIARY, PRESENT)},
        refund_doubt=fate.doubt if fate else None,
    )


def order_line(session: Json, lines: Sequence[Json], charge: Json) -> MoneyLine | None:
    """The payment of an order without an invoice: the charge, as the session explains it."""
    paid = charge_line(charge, payer_of(session), what_was_bought(lines))
    if paid is None or paid.currency != lines[0]["currency"]:
        return paid  # shown in a currency of the buyer's own: the session's sums are of another
    discount = int(within(session, "total_details", "amount_discount") or 0)
    prices = [int(ln.get("amount_subtotal") or 0) for ln in lines]
    off = sum(int(ln.get("amount_discount") or 0) for ln in lines)
    added_tax = sum(int(ln["amount_total"]) for ln in lines) + off - sum(prices)
    bought = zip(map(counted_name, lines), prices, strict=True)
    parts = add_up_to(paid.amount_minor + discount, bought, added_tax)
    return replace(paid, discount_minor=discount, parts=parts)


def pending_order(session: Json, lines: Sequence[Json]) -> PendingPayment | None:
    """An order whose money is on its way, as by a bank debit; not one whose payment failed."""
    on_its_way = within(session, "payment_intent", "status") == "processing"
    amount = int(session.get("amount_total") or 0)
    if not (on_its_way and amount and lines) or session.get("payment_status") != "unpaid":
        return None
    return PendingPayment(
        id=session["id"],
        what=what_was_bought(lines),
        amount_minor=amount,
        currency=str(lines[0]["currency"]).lower(),
        at=moment(session["created"]),
    )


def what_was_bought(lines: Sequence[Json]) -> str:
    """A name for an order without an invoice."""
    return what_for([{**ln, "amount": ln.get("amount_total")} for ln in lines], None)
