"""Everything that happened to somebody, as one list: acts, payments, messages and events."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal

from bridge.core.ledger.lines import MoneyKind, MoneyLine
from bridge.core.model.actor import parse_actor
from bridge.core.model.change import Change
from bridge.core.model.key import Key, parse_key
from bridge.core.telling.doers import Doer, Names, doer
from bridge.core.telling.events import event_words
from bridge.core.telling.log import line_words
from bridge.core.telling.money import METHODS
from bridge.core.telling.outcomes import ids_of, said
from bridge.texts import gettext

Kind = Literal["groups", "acts", "money", "messages", "news"]
KINDS: Mapping[Kind, str] = {
    "groups": gettext("Groups and account"),
    "acts": gettext("What people did"),
    "money": gettext("Money"),
    "messages": gettext("Messages"),
    "news": gettext("News from Stripe and the forum"),
}
MONEY: Mapping[MoneyKind, str] = {
    "paid": gettext("Paid"),
    "refunded": gettext("Refunded"),
    "disputed": gettext("Payment disputed"),
    "dispute_returned": gettext("Disputed money returned"),
    "dispute_lost": gettext("Dispute lost"),
    "credited": gettext("Credit on the balance"),
}
"""As moderators read it; `telling.money` says it to members."""
MESSAGES: Mapping[str, str] = {
    "approved": gettext("Told that the application was approved"),
    "declined": gettext("Told that the application was declined"),
    "grace_over": gettext("Told that the time to pay is over"),
    "present": gettext("Told of a gift"),
    "receipt": gettext("Receipt sent"),
    "reminder": gettext("Reminded of a failed payment"),
    "seat": gettext("Told of a seat"),
    "statement": gettext("Statement sent again"),
    "unpaid": gettext("Told of a failed payment"),
    "written": gettext("Statement last written or brought up to date"),
}
"""What a message was, by what its key begins with."""
ENDS: Mapping[str, str] = {
    "received": gettext("Waits to be processed"),
    "done": "",
    "ignored": gettext("Changes nothing (%s)"),
    "dead": gettext("Cannot be processed (%s)"),
}
SENDERS: Mapping[str, str] = {
    "stripe": gettext("Stripe"),
    "backfill": gettext("Stripe, asked by the bridge"),
    "discourse": gettext("the forum"),
}
_NUMBER = re.compile(r"[0-9]{1,18}")
RANKS: Mapping[str, int] = {"news": 1, "money": 2, "messages": 3, "log": 4}
"""Of what happened at one moment, what comes first: news leads to decisions."""


@dataclass(frozen=True, slots=True)
class News:
    """An event that came in. `at`: when it happened, or came where it does not say."""

    id: str
    type: str
    at: datetime
    received_at: datetime
    source: str
    object_id: str | None
    customer_id: str | None
    status: str
    outcome: str | None


@dataclass(frozen=True, slots=True)
class Known:
    """The names of doers and groups, and the types of events, that entries mention."""

    users: Names = field(default_factory=dict)
    groups: Mapping[int, str] = field(default_factory=dict)
    events: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One thing that happened. `words`: why, in the bridge's words; `reason`: as somebody typed it.

    `ids`: its ids, label and value. `change`: the line of the log, if it is one;
    `payment`: the payment that could be refunded.
    """

    key: Key
    kind: Kind
    what: str
    words: str = ""
    reason: str = ""
    by: Doer
    user_id: int | None = None
    username: str | None = None
    group: str | None = None
    amount_minor: int | None = None
    currency: str = ""
    ids: tuple[tuple[str, str], ...]
    change: Change | None = None
    payment: str | None = None

    @property
    def at(self) -> datetime:
        """When it happened."""
        return self.key.at


def parse_place(text: str) -> Key | None:
    """The key of an entry, as an address names it; None for anything else."""
    key = parse_key(text)
    if key is None or key.rank not in RANKS.values():
        return None
    return key if key.rank != RANKS["log"] or _NUMBER.fullmatch(key.id) else None


@dataclass(frozen=True, slots=True)
class Page:
    """Some entries, the newest first; `before`: the key after which older ones follow."""

    entries: tuple[Entry, ...]
    before: Key | None = None


def page_of(lists: Iterable[Iterable[Entry]], limit: int) -> Page:
    """The newest entries of several sorted lists, each of which has one more than needed."""
    every = (entry for one in lists for entry in one)
    found = sorted(every, key=lambda one: (one.at, one.key.rank), reverse=True)
    shown = tuple(found[:limit])
    return Page(shown, shown[-1].key if len(found) > limit else None)


def of_change(one: Change, known: Known) -> Entry:
    """A line of the log."""
    words = said(one)
    is_act = parse_actor(one.cause) is not None
    group = known.groups.get(one.group_id or 0, f"id:{one.group_id}")
    return Entry(
        key=Key(one.at, RANKS["log"], str(one.id)),
        kind="acts" if is_act else "groups",
        what=line_words(one),
        words=words.words,
        reason=words.reason,
        by=doer(one.cause, known.users, known.events, action=one.action),
        user_id=one.user_id,
        username=known.users.get(one.user_id or 0),
        group=group if one.group_id is not None else None,
        ids=ids_of(one),
        change=one,
    )


def of_money(one: MoneyLine, user_id: int, known: Known) -> Entry:
    """A movement of money of a user."""
    method = METHODS.get(one.method or "", "")
    ids = {
        gettext("Line"): one.id,
        gettext("Customer"): one.customer_id,
        gettext("Invoice"): one.invoice_id,
        gettext("Payment"): one.payment_id,
        gettext("Subscription"): one.subscription_id,
        gettext("Product"): one.product_id,
        gettext("Receipt number"): one.receipt_number,
    }
    by_stripe = Doer(SENDERS["stripe"])
    return Entry(
        key=Key(one.at, RANKS["money"], one.id),
        kind="money",
        what=MONEY[one.kind],
        words=f"{one.what}, {method}" if method else one.what,
        by=doer(one.recorded_by, known.users) if one.recorded_by else by_stripe,
        user_id=user_id,
        amount_minor=one.amount_minor,
        currency=one.currency,
        ids=_named(ids),
        payment=one.id if one.kind == "paid" and one.customer_id else None,
    )


def of_message(key: str, sent_at: datetime) -> Entry:
    """Something that the bridge wrote to them."""
    kind, _, about = key.partition(":")
    return Entry(
        key=Key(sent_at, RANKS["messages"], key),
        kind="messages",
        what=MESSAGES.get(kind) or kind.replace("_", " ").capitalize(),
        by=doer("bridge", {}),
        ids=_named({gettext("Message"): kind, gettext("About"): about}),
    )


def of_news(one: News) -> Entry:
    """An event of Stripe's or the forum's."""
    ends = ENDS.get(one.status, "")
    ids = {
        gettext("Event"): one.id,
        gettext("Type"): one.type,
        gettext("Object"): one.object_id,
        gettext("Customer"): one.customer_id,
        gettext("Received"): f"{one.received_at:%Y-%m-%d %H:%M:%S} UTC",
    }
    return Entry(
        key=Key(one.at, RANKS["news"], one.id),
        kind="news",
        what=event_words(one.type),
        words=ends % one.outcome if "%s" in ends and one.outcome else ends.partition(" (")[0],
        by=Doer(SENDERS.get(one.source, one.source)),
        ids=_named(ids),
    )


def _named(ids: Mapping[str, str | None]) -> tuple[tuple[str, str], ...]:
    return tuple((label, value) for label, value in ids.items() if value)
