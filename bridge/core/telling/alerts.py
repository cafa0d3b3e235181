"""The words of alerts, and when removals wait for them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from bridge.core.model.alerts import OF_NEWS, Kind
from bridge.texts import gettext, ngettext

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


@dataclass(frozen=True, slots=True)
class Place:
    """A page of the console, and what to do there."""

    words: str
    path: str


@dataclass(frozen=True, slots=True)
class Alert:
    """A stored alert: when it began, began to count, was told and ended."""

    kind: Kind
    subject: str
    since_at: datetime
    due_at: datetime
    facts: Mapping[str, Any]
    told_at: datetime | None = None
    gone_at: datetime | None = None

    @property
    def what(self) -> str:
        """The problem, and whom it is about."""
        return self._say(_WHAT[self.kind])

    @property
    def todo(self) -> str:
        """The operator's remedy in a shell."""
        return self._say(_TODO[self.kind])

    @property
    def place(self) -> Place | None:
        """The place in the console that deals with it; None if there is none."""
        words, path = _PLACES.get(self.kind, ("", ""))
        if "{user_id}" in path and "user_id" not in self.facts:
            return None
        return Place(words, path.format_map(self.facts)) if path else None

    def _say(self, words: str | _Choice) -> str:
        chosen = words if isinstance(words, str) else words(self.facts)
        return chosen % defaultdict(lambda: gettext("unknown"), self.facts)


def _count(facts: Mapping[str, Any]) -> int:
    """How many; alerts stored by an older version may lack it."""
    return int(facts.get("count", 0))


_Choice = Callable[[Mapping[str, Any]], str]
"""Chooses the sentence by the facts."""
_WHAT: Mapping[Kind, str | _Choice] = {
    Kind.NEWS_MISSED: lambda facts: ngettext(
        "Events from Stripe do not arrive: the bridge had to fetch %(count)s of them. Nobody is "
        "removed for now.",
        "Events from Stripe do not arrive: the bridge had to fetch %(count)s of them. Nobody is "
        "removed for now.",
        _count(facts),
    ),
    Kind.ENDPOINT_OFF: gettext(
        "Stripe has switched off the webhook endpoint %(address)s, so no events arrive. Nobody is "
        "removed for now."
    ),
    Kind.CLOCK_WRONG: lambda facts: ngettext(
        "The clocks of the bridge and the forum differ by %(seconds)s second.",
        "The clocks of the bridge and the forum differ by %(seconds)s seconds.",
        int(facts.get("seconds", 0)),
    ),
    Kind.STRIPE_WAITS: lambda facts: ngettext(
        "%(count)s reading of Stripe keeps failing: %(what)s.",
        "%(count)s readings of Stripe keep failing: %(what)s.",
        _count(facts),
    ),
    Kind.FORUM_WAITS: lambda facts: ngettext(
        "The forum does not answer, or refuses requests. %(count)s membership waits for it.",
        "The forum does not answer, or refuses requests. %(count)s memberships wait for it.",
        _count(facts),
    ),
    Kind.EVENT_WAITS: lambda facts: ngettext(
        "%(count)s event keeps failing while others are processed: %(what)s.",
        "%(count)s events keep failing while others are processed: %(what)s.",
        _count(facts),
    ),
    Kind.EVENT_DEAD: lambda facts: ngettext(
        "%(count)s event can never be processed: %(what)s.",
        "%(count)s events can never be processed: %(what)s.",
        _count(facts),
    ),
    Kind.RULE_HALTED: gettext(
        "The mapping rule of %(where)s is halted, so nobody gains or loses a group through it. "
        "%(message)s"
    ),
    Kind.HELD: gettext("%(user)s’s membership of %(group)s waits for your decision. %(why)s"),
    Kind.NO_RULE_ENDS: gettext(
        "%(user)s loses %(group)s because no rule covers what they pay for any more."
    ),
    Kind.REMOVALS_STOPPED: gettext(
        "Many people would lose %(group)s at once. Nobody is removed until you decide."
    ),
    Kind.DISPUTE: gettext("A payment by %(user)s is disputed at their bank: %(objects)s."),
    Kind.PAYS_SUSPENDED: gettext("%(user)s is suspended but still pays for %(objects)s."),
    Kind.PAYS_WITHOUT_ACCOUNT: lambda facts: (
        gettext("%(user)s still pays for %(objects)s, but their account was made anonymous.")
        if facts.get("state") == "anonymized"
        else gettext("%(user)s still pays for %(objects)s, but the forum has no such account now.")
    ),
    Kind.PAYS_UNLINKED: lambda facts: (
        ngettext(
            "%(count)s customer pays for %(what)s and is not linked to a forum user.",
            "%(count)s customers pay for %(what)s and are not linked to forum users.",
            _count(facts),
        )
        if "count" in facts
        else gettext("%(customer)s pays for %(what)s and is not linked to a forum user.")
    ),
    Kind.CLAIM_WAITS: gettext(
        "%(user)s claims %(what)s, which %(customer)s paid for, and waits for your decision. "
        "%(why)s"
    ),
    Kind.INVITES_REFUSED: gettext(
        "The forum’s key may not invite people, so payers without an account get no invitation."
    ),
    Kind.PAID_TWICE: gettext(
        "%(user)s paid for the same thing twice. %(ended)s ends and is credited; %(kept)s stays."
    ),
    Kind.GIVES_NOTHING: lambda facts: (
        gettext("%(who)s paid %(amount)s for %(what)s and got nothing. %(why)s")
        if facts.get("amount")
        else gettext("%(who)s paid for %(what)s again and got nothing. %(why)s")
    ),
    Kind.SOLD_ABROAD: gettext(
        "%(who)s paid for %(what)s from %(where)s, where it is not sold (%(evidence)s). The "
        "order is %(order)s."
    ),
    Kind.APPLIED: lambda facts: (
        ngettext(
            "%(count)s person applied to be a member and waits for approval.",
            "%(count)s people applied to be members and wait for approval.",
            _count(facts),
        )
        if "count" in facts
        else gettext("%(who)s applied to be a member and waits for approval.")
    ),
    Kind.UNKNOWN_ADDITIONS: lambda facts: ngettext(
        "The bridge’s own user added %(count)s person to %(group)s, but the bridge has no record "
        "of it. Without a right to the group: %(lost)s. Was the database restored from a backup? "
        "Then grants by hand since that backup are lost, too.",
        "The bridge’s own user added %(count)s people to %(group)s, but the bridge has no record "
        "of it. Without a right to the group: %(lost)s. Was the database restored from a backup? "
        "Then grants by hand since that backup are lost, too.",
        _count(facts),
    ),
}
_TODO: Mapping[Kind, str | _Choice] = {
    Kind.NEWS_MISSED: gettext(
        "Check the failed deliveries at Stripe (Developers, Webhooks), then run bridge doctor."
    ),
    Kind.ENDPOINT_OFF: gettext(
        "Switch it on again at Stripe (Developers, Webhooks), then run bridge doctor."
    ),
    Kind.CLOCK_WRONG: gettext("Switch on time synchronisation, then run bridge doctor."),
    Kind.STRIPE_WAITS: gettext("Run bridge doctor."),
    Kind.FORUM_WAITS: gettext("Run bridge doctor."),
    Kind.EVENT_WAITS: gettext("Look at the named object at Stripe, then run bridge doctor."),
    Kind.EVENT_DEAD: gettext("Correct the named cause, then run bridge replay %(event_id)s."),
    Kind.RULE_HALTED: gettext("%(hint)s Then run bridge doctor."),
    Kind.HELD: gettext(
        "Run bridge explain id:%(user_id)s, then bridge keep or bridge let-go id:%(user_id)s "
        "%(group)s --by NAME --reason TEXT."
    ),
    Kind.NO_RULE_ENDS: gettext(
        "Run bridge explain id:%(user_id)s. If this is a mistake, give the price a rule."
    ),
    Kind.REMOVALS_STOPPED: gettext(
        "Run bridge plan. If the removals are right, run bridge release %(group)s --reason TEXT."
    ),
    Kind.DISPUTE: gettext(
        "Respond at Stripe (Payments, Disputes). To see the membership, run bridge explain "
        "id:%(user_id)s."
    ),
    Kind.PAYS_SUSPENDED: gettext("Ask them, or cancel it at Stripe."),
    Kind.PAYS_WITHOUT_ACCOUNT: gettext(
        "If they have another account, run bridge relink id:%(user_id)s USER --by NAME --reason "
        "TEXT. Otherwise cancel it at Stripe."
    ),
    Kind.PAYS_UNLINKED: gettext(
        "Run bridge link to see what was bought, then bridge link %(customer)s USER --by NAME "
        "--reason TEXT."
    ),
    Kind.CLAIM_WAITS: gettext(
        "To give it to them, run bridge link %(customer)s id:%(user_id)s --by NAME --reason TEXT. "
        "Otherwise refund the order %(order)s at Stripe."
    ),
    Kind.INVITES_REFUSED: gettext(
        "Give the key the scope invites:create on the forum (Admin, API keys), then run bridge "
        "doctor. Or set invite = false in [claims]."
    ),
    Kind.PAID_TWICE: gettext(
        "There is nothing to do. If they ask, refund the credit at Stripe (Customers, Credit "
        "balance)."
    ),
    Kind.GIVES_NOTHING: gettext(
        "Refund it at Stripe, or run bridge grant %(user)s GROUP --by NAME --reason TEXT. %(todo)s"
    ),
    Kind.SOLD_ABROAD: gettext("Refund it at Stripe, or leave it: the alert ends after 30 days."),
    Kind.APPLIED: gettext(
        "Run bridge register approve %(user)s --by NAME --reason TEXT, or bridge register decline."
    ),
    Kind.UNKNOWN_ADDITIONS: gettext(
        "Run bridge adopt --preview, give grants by hand again, then run bridge adopt --by NAME "
        "--reason TEXT."
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
    Kind.UNKNOWN_ADDITIONS: "drift",
}
"""The console's worklist for it."""
_PERSON = "/moderate/person/{user_id}"
_PLACES: Mapping[Kind, tuple[str, str]] = {
    **dict.fromkeys(
        (Kind.STRIPE_WAITS, Kind.FORUM_WAITS, Kind.INVITES_REFUSED),
        (gettext("Check what the keys may do"), "/moderate/settings#keys"),
    ),
    **dict.fromkeys(
        (Kind.NEWS_MISSED, Kind.ENDPOINT_OFF),
        (gettext("Check where Stripe sends events"), "/moderate/settings#keys"),
    ),
    Kind.UNKNOWN_ADDITIONS: (
        gettext("See who they are, then take them over"),
        "/moderate/lists/drift?kind=lost",
    ),
    Kind.HELD: (gettext("Let them keep it, or let it end"), "/moderate/lists/held"),
    Kind.APPLIED: (gettext("Approve or decline"), "/moderate/lists/applications"),
    Kind.DISPUTE: (gettext("See the deadline, then respond at Stripe"), "/moderate/lists/disputes"),
    Kind.CLAIM_WAITS: (gettext("Give it to them, or refund it"), "/moderate/lists/unlinked"),
    Kind.PAYS_UNLINKED: (
        gettext("Link it to a member, or set it aside"),
        "/moderate/lists/unlinked",
    ),
    Kind.REMOVALS_STOPPED: (
        gettext("See whom it affects, then let the removals continue"),
        "/moderate/lists/stopped",
    ),
    Kind.EVENT_DEAD: (
        gettext("See why, correct it, then process it again"),
        "/moderate/lists/dead",
    ),
    Kind.PAID_TWICE: (
        gettext("Nothing to do, unless they ask for the credit"),
        "/moderate/lists/double?kind=tabs",
    ),
    Kind.RULE_HALTED: (gettext("See what is wrong, and change it"), "/moderate/mapping"),
    Kind.NO_RULE_ENDS: (
        gettext("See what they pay for, and give the group if it is a mistake"),
        _PERSON,
    ),
    Kind.GIVES_NOTHING: (gettext("See what they paid, then refund it or give the group"), _PERSON),
    Kind.SOLD_ABROAD: (gettext("See what they paid, then refund it or leave it"), _PERSON),
    Kind.PAYS_SUSPENDED: (gettext("See what they pay, then ask them or cancel it"), _PERSON),
    Kind.PAYS_WITHOUT_ACCOUNT: (
        gettext("See what they pay, then link it to another account"),
        _PERSON,
    ),
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

    If they cannot be told, for at most a day; if nobody gets alerts (not `anybody`), for an hour.
    """
    if alert.kind not in OF_NEWS or alert.gone_at is not None:
        return False
    if alert.told_at is not None:
        return now < alert.told_at + confirm
    return now < alert.due_at + (LONGEST_SILENCE if anybody else WITHOUT_MESSAGES)
