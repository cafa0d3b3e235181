"""The cost and the result of a change of a subscription."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from bridge.core.rights.switching import PortalTerms, Switch, billed

# A ladder may have many prices, and each costs a request.
MOST_ASKED = 3
AT_ONCE = PortalTerms(proration="always_invoice", ends_trial=False)
"""How a moderator's change is billed."""


@dataclass(frozen=True, slots=True)
class PreviewLine:
    """A credit or a charge, in Stripe's words."""

    what: str
    amount_minor: int


@dataclass(frozen=True, slots=True)
class Preview:
    """The invoice that a change would lead to. `total_minor` below zero is credited."""

    currency: str
    lines: tuple[PreviewLine, ...]
    total_minor: int
    due_minor: int

    @property
    def beside_minor(self) -> int:
        """Tax and discounts, which are added to the lines or subtracted."""
        return self.total_minor - sum(line.amount_minor for line in self.lines)

    @property
    def from_credit_minor(self) -> int:
        """The part that is paid from the customer's credit."""
        return max(0, self.total_minor - self.due_minor)


@dataclass(frozen=True, slots=True)
class Today:
    """What somebody pays today for a change. Zero: a later payment changes instead."""

    due_minor: int
    currency: str


def only_stripe_knows(switches: Iterable[Switch], terms: PortalTerms | None) -> tuple[Switch, ...]:
    """The changes to ask Stripe about because they are billed today: a few, steps up first."""
    found = (one for one in switches if _is_billed_today(one, terms))
    return tuple(sorted(found, key=lambda one: not one.is_up)[:MOST_ASKED])


def due_today(switch: Switch, terms: PortalTerms | None, preview: Preview | None) -> Today | None:
    """What a change costs today; None where that is not known, or no change is possible now.

    `terms`: the portal's. `preview`: Stripe's, for what only Stripe knows.
    """
    if switch.way == "anew" and switch.target.amount_minor is not None:
        return Today(switch.target.amount_minor, switch.target.currency)
    if _is_billed_today(switch, terms):
        return Today(preview.due_minor, preview.currency) if preview else None
    return Today(0, switch.target.currency) if terms_of(switch, terms) else None


def terms_of(switch: Switch, terms: PortalTerms | None) -> PortalTerms | None:
    """How a change within a subscription is billed; None if it is none, or may not be made."""
    if switch.way == "here":
        return AT_ONCE
    if switch.way != "in_place" or terms is None:
        return None
    return terms if terms.offers(switch.target.id) else None


def _is_billed_today(switch: Switch, terms: PortalTerms | None) -> bool:
    on = terms_of(switch, terms)
    return on is not None and billed(switch, on) == "now"


@dataclass(frozen=True, slots=True)
class Changed:
    """The result of a change: done, or waiting for its payment at this address."""

    is_pending: bool
    pay_url: str | None = None
