"""A member's statement: their groups and why, what comes next, and their money. Data, no text.

The same statement is shown in the member's messages and on their page. It is built from what the
bridge has stored, without a call to anybody.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, tzinfo
from itertools import groupby

from bridge.core.ledger.amounts import Total, add_up, open_disputes
from bridge.core.ledger.lines import GiftLine, MoneyLine
from bridge.core.ledger.references import BankTransfer
from bridge.core.memberships.state import State
from bridge.core.model.rights import Grant
from bridge.core.model.stripe import PendingPayment, Price, Product
from bridge.core.rights.double_payments import paid_twice
from bridge.core.rules.compiled import Rules
from bridge.core.telling.contributions import Contributions
from bridge.core.telling.places import GroupName, Known, Place, places
from bridge.core.telling.reasons import what_was_bought


@dataclass(frozen=True, slots=True)
class NextPayment:
    """A subscription's next payment; the amount is None if only Stripe knows it."""

    subscription_id: str
    at: datetime
    amount_minor: int | None = None
    currency: str | None = None
    what: str = ""


@dataclass(frozen=True, slots=True)
class NextChange:
    """When a subscription will change as planned at Stripe, in words."""

    subscription_id: str
    at: datetime
    what: str
    becomes: str


@dataclass(frozen=True, slots=True)
class Links:
    """The statement's links.

    In this order: the full page; where to pay, change or cancel; whom to ask; the offers.
    """

    full: str
    manage: str | None = None
    ask: str | None = None
    offers: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class StatementInput(Known):
    """All parts of a statement.

    `pending` payments are on their way; `unpaid` ones were refused. `funds`: the funds of lines of
    money by their ids.
    """

    as_of: datetime
    links: Links
    next_payments: tuple[NextPayment, ...] = ()
    next_changes: tuple[NextChange, ...] = ()
    pending: tuple[PendingPayment, ...] = ()
    unpaid: tuple[PendingPayment, ...] = ()
    contributions: Contributions = field(default_factory=Contributions)
    money: Iterable[MoneyLine] = ()
    funds: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    gifts: Iterable[GiftLine] = ()
    ledger_code: str | None = None
    transfer: BankTransfer | None = None


@dataclass(frozen=True, slots=True)
class Year:
    """A year's lines, newest first, and its totals; `hidden` older lines are in the totals only.

    Gifts are among the lines, and not in the totals: their payments are.
    """

    year: int
    totals: tuple[Total, ...]
    lines: tuple[MoneyLine | GiftLine, ...]
    hidden: int = 0


@dataclass(frozen=True, slots=True)
class Statement:
    """Years are newest first; all times but `as_of` are in the member's zone.

    `twice`: groups for which two subscriptions are paid though one is enough. `under_review`: ids
    of the lines whose dispute is not decided. `funds`: line id -> the funds that it is for.

    Only `as_of` depends on the clock and `ledger_code` on others' payments: apart from these, a
    statement changes only when something happened to its member.
    """

    as_of: datetime
    links: Links
    places: tuple[Place, ...]
    next_payments: tuple[NextPayment, ...]
    next_changes: tuple[NextChange, ...]
    pending: tuple[PendingPayment, ...]
    unpaid: tuple[PendingPayment, ...]
    contributions: Contributions
    totals: tuple[Total, ...]
    years: tuple[Year, ...]
    twice: tuple[tuple[GroupName, ...], ...] = ()
    under_review: frozenset[str] = frozenset()
    funds: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    ledger_code: str | None = None
    transfer: BankTransfer | None = None

    @property
    def has_place(self) -> bool:
        """Whether the member is in a group, or about to be."""
        return any(one.state.is_in or one.state == State.ARRIVING for one in self.places)

    @property
    def is_applying(self) -> bool:
        """Whether an application of the member waits for a moderator."""
        return any(one.is_applied_for for one in self.places)

    @property
    def can_change(self) -> bool:
        """Whether there is something that the member could change, cancel or pay."""
        return self.has_place or bool(self.next_payments or self.unpaid or self.pending)


def name_prices(
    grants: Iterable[Grant],
    rules: Rules,
    prices: Mapping[str, Price],
    products: Mapping[str, Product],
) -> dict[str, str]:
    """What was bought, in words, for each price that the grants rest on: "yearly membership".

    What is paid once goes by its product's name. A seat does, too, so products have names here.
    """
    words = {}
    for grant in grants:
        if grant.price_id and grant.product_id:
            rule = rules.rule_for(grant.price_id, grant.product_id)
            kind = rule.kind if rule else "membership"
            product = products.get(grant.product_id)
            words[grant.price_id] = what_was_bought(kind, prices.get(grant.price_id), product)
            if grant.share == "seat" and product:
                words[grant.product_id] = product.name
    return words


def build(given: StatementInput) -> Statement:
    """Build a statement."""
    money, gifts = list(given.money), list(given.gifts)
    if given.zone is not UTC:  # in the given order; there may be thousands
        money = [replace(line, at=line.at.astimezone(given.zone)) for line in money]
        gifts = [replace(line, at=line.at.astimezone(given.zone)) for line in gifts]
    lines: list[MoneyLine | GiftLine] = [*money, *gifts]
    lines.sort(key=lambda line: (line.at, line.id), reverse=True)
    payments = [replace(one, at=one.at.astimezone(given.zone)) for one in given.next_payments]
    payments.sort(key=lambda one: (one.at, one.subscription_id))
    changes = [replace(one, at=one.at.astimezone(given.zone)) for one in given.next_changes]
    changes.sort(key=lambda one: (one.at, one.subscription_id))
    under_review = open_disputes(money)
    return Statement(
        as_of=given.as_of.astimezone(UTC),
        links=given.links,
        places=places(given),
        next_payments=tuple(payments),
        next_changes=tuple(changes),
        pending=_in_order(given.pending, given.zone),
        unpaid=_in_order(given.unpaid, given.zone),
        contributions=given.contributions,
        totals=add_up(money, under_review),
        years=tuple(_years(lines, under_review)),
        under_review=under_review,
        funds=given.funds,
        ledger_code=given.ledger_code if lines else None,
        transfer=given.transfer,
        twice=tuple(_twice(given)),
    )


def fold(statement: Statement, lines: int) -> Statement:
    """Keep the newest lines; the others are in their year's totals only."""
    years = []
    for year in statement.years:
        kept = year.lines[:lines]
        lines -= len(kept)
        hidden = year.hidden + len(year.lines) - len(kept)
        years.append(replace(year, lines=kept, hidden=hidden))
    return replace(statement, years=tuple(years))


def _in_order(payments: Iterable[PendingPayment], zone: tzinfo) -> tuple[PendingPayment, ...]:
    local = (replace(one, at=one.at.astimezone(zone)) for one in payments)
    return tuple(sorted(local, key=lambda one: (one.at, one.id)))


def _twice(given: StatementInput) -> Iterator[tuple[GroupName, ...]]:
    for group_ids in paid_twice(given.grants):
        names = [given.groups[group_id] for group_id in group_ids if group_id in given.groups]
        if names:
            yield tuple(sorted(names, key=lambda group: group.name))


def _years(all_: Iterable[MoneyLine | GiftLine], under_review: Collection[str]) -> Iterator[Year]:
    for year, of_year in groupby(all_, lambda line: line.at.year):
        lines = tuple(of_year)
        money = (line for line in lines if isinstance(line, MoneyLine))
        totals = (replace(one, credit_minor=0) for one in add_up(money, under_review))
        # A lost dispute moves no money when it closes: the money left with its first line.
        shown = tuple(line for line in lines if line.kind != "dispute_lost")
        yield Year(year, tuple(totals), shown)
