"""An invoice's sum: its lines, discounts, parts, and the open payment."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from bridge.core.ledger.lines import MoneyPart
from bridge.core.model.stripe import FailedPayment, OpenDispute, PendingPayment
from bridge.stripe_api.reader import Json, id_of, invoice_subscription_id, moment, rows, within

# "3 \u00d7 Patron (at \u20ac10.00 / month)": as Stripe describes what is sold by a price.
_DESCRIPTION = re.compile("(\\d+) \u00d7 (.+?)(?: \\(at .*\\))?")


def what_for(lines: Sequence[Json], otherwise: str | None) -> str:
    """The purchase in words: the first line that costs something, and how many more there are."""
    charged = [ln for ln in lines if int(ln.get("amount") or 0) > 0] or list(lines)
    names = dict.fromkeys(filter(None, (_name(line) for line in charged)))
    if not names:
        return otherwise or "Payment"
    more = len(names) - 1
    return next(iter(names)) + (f" and {more} more" if more else "")


def pending_payment(raw: Json) -> PendingPayment | None:
    """The open payment of an invoice; none for drafts, settled and void invoices."""
    left = int(raw.get("amount_remaining") or 0)
    if raw.get("status") != "open" or left <= 0:
        return None
    since = within(raw, "status_transitions", "finalized_at") or raw["created"]
    again = raw.get("next_payment_attempt")
    return PendingPayment(
        id=raw["id"],
        what=what_for(rows(raw.get("lines")), raw.get("description")),
        amount_minor=left,
        currency=str(raw["currency"]).lower(),
        at=moment(since),
        subscription_id=invoice_subscription_id(raw),
        next_try_at=moment(again) if again else None,
        attempts=int(raw.get("attempt_count") or 0),
    )


def failed_payment(raw: Json) -> FailedPayment | None:
    """Why the last attempt to pay an invoice failed; None if it is no longer owed."""
    waits, customer_id = pending_payment(raw), id_of(raw.get("customer"))
    if waits is None or customer_id is None:
        return None
    tried = (within(one, "payment", "payment_intent") for one in rows(raw.get("payments")))
    errors = [error for one in tried if (error := within(one, "last_payment_error"))]
    last = errors[-1] if errors else None
    return FailedPayment(
        customer_id=customer_id,
        payment=waits,
        code=within(last, "decline_code") or within(last, "code"),
        message=within(last, "message"),
        pay_url=raw.get("hosted_invoice_url") or None,
    )


def open_dispute(raw: Json) -> OpenDispute:
    """A dispute, with the charge inside of it."""
    due = within(raw, "evidence_details", "due_by")
    return OpenDispute(
        id=raw["id"],
        status=str(raw["status"]),
        reason=str(raw.get("reason") or ""),
        customer_id=id_of(within(raw, "charge", "customer")),
        amount_minor=int(raw["amount"]),
        currency=str(raw["currency"]).lower(),
        opened_at=moment(raw["created"]),
        respond_by=moment(due) if due else None,
    )


def discount_of(raw: Json) -> int:
    """The sum of all discounts of an invoice."""
    amounts = raw.get("total_discount_amounts")
    if amounts is None and raw.get("discount"):  # before 2020-08-27 only the sums tell
        off = int(raw.get("subtotal") or 0) + _added_tax(raw) - int(raw.get("total") or 0)
    else:
        off = sum(int(each["amount"]) for each in amounts or ())
    return max(0, off)


def parts_of(raw: Json, gross_minor: int) -> tuple[MoneyPart, ...]:
    """The lines of an invoice that has several, such as a proration's credit and debit."""
    lines = [(counted_name(ln), int(ln.get("amount") or 0)) for ln in rows(raw.get("lines"))]
    return add_up_to(gross_minor, [*lines, shipping_part(raw)], _added_tax(raw))


def shipping_part(raw: Json) -> tuple[str, int]:
    """The cost of shipping, without added tax."""
    return "Shipping", int(within(raw, "shipping_cost", "amount_subtotal") or 0)


def add_up_to(
    gross_minor: int, lines: Iterable[tuple[str, int]], added_tax: int
) -> tuple[MoneyPart, ...]:
    """Parts whose sum is the gross amount, credits after the rest; none for a single line.

    Tax included in the prices is no part. `Other` is the rest that no line explains: a balance owed
    from before, or lines that a very long invoice leaves out.
    """
    parts = [MoneyPart(what, amount) for what, amount in lines if amount]
    if len(parts) < 2:  # noqa: PLR2004 -- one is the payment itself
        return ()
    parts.sort(key=lambda part: part.amount_minor < 0)
    rest = gross_minor - added_tax - sum(part.amount_minor for part in parts)
    parts += [MoneyPart("Tax", added_tax), MoneyPart("Other", rest)]
    return tuple(part for part in parts if part.amount_minor)


def _added_tax(raw: Json) -> int:
    """Tax on top of the prices; tax included in them is not shown separately."""
    if (taxes := raw.get("total_taxes")) is not None:
        return sum(int(t["amount"]) for t in taxes if t.get("tax_behavior") == "exclusive")
    if (taxes := raw.get("total_tax_amounts")) is not None:
        return sum(int(t["amount"]) for t in taxes if not t.get("inclusive"))
    return int(raw.get("tax") or 0)


def counted_name(line: Json) -> str:
    """A line's description, with its quantity."""
    text = _text(line) or ("Credit" if int(line.get("amount") or 0) < 0 else "Payment")
    found = _DESCRIPTION.fullmatch(text)
    if not found:
        return text
    return found[2] if found[1] == "1" else f"{found[1]} \u00d7 {found[2]}"


def _name(line: Json) -> str | None:
    text = _text(line)
    found = _DESCRIPTION.fullmatch(text or "")
    return found[2] if found else text


def _text(line: Json) -> str | None:
    text = line.get("description") or within(line, "price", "nickname")
    return text or within(line, "plan", "nickname") or None
