"""One-off orders: the one-off lines of a checkout, their payment, and their refunds."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime

from bridge.core.ledger.lines import MoneyLine
from bridge.core.ledger.refunded_lines import LineRefund
from bridge.core.model.stripe import PRESENT, PendingPayment, Purchase, SoldPrice
from bridge.stripe_api.charges import Payment, captured, charge_line, dispute_state, refunds_in
from bridge.stripe_api.invoices import (
    add_up_to,
    counted_name,
    shipping_part,
    what_for,
)
from bridge.stripe_api.order_lines import (
    Fate,
    Order,
    fates,
    line_price,
    line_product,
    line_total,
    order_of_session,
)
from bridge.stripe_api.reader import (
    BENEFICIARY,
    CAMPAIGN,
    PRICE,
    Json,
    id_of,
    metadata,
    moment,
    within,
)

# Metadata of the bridge about a whole order, which each of its purchases inherits.
_CARRIED = frozenset({BENEFICIARY, CAMPAIGN, PRESENT})


def is_paid_order(session: Json) -> bool:
    """Whether a checkout is finished and its money has arrived (a debit's arrives later)."""
    paid = session.get("payment_status") in ("paid", "no_payment_required")
    return paid and session.get("status", "complete") == "complete"


def is_guests_order(session: Json) -> bool:
    """Paid once, by somebody whom Stripe made no customer for."""
    return session["mode"] == "payment" and not session.get("customer")


def payer_of(order: Json) -> str:
    """The payer of an order or invoice: its customer, or the order itself if it is a guest's."""
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

    If the buyer decided the amount, Stripe made a price for it; the original price counts.
    `order`: everything that was paid for together, if there is more.
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
    """The one-off lines of a paid invoice. If it was paid outside Stripe, it has no payment."""
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
    """Line, by Stripe's id -> its refunded amount."""
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
        metadata={k: v for k, v in metadata(order).items() if k in _CARRIED},
        refund_doubt=fate.doubt if fate else None,
    )


def order_line(session: Json, lines: Sequence[Json], charge: Json) -> MoneyLine | None:
    """The payment of an order without an invoice: the charge, as the session explains it."""
    paid = charge_line(charge, payer_of(session), what_was_bought(lines))
    if paid is None or paid.currency != lines[0]["currency"]:
        return paid  # shown in the buyer's own currency; the session's sums are in another
    discount = int(within(session, "total_details", "amount_discount") or 0)
    prices = [int(ln.get("amount_subtotal") or 0) for ln in lines]
    off = sum(int(ln.get("amount_discount") or 0) for ln in lines)
    shipping = shipping_part(session)
    shipped = int(within(session, "shipping_cost", "amount_total") or 0)
    costs = sum(int(ln["amount_total"]) for ln in lines) + off + shipped
    bought = [*zip(map(counted_name, lines), prices, strict=True), shipping]
    added_tax = costs - sum(price for _, price in bought)
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
