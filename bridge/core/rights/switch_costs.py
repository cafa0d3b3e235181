"""The cost and the result of a change of a subscription."""

from __future__ import annotations

from dataclasses import dataclass

from bridge.core.rights.switching import PortalTerms

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
class Changed:
    """The result of a change: done, or waiting for its payment at this address."""

    is_pending: bool
    pay_url: str | None = None
