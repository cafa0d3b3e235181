"""A buyer's input for each line of an order, and sentences for invalid input."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace

from bridge.core.ledger.amounts import format_minor, is_absurd, plain_amount, to_minor
from bridge.core.ledger.typed_amounts import typed_to_minor
from bridge.core.model.stripe import OpenAmount
from bridge.core.rights.offers import Offer
from bridge.core.rights.orders import Line, paying_of
from bridge.core.telling.words import LOCALE
from bridge.texts import gettext

NUMBER = re.compile(r"[0-9]{1,6}")


@dataclass(frozen=True, slots=True)
class Said:
    """A line as typed in the form or given by the link; empty if nothing was given."""

    quantity: str
    amount: str


@dataclass(frozen=True, slots=True)
class Field:
    """A buyer's fields for one line, as the page shows them.

    `proposed`: amounts as the form sends them and as people read them.
    """

    line: Line
    number: int
    proposed: tuple[tuple[str, str], ...] = ()
    amount: str = ""

    @property
    def has_quantity(self) -> bool:
        """Whether the buyer chooses the quantity."""
        return paying_of(self.line.offer).allows_quantity

    @property
    def limits(self) -> tuple[int, int]:
        """The least and the most."""
        return paying_of(self.line.offer).quantity

    @property
    def is_open(self) -> bool:
        """Whether the buyer sets the amount."""
        return self.line.offer.price.open_amount is not None


def field_of(line: Line, number: int, said: Said) -> Field:
    """The field of a line, with the amounts that are proposed."""
    price = line.offer.price
    if price.open_amount is None:
        return Field(line, number)
    wanted = [to_minor(str(amount), price.currency) for amount in paying_of(line.offer).amounts]
    preset = price.open_amount.preset_minor
    fitting = [one for one in wanted if _out_of(price.open_amount, one, price.currency) is None]
    shown = fitting or ([preset] if preset else [])
    proposed = tuple(
        (plain_amount(one, price.currency), format_minor(one, price.currency, LOCALE))
        for one in shown
    )
    return Field(line, number, proposed, said.amount)


def line_of(offer: Offer, asked: Said, *, is_alone: bool) -> tuple[Line, str | None]:
    """The requested line, or a sentence if it is invalid."""
    least, most = paying_of(offer).quantity
    said = asked.quantity or str(least)
    quantity = int(said) if NUMBER.fullmatch(said) else 0
    if not least <= quantity <= most:
        return Line(offer, least), gettext(
            "%(product)s: choose a number from %(least)s to %(most)s."
        ) % {"product": offer.product.name, "least": least, "most": most}
    line = Line(offer, quantity)
    if offer.price.open_amount is None:
        return line, None
    amount, problem = _amount(offer, asked.amount)
    if amount is None and problem is None and not is_alone:
        amount = _first(offer)
    if amount is None and problem is None and (quantity != 1 or not is_alone):
        problem = gettext("%(product)s: enter an amount.") % {"product": offer.product.name}
    return replace(line, chosen_minor=amount), problem


def _first(offer: Offer) -> int | None:
    """The initial amount in the field."""
    price, proposed = offer.price, paying_of(offer).amounts
    if price.open_amount and price.open_amount.preset_minor:
        return price.open_amount.preset_minor
    return to_minor(str(proposed[0]), price.currency) if proposed else None


def _amount(offer: Offer, said: str) -> tuple[int | None, str | None]:
    """The typed or chosen amount; None if there is none."""
    if not said:
        return None, None
    currency, limits = offer.price.currency, offer.price.open_amount or OpenAmount()
    words = {"product": offer.product.name, "example": plain_amount(10**3, currency)}
    try:
        amount = typed_to_minor(said, currency)
    except ValueError:
        amount = 0
    if amount <= 0 or is_absurd(amount, currency):
        return None, gettext("%(product)s: enter an amount such as %(example)s.") % words
    problem = _out_of(limits, amount, currency)
    return (None, f"{offer.product.name}: {problem}") if problem else (amount, None)


def _out_of(limits: OpenAmount, amount: int, currency: str) -> str | None:
    """The sentence for an amount that the price does not accept."""
    if limits.minimum_minor is not None and amount < limits.minimum_minor:
        least = format_minor(limits.minimum_minor, currency, LOCALE)
        return gettext("the smallest amount is %(least)s.") % {"least": least}
    if limits.maximum_minor is not None and amount > limits.maximum_minor:
        most = format_minor(limits.maximum_minor, currency, LOCALE)
        return gettext("the largest amount is %(most)s.") % {"most": most}
    return None
