"""From what a form says to an order: how many, which amount, a trial or not."""

from __future__ import annotations

import re
import secrets
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any

from flask import request, url_for

from bridge.core.ledger.amounts import format_minor, is_absurd, plain_amount, to_minor
from bridge.core.memberships.member import Member
from bridge.core.model.rights import Facts
from bridge.core.model.stripe import OpenAmount
from bridge.core.rights.buyers import Whereabouts
from bridge.core.rights.offers import Offer
from bridge.core.rights.orders import Line, Order, paying_of, trial_of
from bridge.core.rights.renewing import MOST_WAIT, no_sooner, paid_until
from bridge.core.rules.law import Law
from bridge.core.telling.words import LOCALE, day_words
from bridge.texts import gettext
from bridge.web.buying.coming import is_asked, with_origin
from bridge.web.buying.refusing import Refused, Way
from bridge.web.buying.who_may import (
    buyers_of,
    countries_of,
    refuse_who_may_not,
    to_choose_from,
)
from bridge.web.context import Reader, now
from bridge.web.security import Stop

TOKEN = re.compile(r"[A-Za-z0-9_-]{20,40}", re.ASCII)
AMOUNT = re.compile(r"[0-9]{1,7}([.,][0-9]{1,3})?")
NUMBER = re.compile(r"[0-9]{1,6}")


@dataclass(frozen=True, slots=True)
class Field:
    """What a buyer may set for one line, as the page shows it.

    `proposed`: amounts as the form sends them and as people read them.
    """

    line: Line
    number: int
    proposed: tuple[tuple[str, str], ...] = ()
    amount: str = ""

    @property
    def has_quantity(self) -> bool:
        """The buyer may say how many."""
        return paying_of(self.line.offer).allows_quantity

    @property
    def limits(self) -> tuple[int, int]:
        """Fewest and most."""
        return paying_of(self.line.offer).quantity

    @property
    def is_open(self) -> bool:
        """The buyer sets the amount."""
        return self.line.offer.price.open_amount is not None


@dataclass(frozen=True, slots=True)
class Asked:
    """An order as a reader asks for it, with what is wrong about it in sentences.

    `countries`: to choose from, where it matters and is not known where the reader lives.
    """

    order: Order
    fields: tuple[Field, ...]
    problems: tuple[str, ...] = ()
    countries: tuple[tuple[str, str], ...] = ()
    where: Whereabouts = field(default_factory=Whereabouts)

    @property
    def can_change(self) -> bool:
        """There is something on the page to be set."""
        return any(field.has_quantity or field.is_open for field in self.fields)

    @property
    def is_gift_of_money(self) -> bool:
        """One thing, whose amount the buyer sets: its proposed amounts are buttons."""
        return len(self.fields) == 1 and self.fields[0].is_open

    @property
    def first_payment_at(self) -> datetime | None:
        """When what renews is charged first, where its buyer has paid for it until then."""
        paid_until_at = self.order.continues_at
        return no_sooner(paid_until_at, now()) if paid_until_at else None

    @property
    def trial_ends_at(self) -> datetime | None:
        """When the first payment is due, if not today."""
        days = self.order.trial_days
        return now() + timedelta(days) if days else None


def asked(offers: Sequence[Offer], known: Reader | None, member: Member | None, law: Law) -> Asked:
    """The order of these offers with what the request says; what may not be sold, ends it."""
    fields, problems = [], []
    where = Whereabouts()
    countries: tuple[tuple[str, str], ...] = ()
    if known is not None:
        where = refuse_who_may_not(offers, known)
        countries = to_choose_from(offers, where)
    if countries and not where.said and request.method == "POST":
        problems.append(gettext("Choose the country you live in."))
    for number, offer in enumerate(offers, 1):
        line, problem = _line(offer, number, is_alone=len(offers) == 1)
        problems += [problem] if problem else []
        fields.append(_field(line, number))
    lines = tuple(field.line for field in fields)
    order = _beginning(lines, member, law)
    return Asked(order, tuple(fields), tuple(problems), countries, where)


def _beginning(lines: tuple[Line, ...], member: Member | None, law: Law) -> Order:
    """The order with its trial, or with the end of what its buyer has paid for already (A67)."""
    trial_days = trial_of(lines, member.facts if member else Facts(), law.rules)
    if member is None:
        return Order(lines, trial_days)
    offers = [line.offer for line in lines]
    continues_at = paid_until(offers, member.verdicts(law, now()))
    if continues_at is None or continues_at <= now() + timedelta(trial_days):
        return Order(lines, trial_days)
    if continues_at - now() > MOST_WAIT:
        raise Refused(
            gettext("It is too early to renew"),
            gettext("You have paid until %(day)s. You can renew from %(from)s on.")
            % {"day": day_words(continues_at), "from": day_words(continues_at - MOST_WAIT)},
            [Way(gettext("View your membership"), url_for("me.statement"))],
        )
    return Order(lines, 0, continues_at)


def order_view(wanted: Asked, path: str) -> dict[str, Any]:
    """What the template of the order needs. `path`: where its form is sent."""
    offers = [line.offer for line in wanted.order.lines]
    return {
        "asked_for": wanted,
        "buyers": buyers_of(offers),
        "sold_to": countries_of(offers),
        "path": path,
        "token": secrets.token_urlsafe(18),
        "login": is_asked(),
        "wanted": with_origin(),
    }


def token_said() -> str:
    """The number that the pressed button's page carries; ends the request where it has none."""
    token = request.form.get("order", "")
    if not TOKEN.fullmatch(token):
        raise Stop(
            400,
            gettext("This did not work"),
            gettext("The form was incomplete. Open the link again."),
        )
    return token


def _field(line: Line, number: int) -> Field:
    price, said = line.offer.price, _said("amount", number) or _said("other", number)
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
    return Field(line, number, proposed, said)


def _said(what: str, number: int) -> str:
    """What the form or the link says of a line; of the first also without its number."""
    names = [f"{what}_{number}", *([what] if number == 1 else [])]
    return next((text for name in names if (text := request.values.get(name, "").strip())), "")


def _line(offer: Offer, number: int, *, is_alone: bool) -> tuple[Line, str | None]:
    """The line that is asked for; a sentence where it cannot be had so."""
    least, most = paying_of(offer).quantity
    said = _said("quantity", number) or str(least)
    quantity = int(said) if NUMBER.fullmatch(said) else 0
    if not least <= quantity <= most:
        return Line(offer, least), gettext(
            "%(product)s: choose a number from %(least)s to %(most)s."
        ) % {"product": offer.product.name, "least": least, "most": most}
    line = Line(offer, quantity)
    if offer.price.open_amount is None:
        return line, None
    amount, problem = _amount(offer, _said("amount", number) or _said("other", number))
    if amount is None and problem is None and not is_alone:
        amount = _first(offer)
    if amount is None and problem is None and (quantity != 1 or not is_alone):
        problem = gettext("%(product)s: enter an amount.") % {"product": offer.product.name}
    return replace(line, chosen_minor=amount), problem


def _first(offer: Offer) -> int | None:
    """The amount that stands in the field until another one is typed."""
    price, proposed = offer.price, paying_of(offer).amounts
    if price.open_amount and price.open_amount.preset_minor:
        return price.open_amount.preset_minor
    return to_minor(str(proposed[0]), price.currency) if proposed else None


def _amount(offer: Offer, said: str) -> tuple[int | None, str | None]:
    """The amount that was typed or pressed; None where none was."""
    if not said:
        return None, None
    currency, limits = offer.price.currency, offer.price.open_amount or OpenAmount()
    words = {"product": offer.product.name, "example": plain_amount(10**3, currency)}
    try:
        amount = to_minor(said.replace(",", "."), currency) if AMOUNT.fullmatch(said) else 0
    except ValueError:  # more decimals than the currency has
        amount = 0
    if amount <= 0 or is_absurd(amount, currency):
        return None, gettext("%(product)s: enter an amount such as %(example)s.") % words
    problem = _out_of(limits, amount, currency)
    return (None, f"{offer.product.name}: {problem}") if problem else (amount, None)


def _out_of(limits: OpenAmount, amount: int, currency: str) -> str | None:
    """What is to be said of an amount that the price does not take."""
    if limits.minimum_minor is not None and amount < limits.minimum_minor:
        least = format_minor(limits.minimum_minor, currency, LOCALE)
        return gettext("the smallest amount is %(least)s.") % {"least": least}
    if limits.maximum_minor is not None and amount > limits.maximum_minor:
        most = format_minor(limits.maximum_minor, currency, LOCALE)
        return gettext("the largest amount is %(most)s.") % {"most": most}
    return None
