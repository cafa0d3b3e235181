"""Matches a line of an old register with its one subscription, or with none.

Nothing is guessed: if there are several, a person chooses.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Literal

from bridge.core.model.rights import Grant
from bridge.core.model.stripe import Subscription


@dataclass(frozen=True, slots=True)
class Entry:
    """A line: a group, its last day, and the Stripe objects that it may name."""

    group_id: int
    until: date | None = None
    customer_id: str = ""
    subscription_id: str = ""


@dataclass(frozen=True, slots=True)
class Match:
    """The result for a line. `says`: where line and Stripe differ, or what is wrong."""

    found: Literal["none", "one", "several", "wrong"]
    says: str = ""
    subscription: Subscription | None = None


def match(
    entry: Entry,
    subscriptions: Iterable[Subscription],
    verdicts: Iterable[Grant],
    names: Mapping[int, str],
) -> Match:
    """Find the running subscription of the entry's user that leads to its group.

    `subscriptions` are the user's own; `names`: group id -> name, for the words.
    """
    own = {one.id: one for one in subscriptions if one.beneficiary_id is None}
    running = [one for one in verdicts if one.holds and one.source_id in own]
    if entry.customer_id:
        running = [g for g in running if own[g.source_id].customer_id == entry.customer_id]
    if entry.subscription_id:
        running = [grant for grant in running if grant.source_id == entry.subscription_id]
    leading = [grant for grant in running if grant.group_id == entry.group_id]
    ids = sorted({grant.source_id for grant in leading})
    if len(ids) > 1:
        which = ", ".join(ids)
        return Match("several", f"{which} lead to it: name one in the column subscription")
    if not ids:
        return _none(entry, running, names)
    longest = max(leading, key=lambda one: (one.until_at is None, one.until_at or one.from_at))
    return Match("one", _difference(entry.until, longest), own[ids[0]])


def _none(entry: Entry, running: list[Grant], names: Mapping[int, str]) -> Match:
    says = ", ".join(
        f"{one.source_id} leads to {names.get(one.group_id, one.group_id)}"
        for one in sorted(running, key=lambda one: (one.source_id, one.group_id))
        if one.group_id
    )
    if says:
        says = f"the row says {names.get(entry.group_id, entry.group_id)}, Stripe says {says}"
    if entry.subscription_id:
        named = f"{entry.subscription_id} is not a running subscription of theirs that leads to it"
        return Match("wrong", says or named)
    return Match("none", says)


def _difference(until: date | None, said: Grant) -> str:
    """Empty if both agree; the end of a paid period that renews counts as the same day."""
    if until is None and said.until_at is None:
        return ""
    at = said.until_at or said.renews_at
    if until is not None and at is not None and at.date() == until:
        return ""
    row = f"until {until}" if until else "for good"
    if said.until_at is not None:
        return f"the row says {row}, Stripe says until {said.until_at:%Y-%m-%d}"
    stripe = f"it renews on {said.renews_at:%Y-%m-%d}" if said.renews_at else "for good"
    return f"the row says {row}, Stripe says {stripe}"
