"""A member's statement: what they are in and why, what comes next, and their money. Data, no text.

The same statement is shown in the member's messages and on their page. It is built from what the
bridge has stored, without a call to anybody.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, tzinfo
from itertools import groupby

from bridge.core.ledger.amounts import Total, add_up, open_disputes
from bridge.core.ledger.lines import MoneyLine
from bridge.core.model.reasons import UNDECIDED, Reason
from bridge.core.model.rights import NO_GROUP, Grant
from bridge.core.model.stripe import PendingPayment, Price, Product
from bridge.core.rights.double_payments import paid_twice
from bridge.core.rules.compiled import Rules
from bridge.core.rules.ladders import winners
from bridge.core.telling.reasons import PHRASES, what_was_bought

# What a member can put right by paying.
PAYING_HELPS = frozenset({Reason.GRACE, Reason.GRACE_OVER, Reason.UNPAID, Reason.INCOMPLETE})


@dataclass(frozen=True, slots=True)
class GroupName:
    """A group as it is shown, and where its page is."""

    name: str
    url: str | None = None


@dataclass(frozen=True, slots=True)
class NextPayment:
    """When a subscription is paid next; the amount is None where only Stripe can tell."""

    subscription_id: str
    at: datetime
    amount_minor: int | None = None
    currency: str | None = None
    what: str = ""


@dataclass(frozen=True, slots=True)
class NextChange:
    """When what is paid for becomes something else, as was planned at Stripe, in words."""

    subscription_id: str
    at: datetime
    what: str
    becomes: str


@dataclass(frozen=True, slots=True)
class Links:
    """Where the statement leads: the full page, where to pay, change or cancel, whom to ask."""

    full: str
    manage: str | None = None
    ask: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class StatementInput:
    """All that a statement is made of. `grants` are all verdicts, also those that give nothing.

    `whats`: price id -> what was bought, in words (`name_prices`). `member_of`: the groups that
    the user is in on the forum now; None if that is not known. `held`: group id -> why it stays as
    it is until somebody decides, to follow "you are (not) in it:". `zone` says which day a payment
    belongs to.
    """

    as_of: datetime
    links: Links
    grants: tuple[Grant, ...] = ()
    groups: Mapping[int, GroupName] = field(default_factory=dict)
    whats: Mapping[str, str] = field(default_factory=dict)
    member_of: frozenset[int] | None = None
    held: Mapping[int, str] = field(default_factory=dict)
    next_payments: tuple[NextPayment, ...] = ()
    next_changes: tuple[NextChange, ...] = ()
    pending: tuple[PendingPayment, ...] = ()
    money: Iterable[MoneyLine] = ()
    zone: tzinfo = UTC


@dataclass(frozen=True, slots=True)
class Cause:
    """The verdict behind a line of the statement, and what was bought, for `reasons.phrase`."""

    grant: Grant
    what: str

    @property
    def since_at(self) -> datetime:
        """When the right began."""
        return self.grant.from_at

    @property
    def until_at(self) -> datetime | None:
        """When it ends as things stand; None if it does not."""
        return self.grant.until_at

    @property
    def says_until(self) -> bool:
        """The phrase names the end itself."""
        return "{until}" in self._phrase

    @property
    def is_plain(self) -> bool:
        """The phrase goes on after "You are in …"; any other stands after a colon."""
        return self._phrase.startswith("because")

    @property
    def can_pay(self) -> bool:
        """A payment would put it right."""
        return self.grant.reason in PAYING_HELPS and self.grant.share == "own"

    @property
    def has_failed(self) -> bool:
        """A payment failed; a first one that is only pending did not."""
        return self.can_pay and self.grant.reason != Reason.INCOMPLETE

    @property
    def _phrase(self) -> str:
        return PHRASES[Reason(self.grant.reason)]


@dataclass(frozen=True, slots=True)
class Standing:
    """Groups that the member is in for one cause; `is_arriving`: due, not yet so on the forum."""

    groups: tuple[GroupName, ...]
    cause: Cause
    is_arriving: bool = False


@dataclass(frozen=True, slots=True)
class Notice:
    """Something to know: a group that the member is not in, or one that is held as it is, and why.

    Without a group: something bought that leads nowhere yet. `is_member`: is in the group still.
    """

    group: GroupName | None
    cause: Cause | None = None
    held: str | None = None
    is_member: bool = False


@dataclass(frozen=True, slots=True)
class Year:
    """A year's lines, newest first, and its totals; `hidden` older lines are in the totals only."""

    year: int
    totals: tuple[Total, ...]
    lines: tuple[MoneyLine, ...]
    hidden: int = 0


@dataclass(frozen=True, slots=True)
class Statement:
    """Years are newest first; all times but `as_of` are in the member's zone.

    `twice`: groups for which two subscriptions are paid though one is enough. `under_review`: ids
    of the lines whose dispute is not decided.

    Only `as_of` depends on the clock, so a statement changes when something happened and not else.
    """

    as_of: datetime
    links: Links
    standing: tuple[Standing, ...]
    notices: tuple[Notice, ...]
    next_payments: tuple[NextPayment, ...]
    next_changes: tuple[NextChange, ...]
    pending: tuple[PendingPayment, ...]
    totals: tuple[Total, ...]
    years: tuple[Year, ...]
    twice: tuple[tuple[GroupName, ...], ...] = ()
    under_review: frozenset[str] = frozenset()

    @property
    def has_place(self) -> bool:
        """The member is in a group, or is about to be."""
        return bool(self.standing) or any(notice.is_member for notice in self.notices)


def name_prices(
    grants: Iterable[Grant],
    rules: Rules,
    prices: Mapping[str, Price],
    products: Mapping[str, Product],
) -> dict[str, str]:
    """What was bought, in words, for each price that the grants rest on: "yearly membership".

    What is paid once goes by its product's name.
    """
    words = {}
    for grant in grants:
        if grant.price_id and grant.product_id:
            rule = rules.rule_for(grant.price_id, grant.product_id)
            kind = rule.kind if rule else "membership"
            product = products.get(grant.product_id)
            words[grant.price_id] = what_was_bought(kind, prices.get(grant.price_id), product)
    return words


def build(given: StatementInput) -> Statement:
    """Work a statement out."""
    best = _best_by_group(winners(given.grants))
    money = sorted(given.money, key=lambda line: (line.at, line.id), reverse=True)
    if given.zone is not UTC:  # as they come; there may be thousands
        money = [replace(line, at=line.at.astimezone(given.zone)) for line in money]
    payments = [replace(one, at=one.at.astimezone(given.zone)) for one in given.next_payments]
    payments.sort(key=lambda one: (one.at, one.subscription_id))
    changes = [replace(one, at=one.at.astimezone(given.zone)) for one in given.next_changes]
    changes.sort(key=lambda one: (one.at, one.subscription_id))
    pending = [replace(one, at=one.at.astimezone(given.zone)) for one in given.pending]
    pending.sort(key=lambda one: (one.at, one.id))
    under_review = open_disputes(money)
    return Statement(
        as_of=given.as_of.astimezone(UTC),
        links=given.links,
        standing=tuple(_standing(given, best)),
        notices=(*_held(given), *_not_in(given, best), *_leading_nowhere(given)),
        next_payments=tuple(payments),
        next_changes=tuple(changes),
        pending=tuple(pending),
        totals=add_up(money, under_review),
        years=tuple(_years(money, under_review)),
        under_review=under_review,
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


def _best_by_group(holding: Iterable[Grant]) -> dict[int, Grant]:
    """Of several grants to one group, the one that lasts longest tells until when, and why."""
    best: dict[int, Grant] = {}
    for grant in sorted(holding, key=lambda one: (one.from_at, one.source_id)):
        if grant.group_id not in best or _lasts(grant) > _lasts(best[grant.group_id]):
            best[grant.group_id] = grant
    return best


def _lasts(grant: Grant) -> tuple[bool, datetime]:
    return grant.until_at is None, grant.until_at or grant.from_at


def _standing(given: StatementInput, best: Mapping[int, Grant]) -> Iterator[Standing]:
    """One for each cause, with all groups that rest on it; what needs a payment comes first."""
    found = [
        Standing(
            groups=(given.groups[group_id],),
            cause=_cause(given, grant),
            is_arriving=not _is_member(given, group_id),
        )
        for group_id, grant in best.items()
        # Somebody who is kept out of a group is told so by a notice, and is not about to be in it.
        if group_id in given.groups and (group_id not in given.held or _is_member(given, group_id))
    ]

    def alike(one: Standing) -> tuple[bool, bool, datetime, str, str]:
        grant = one.cause.grant
        bought = grant.source_id, grant.price_id or ""
        return (not one.cause.can_pay, one.is_arriving, grant.from_at, *bought)

    found.sort(key=lambda one: (*alike(one), one.groups[0].name))
    for _, same in groupby(found, alike):
        first, *others = same
        yield replace(first, groups=(*first.groups, *(other.groups[0] for other in others)))


def _twice(given: StatementInput) -> Iterator[tuple[GroupName, ...]]:
    for group_ids in paid_twice(given.grants):
        names = [given.groups[group_id] for group_id in group_ids if group_id in given.groups]
        if names:
            yield tuple(sorted(names, key=lambda group: group.name))


def _held(given: StatementInput) -> Iterator[Notice]:
    for group_id, why in sorted(given.held.items()):
        if group_id in given.groups:
            is_member = _is_member(given, group_id)
            yield Notice(given.groups[group_id], held=why, is_member=is_member)


def _is_member(given: StatementInput, group_id: int) -> bool:
    return given.member_of is None or group_id in given.member_of


def _not_in(given: StatementInput, best: Mapping[int, Grant]) -> Iterator[Notice]:
    """Groups that something was to lead to, but nothing gives: the latest cause for each."""
    ladders = {grant.ladder for grant in best.values() if grant.ladder}
    denied = [
        grant
        for grant in given.grants
        if not grant.holds
        and grant.group_id in given.groups
        and grant.group_id not in best
        and grant.group_id not in given.held
        # Somebody who stands on another step of the ladder is not missing this one.
        and grant.ladder not in ladders
    ]
    denied.sort(key=lambda one: (one.group_id, one.because_at or one.until_at or one.from_at))
    for group_id, of_group in groupby(denied, lambda one: one.group_id):
        *_, latest = of_group
        # Whoever is to leave is in it until the forum says that they are out.
        is_in = group_id in (given.member_of or ())
        yield Notice(given.groups[group_id], _cause(given, latest), is_member=is_in)


def _leading_nowhere(given: StatementInput) -> Iterator[Notice]:
    """Something was bought that no working rule leads anywhere: a moderator is asked."""
    for grant in given.grants:
        if grant.group_id == NO_GROUP and grant.reason in UNDECIDED:
            yield Notice(None, _cause(given, grant))


def _cause(given: StatementInput, grant: Grant) -> Cause:
    def local(at: datetime | None) -> datetime | None:
        return at.astimezone(given.zone) if at else None

    return Cause(
        replace(
            grant,
            from_at=grant.from_at.astimezone(given.zone),
            until_at=local(grant.until_at),
            because_at=local(grant.because_at),
        ),
        given.whats.get(grant.price_id or "", "membership"),
    )


def _years(money: list[MoneyLine], under_review: Collection[str]) -> Iterator[Year]:
    for year, of_year in groupby(money, lambda line: line.at.year):
        lines = tuple(of_year)
        totals = (replace(one, credit_minor=0) for one in add_up(lines, under_review))
        # How a dispute was decided against the community moves nothing: its first line says so.
        shown = tuple(line for line in lines if line.kind != "dispute_lost")
        yield Year(year, tuple(totals), shown)
