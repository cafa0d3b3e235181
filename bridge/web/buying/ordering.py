"""Turns a form into an order: quantity, amount, trial or not."""

from __future__ import annotations

import re
import secrets
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from flask import request, url_for

from bridge.core.memberships.member import Member
from bridge.core.model.rights import Facts
from bridge.core.rights.buyers import Whereabouts
from bridge.core.rights.offers import Offer
from bridge.core.rights.orders import Line, Order, trial_of
from bridge.core.rights.renewing import MOST_WAIT, no_sooner, paid_until
from bridge.core.rules.law import Law
from bridge.core.telling.ordering import Field, Said, field_of, line_of
from bridge.core.telling.words import day_words
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


@dataclass(frozen=True, slots=True)
class Asked:
    """An order as a reader asks for it, with its problems in sentences.

    `countries`: to choose from, if the reader's country matters and is unknown.
    """

    order: Order
    fields: tuple[Field, ...]
    problems: tuple[str, ...] = ()
    countries: tuple[tuple[str, str], ...] = ()
    where: Whereabouts = field(default_factory=Whereabouts)

    @property
    def can_change(self) -> bool:
        """Whether the page has something to set."""
        return any(field.has_quantity or field.is_open for field in self.fields)

    @property
    def is_gift_of_money(self) -> bool:
        """One thing, whose amount the buyer sets: its proposed amounts are buttons."""
        return len(self.fields) == 1 and self.fields[0].is_open

    @property
    def first_payment_at(self) -> datetime | None:
        """When renewing lines are charged first, if the buyer has already paid until then."""
        paid_until_at = self.order.continues_at
        return no_sooner(paid_until_at, now()) if paid_until_at else None

    @property
    def trial_ends_at(self) -> datetime | None:
        """When the first payment is due, if not today."""
        days = self.order.trial_days
        return now() + timedelta(days) if days else None


def asked(offers: Sequence[Offer], known: Reader | None, member: Member | None, law: Law) -> Asked:
    """The order of these offers with the request's choices; ends the request if it is not sold."""
    fields, problems = [], []
    where = Whereabouts()
    countries: tuple[tuple[str, str], ...] = ()
    if known is not None:
        where = refuse_who_may_not(offers, known)
        countries = to_choose_from(offers, where)
    if countries and not where.said and request.method == "POST":
        problems.append(gettext("Choose the country you live in."))
    for number, offer in enumerate(offers, 1):
        said = Said(_said("quantity", number), _said("amount", number) or _said("other", number))
        line, problem = line_of(offer, said, is_alone=len(offers) == 1)
        problems += [problem] if problem else []
        fields.append(field_of(line, number, said))
    lines = tuple(field.line for field in fields)
    order = _beginning(lines, member, law)
    return Asked(order, tuple(fields), tuple(problems), countries, where)


def _beginning(lines: tuple[Line, ...], member: Member | None, law: Law) -> Order:
    """The order with its trial, or with the end of the time already paid for (A67)."""
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
    """The variables of the order's template. `path`: where its form is sent."""
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
    """The number on the pressed button's page; ends the request if it has none."""
    token = request.form.get("order", "")
    if not TOKEN.fullmatch(token):
        raise Stop(
            400,
            gettext("This did not work"),
            gettext("The form was incomplete. Open the link again."),
        )
    return token


def _said(what: str, number: int) -> str:
    """The form's or link's choices for a line; for the first also without its number."""
    names = [f"{what}_{number}", *([what] if number == 1 else [])]
    return next((text for name in names if (text := request.values.get(name, "").strip())), "")
