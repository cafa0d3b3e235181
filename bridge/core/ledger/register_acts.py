"""Which acts moderators may record in the registers of shares and members."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date, datetime

from bridge.core.ledger.amounts import is_absurd, is_currency
from bridge.core.ledger.share_register import ShareAct, ShareClass
from bridge.errors import NotFound, Permanent
from bridge.texts import gettext

MOST = 1_000_000


@dataclass(frozen=True, slots=True)
class Numbers:
    """Shares of a class, from a number to a number."""

    share_class: ShareClass
    first: int
    last: int


@dataclass(frozen=True, slots=True)
class Issue:
    """An issue of shares: how many, and their total price."""

    share_class: ShareClass
    user_id: int
    count: int
    price_minor: int
    currency: str


def refuse_issue(what: Issue, today: date) -> None:
    """Check an issue of shares. Raises: Permanent."""
    if not 0 < what.count <= MOST:
        raise Permanent(
            gettext("%(count)s shares cannot be issued: name a number from 1 to %(most)s")
            % {"count": what.count, "most": MOST}
        )
    if not is_currency(what.currency, today):
        raise Permanent(
            gettext("%(currency)s is not a currency in use: write it as eur")
            % {"currency": repr(what.currency[:10])}
        )
    if what.price_minor < 0 or is_absurd(what.price_minor, what.currency):
        raise Permanent(
            gettext("a price of %(price_minor)s minor units cannot be: check it")
            % {"price_minor": what.price_minor}
        )


def issued(act: ShareAct, what: Issue) -> ShareAct:
    """An act as the issue of these shares."""
    return replace(
        act,
        kind="issue",
        share_class=what.share_class,
        user_id=what.user_id,
        count=what.count,
        price_minor=what.price_minor,
        currency=what.currency.lower(),
    )


def refuse_future(at: datetime, now: datetime) -> None:
    """Refuse a day in the future. Raises: Permanent."""
    if at > now:
        raise Permanent(
            gettext("%(at)s is in the future: record what has happened") % {"at": f"{at:%Y-%m-%d}"}
        )


def numbered(act: ShareAct, what: Numbers) -> ShareAct:
    """An act as about these shares. Raises: Permanent for numbers that cannot be."""
    if not 0 < what.first <= what.last:
        raise Permanent(
            gettext("%(first)s-%(last)s are no numbers of shares: write them as 3-5")
            % {"first": what.first, "last": what.last}
        )
    return replace(act, share_class=what.share_class, first=what.first, last=what.last)


def refuse_correction(wrong: str | None, known: dict[str, str | None]) -> None:
    """Refuse to correct something unknown or already corrected. Raises: NotFound, Permanent."""
    if wrong not in known:
        raise NotFound(
            gettext("nothing was recorded as %(wrong)s: the register names what was")
            % {"wrong": wrong}
        )
    if known[wrong] is not None:
        raise Permanent(
            gettext("%(wrong)s is a correction itself: record again what it took back")
            % {"wrong": wrong}
        )
    if wrong in known.values():
        raise Permanent(gettext("%(wrong)s was corrected before") % {"wrong": wrong})
