"""The keys that a product, a price or bridge.toml may set, and the meaning of each value.

One table, `KEYS`, is the whole vocabulary: metadata says `discourse_grace`, bridge.toml says
`grace` (or the same with the prefix), both mean the field `grace_days` of `Choices`.
"""

from __future__ import annotations

import calendar
import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, time, timedelta
from typing import Any, Literal

from bridge.core.model.days import day_of, is_written_as_day
from bridge.core.rules.goals import Goal, read_goal
from bridge.core.rules.keys import NOTHING, Key, names, one_of
from bridge.core.rules.paying import PAYING_KEYS, Paying
from bridge.errors import Permanent
from bridge.texts import gettext

PLUGIN_GROUP_KEY = "group_name"  # as the Discourse Subscriptions plugin writes it on a price

MAX_GRACE_DAYS = 365
MAX_TERM_YEARS = 100
MOST_FUND_LETTERS = 60
FAR_FUTURE = datetime(9999, 12, 31, tzinfo=UTC)

TrialChoice = Literal["grant", "wait"]
PauseChoice = Literal["end", "keep"]
PauseCollectionChoice = Literal["keep", "end", "period_end"]
RefundChoice = Literal["end", "keep", "period_end"]
DisputeChoice = Literal["keep", "suspend"]
Kind = Literal["membership", "share", "supporter_share", "donation", "credit", "event", "other"]


@dataclass(frozen=True, slots=True)
class Term:
    """How long a one-off purchase lasts: days, or calendar months."""

    days: int = 0
    months: int = 0

    def end(self, start: datetime, day_of_month: int | None = None) -> datetime:
        """The end; 31 January and one month is the last day of February.

        `day_of_month`: the day that months are counted by, where it is not that of the start.
        """
        month_index = start.month - 1 + self.months
        year, month = start.year + month_index // 12, month_index % 12 + 1
        if year >= FAR_FUTURE.year:
            return FAR_FUTURE
        day = start.day if day_of_month is None or not self.months else day_of_month
        day = min(day, calendar.monthrange(year, month)[1])
        moved = start.replace(year=year, month=month, day=day)
        return (
            FAR_FUTURE
            if moved > FAR_FUTURE - timedelta(self.days)
            else moved + timedelta(self.days)
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Choices:
    """Every setting of a purchase, with its default.

    `term` None: for life. `on_refund` None: a one-off purchase ends, a subscription's status
    decides. `approval_from`: people who first pay from then on need a moderator's approval.
    """

    groups: tuple[str, ...] = ()
    ladder: str | None = None
    rank: int | None = None
    term: Term | None = None
    grace_days: int = 7
    grace_notice_days: int = 2
    trial: TrialChoice = "grant"
    on_pause: PauseChoice = "end"
    on_pause_collection: PauseCollectionChoice = "keep"
    on_refund: RefundChoice | None = None
    partial_refund_percent: int | None = None
    on_dispute: DisputeChoice = "keep"
    after_instalments: Literal["end", "lifetime"] | Term = "end"
    approval_from: datetime | None = None
    kind: Kind = "membership"
    fund: str | None = None
    offer: Literal["yes", "no"] = "yes"
    listed: Literal["yes", "no"] = "yes"
    highlight: Literal["yes", "no"] = "no"
    gift: Literal["yes", "no"] = "no"
    goal: Goal | None = None
    paying: Paying = field(default_factory=Paying)


def _ladder(text: str) -> str | None:
    if not text or "," in text:  # a rule is on one ladder, so this is no list
        raise ValueError(text)
    return None if text == NOTHING else text


def _fund(text: str) -> str | None:
    if not text or len(text) > MOST_FUND_LETTERS or not text.isprintable():
        raise ValueError(text)
    return None if text.lower() == NOTHING else text


def _rank(text: str) -> int:
    if not re.fullmatch(r"-?[0-9]{1,9}", text):
        raise ValueError(text)
    return int(text)


def _term(text: str) -> Term | None:
    if text == "lifetime":
        return None
    found = re.fullmatch(r"([1-9][0-9]{0,4}) ?(d|mo|y)", text)
    if not found:
        raise ValueError(text)
    count, unit = int(found[1]), found[2]
    if count > MAX_TERM_YEARS * {"d": 366, "mo": 12, "y": 1}[unit]:
        raise ValueError(text)
    return Term(days=count) if unit == "d" else Term(months=count * (12 if unit == "y" else 1))


def _after_instalments(text: str) -> str | Term:
    if text in {"end", "lifetime"}:
        return text
    return _term(text) or "lifetime"


def _grace(text: str) -> int:
    found = re.fullmatch(r"([0-9]{1,3}) ?d?", text)
    if not found or int(found[1]) > MAX_GRACE_DAYS:
        raise ValueError(text)
    return int(found[1])


def _partial_refund(text: str) -> int | None:
    if text == "keep":
        return None
    found = re.fullmatch(r"([1-9][0-9]?|100) ?%?", text)
    if not found:
        raise ValueError(text)
    return int(found[1])


class NoSuchDay(ValueError):
    """A day that the calendar does not have; its message says so."""


def _approval(text: str) -> datetime | None:
    """The day from which an approval is needed, from its first moment in UTC."""
    if text == "no":
        return None
    if not is_written_as_day(text):
        raise ValueError(text)
    try:
        return datetime.combine(day_of(text), time(0, tzinfo=UTC))
    except Permanent as error:
        raise NoSuchDay(str(error)) from error


def _written_approval(from_at: datetime | None) -> str:
    return f"{from_at:%Y-%m-%d}" if from_at else "no"


KINDS = ("membership", "share", "supporter_share", "donation", "credit", "event", "other")

KEYS: Mapping[str, Key] = {
    key.name: key
    for key in (
        Key(
            "groups",
            "groups",
            names,
            "names or ids, such as `id:12`, comma list; `none`",
            "none",
            may_be_default=False,
        ),
        Key("ladder", "ladder", _ladder, "one ladder's name; `none`", "none", may_be_default=False),
        Key(
            "rank",
            "rank",
            _rank,
            "a whole number, higher wins",
            "the order of `[ladders]`",
            may_be_default=False,
        ),
        Key("term", "term", _term, "`30d`, `12mo`, `1y`, `lifetime`", "lifetime"),
        Key("grace", "grace_days", _grace, "days: `7d`; `0`", "7d"),
        Key("grace_notice", "grace_notice_days", _grace, "days: `2d`; `0`", "2d"),
        Key("trial", "trial", one_of("grant", "wait"), "`grant`, `wait`", "grant"),
        Key("on_pause", "on_pause", one_of("end", "keep"), "`end`, `keep`", "end"),
        Key(
            "on_pause_collection",
            "on_pause_collection",
            one_of("keep", "end", "period_end"),
            "`keep`, `end`, `period_end`",
            "keep",
        ),
        Key(
            "on_refund",
            "on_refund",
            one_of("end", "keep", "period_end"),
            "`end`, `keep`, `period_end`",
            "one-off: `end`; subscription: `keep`",
        ),
        Key(
            "on_partial_refund",
            "partial_refund_percent",
            _partial_refund,
            "`keep`; a percentage: `50%`",
            "keep",
        ),
        Key("on_dispute", "on_dispute", one_of("keep", "suspend"), "`keep`, `suspend`", "keep"),
        Key(
            "after_instalments",
            "after_instalments",
            _after_instalments,
            "`end`, `lifetime`, a term: `1y`",
            "end",
        ),
        Key(
            "approval",
            "approval_from",
            _approval,
            "a day: `2027-01-01`; `no`",
            "no",
            write=_written_approval,
        ),
        Key("offer", "offer", one_of("yes", "no"), "`yes`, `no`", "yes"),
        Key("listed", "listed", one_of("yes", "no"), "`yes`, `no`", "yes"),
        Key(
            "highlight",
            "highlight",
            one_of("yes", "no"),
            "`yes`, `no`",
            "no",
            may_be_default=False,
        ),
        Key("gift", "gift", one_of("yes", "no"), "`yes`, `no`", "no"),
        Key(
            "goal",
            "goal",
            read_goal,
            "`200 members`, `5000 eur/month`, `12000 eur`; `none`",
            "none",
            may_be_default=False,
        ),
        Key(
            "fund",
            "fund",
            _fund,
            "a fund or campaign, up to 60 letters; `none`",
            "none",
            keeps_case=True,
        ),
        Key("kind", "kind", one_of(*KINDS), ", ".join(f"`{kind}`" for kind in KINDS), "membership"),
        *PAYING_KEYS,
    )
}


def apply_value(choices: Choices, name: str, text: str) -> Choices:
    """`choices` with one key set; ignores spaces around the value, and case except in names.

    Raises: ValueError for a value that the key does not take; KeyError for an unknown key.
    """
    key = KEYS[name]
    text = text.strip()
    said: dict[str, Any] = {key.field: key.read(text if key.keeps_case else text.lower())}
    if key.of_checkout:
        return replace(choices, paying=replace(choices.paying, **said))
    return replace(choices, **said)


def instead(name: str, error: ValueError) -> str:
    """What to write instead of a value that `apply_value` has refused with this error."""
    if isinstance(error, NoSuchDay):
        return str(error)
    return gettext("it takes %(values)s") % {"values": KEYS[name].values}


def said_by(choices: Choices, key: Key) -> object:
    """The value that choices have for a key."""
    return getattr(choices.paying if key.of_checkout else choices, key.field)
