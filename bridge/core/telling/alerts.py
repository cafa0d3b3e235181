"""The kinds of alerts, their words, and when removals wait for them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

# So many events fetched within a day are no accident.
NEWS_MISSED = 3
MISSED_WITHIN = timedelta(days=1)
# An event fetched sooner than this may still have been on its way.
ON_ITS_WAY = timedelta(minutes=5)
# The list of events is read every hour: by then it would have shown another one that was missed.
NEXT_LOOK = timedelta(hours=1)
# Less is within the window in which Stripe's signatures and our own confirmations bear it (E47).
WORST_SKEW_SECONDS = 60
LONGEST_SILENCE = timedelta(days=1)
WITHOUT_MESSAGES = timedelta(hours=1)


class Kind(StrEnum):
    """The kinds of alerts.

    They are stored and used as labels for monitoring, so they are never renamed.
    """

    NEWS_MISSED = "news_missed"
    ENDPOINT_OFF = "endpoint_off"
    CLOCK_WRONG = "clock_wrong"
    STRIPE_WAITS = "stripe_waits"
    FORUM_WAITS = "forum_waits"
    EVENT_WAITS = "event_waits"
    EVENT_DEAD = "event_dead"
    RULE_HALTED = "rule_halted"
    HELD = "held"
    NO_RULE_ENDS = "no_rule_ends"
    REMOVALS_STOPPED = "removals_stopped"
    DISPUTE = "dispute"
    PAYS_SUSPENDED = "pays_suspended"
    PAYS_WITHOUT_ACCOUNT = "pays_without_account"
    PAYS_UNLINKED = "pays_unlinked"
    CLAIM_WAITS = "claim_waits"
    INVITES_REFUSED = "invites_refused"
    PAID_TWICE = "paid_twice"
    GIVES_NOTHING = "gives_nothing"
    SOLD_ABROAD = "sold_abroad"
    APPLIED = "applied"
    UNKNOWN_ADDITIONS = "unknown_additions"


OF_NEWS = frozenset({Kind.NEWS_MISSED, Kind.ENDPOINT_OFF})
"""Events from Stripe do not arrive: nobody is removed before moderators were told."""

PATIENCE: Mapping[Kind, timedelta] = {
    Kind.NEWS_MISSED: timedelta(minutes=2),
    Kind.RULE_HALTED: timedelta(minutes=5),
    Kind.HELD: timedelta(minutes=5),
    Kind.PAYS_UNLINKED: timedelta(minutes=5),
    Kind.GIVES_NOTHING: timedelta(minutes=5),
}
"""These often resolve automatically, or when current work ends; others are sent immediately."""

DAILY = frozenset({Kind.REMOVALS_STOPPED})
"""These are repeated every day while they last."""


@dataclass(frozen=True, slots=True)
class Finding:
    """Something that needs a person. `facts` fill the words of its kind."""

    kind: Kind
    subject: str
    since_at: datetime | None = None
    facts: Mapping[str, Any] = field(default_factory=dict)


class _Facts(dict[str, Any]):
    """The facts of an alert; alerts stored by an older version may lack some."""

    def __missing__(self, key: str) -> str:
        return "unknown"


@dataclass(frozen=True, slots=True)
class Place:
    """A page of the console, and what to do there."""

    words: str
    path: str


@dataclass(frozen=True, slots=True)
class Alert:
    """A stored alert: when it began, when it began to count, when it was told and ended."""

    kind: Kind
    subject: str
    since_at: datetime
    due_at: datetime
    facts: Mapping[str, Any]
    told_at: datetime | None = None
    gone_at: datetime | None = None

    @property
    def what(self) -> str:
        """What is wrong, and with whom."""
        return _WORDS[self.kind][0].format_map(_Facts(self.facts))

    @property
    def todo(self) -> str:
        """What an operator does about it in a shell."""
        return _WORDS[self.kind][1].format_map(_Facts(self.facts))

    @property
    def place(self) -> Place | None:
        """The place in the console where a moderator deals with it; None if there is none."""
        words, path = _PLACES.get(self.kind, ("", ""))
        if "{user_id}" in path and "user_id" not in self.facts:
            return None
        return Place(words, path.format_map(_Facts(self.facts))) if path else None


_WORDS: Mapping[Kind, tuple[str, str]] = {
    Kind.NEWS_MISSED: (
        "Stripe's events do not arrive: the bridge had to fetch {count} of them (removals wait)",
        "check the failed deliveries at Stripe (Developers, Webhooks), and run bridge doctor",
    ),
    Kind.ENDPOINT_OFF: (
        "Stripe has switched off the webhook endpoint {address}: no events arrive (removals wait)",
        "switch it on at Stripe (Developers, Webhooks), and run bridge doctor",
    ),
    Kind.CLOCK_WRONG: (
        "The clocks of the bridge and the forum differ by {seconds} seconds",
        "switch on time synchronisation, and run bridge doctor",
    ),
    Kind.STRIPE_WAITS: (
        "Readings of Stripe that keep failing: {count} ({what})",
        "bridge doctor",
    ),
    Kind.FORUM_WAITS: (
        "The forum does not answer, or refuses; memberships waiting for it: {count}",
        "bridge doctor",
    ),
    Kind.EVENT_WAITS: (
        "Events that keep failing, while others are processed: {count} ({what})",
        "look at the named object at Stripe, and run bridge doctor",
    ),
    Kind.EVENT_DEAD: (
        "Events that can never be processed: {count} ({what})",
        "correct the named cause, then run bridge replay {event_id}",
    ),
    Kind.RULE_HALTED: (
        "A mapping rule is halted, so nobody gains or loses a group through it: {where}: {message}",
        "{hint} Then run bridge doctor",
    ),
    Kind.HELD: (
        "{user}'s membership of {group} waits for your decision: {why}",
        (
            "run bridge explain id:{user_id}, then bridge keep or bridge let-go "
            "id:{user_id} {group} --by NAME --reason TEXT"
        ),
    ),
    Kind.NO_RULE_ENDS: (
        "{user} loses {group}: no rule covers what they pay for any more",
        "run bridge explain id:{user_id}; if this is a mistake, give the price a rule",
    ),
    Kind.REMOVALS_STOPPED: (
        "Many people would lose {group} at once: nobody is removed until you decide",
        "run bridge plan; if the removals are right, run bridge release {group} --reason TEXT",
    ),
    Kind.DISPUTE: (
        "A payment of {user} is disputed at their bank ({objects})",
        "respond at Stripe (Payments, Disputes); bridge explain id:{user_id} shows the membership",
    ),
    Kind.PAYS_SUSPENDED: (
        "{user} is suspended but still pays ({objects})",
        "ask them, or cancel it at Stripe",
    ),
    Kind.PAYS_UNLINKED: (
        "{who} for {what}, and is not linked to a forum user",
        (
            "bridge link lists what was bought; then run bridge link {customer} USER --by NAME "
            "--reason TEXT"
        ),
    ),
    Kind.INVITES_REFUSED: (
        "The forum's key may not invite people, so payers without an account are not invited",
        (
            "give the key the scope invites:create on the forum (Admin, API keys), then run "
            "bridge doctor; or set invite = false in [claims]"
        ),
    ),
    Kind.CLAIM_WAITS: (
        "{user} claims {what}, which {customer} paid for, but {why}",
        (
            "run bridge link {customer} id:{user_id} --by NAME --reason TEXT to give it to them, "
            "or refund it at Stripe; the order is {order}"
        ),
    ),
    Kind.GIVES_NOTHING: (
        "{who} paid {amount} for {what} and got nothing: {why}",
        "refund it at Stripe, or run bridge grant {user} GROUP --by NAME --reason TEXT; {todo}",
    ),
    Kind.SOLD_ABROAD: (
        (
            "{who} paid for {what} from {country}, where it is not sold ({evidence}); the order "
            "is {order}"
        ),
        "refund it at Stripe, or leave it: the alert ends after 30 days",
    ),
    Kind.APPLIED: (
        "{who} applied to be a member, and waits for approval",
        "run bridge register approve {user} --by NAME --reason TEXT, or bridge register decline",
    ),
    Kind.PAYS_WITHOUT_ACCOUNT: (
        "{user} still pays ({objects}), but the account is {state}",
        (
            "run bridge relink id:{user_id} USER --by NAME --reason TEXT if they have another "
            "account, or cancel it at Stripe"
        ),
    ),
    Kind.UNKNOWN_ADDITIONS: (
        (
            "The bridge's own user added people to {group}, but the bridge has no record of it "
            "(added: {count}; without a right to the group: {lost}). Was the database restored "
            "from a backup? Then grants by hand since that backup are lost, too"
        ),
        (
            "run bridge adopt --preview, give grants by hand again, then run bridge adopt "
            "--by NAME --reason TEXT"
        ),
    ),
    Kind.PAID_TWICE: (
        "{user} paid for the same thing twice: {ended} ends and is credited, {kept} stays",
        "nothing; if they ask, refund the credit at Stripe (Customers, Credit balance)",
    ),
}


LISTS: Mapping[Kind, str] = {
    Kind.HELD: "held",
    Kind.APPLIED: "applications",
    Kind.DISPUTE: "disputes",
    Kind.PAYS_UNLINKED: "unlinked",
    Kind.CLAIM_WAITS: "unlinked",
    Kind.REMOVALS_STOPPED: "stopped",
    Kind.EVENT_DEAD: "dead",
}
"""The console's worklist for it."""
_PERSON = "/moderate/person/{user_id}"
_PLACES: Mapping[Kind, tuple[str, str]] = {
    Kind.HELD: ("let them keep it, or let it end", "/moderate/lists/held"),
    Kind.APPLIED: ("approve or decline", "/moderate/lists/applications"),
    Kind.DISPUTE: (
        "see until when, then respond at Stripe",
        "/moderate/lists/disputes",
    ),
    Kind.CLAIM_WAITS: ("give it to them, or refund it", "/moderate/lists/unlinked"),
    Kind.PAYS_UNLINKED: ("link it to a member, or set it aside", "/moderate/lists/unlinked"),
    Kind.REMOVALS_STOPPED: (
        "see whom it affects, then let the removals continue",
        "/moderate/lists/stopped",
    ),
    Kind.EVENT_DEAD: (
        "see why; correct it, then process it again",
        "/moderate/lists/dead",
    ),
    Kind.PAID_TWICE: (
        "nothing, unless they ask for the credit",
        "/moderate/lists/double?kind=tabs",
    ),
    Kind.RULE_HALTED: ("see what is wrong, and change it", "/moderate/mapping"),
    Kind.NO_RULE_ENDS: ("see what they pay for; if it is a mistake, give the group", _PERSON),
    Kind.GIVES_NOTHING: ("see what they paid; refund it, or give the group", _PERSON),
    Kind.SOLD_ABROAD: ("see what they paid; refund it, or leave it as it is", _PERSON),
    Kind.PAYS_SUSPENDED: ("see what they pay; ask them, or cancel it", _PERSON),
    Kind.PAYS_WITHOUT_ACCOUNT: ("see what they pay; link it to another account", _PERSON),
}


def is_news_missed(missed: Sequence[datetime], arrived_at: datetime | None, now: datetime) -> bool:
    """Whether the webhook endpoint fails, judged by when missed events were fetched.

    `arrived_at`: when an event last arrived without being fetched. An hour after the last missed
    event, the endpoint works again.
    """
    lately = [at for at in missed if at > now - MISSED_WITHIN]
    if len(lately) < NEWS_MISSED:
        return False
    return arrived_at is None or arrived_at < max(lately) + NEXT_LOOK


def removals_wait(alert: Alert, now: datetime, confirm: timedelta, *, anybody: bool) -> bool:
    """Whether removals wait because of an alert: until a confirm window after moderators were told.

    If they cannot be told, for a day at most; if nobody gets alerts (not `anybody`), for an hour.
    """
    if alert.kind not in OF_NEWS or alert.gone_at is not None:
        return False
    if alert.told_at is not None:
        return now < alert.told_at + confirm
    return now < alert.due_at + (LONGEST_SILENCE if anybody else WITHOUT_MESSAGES)
