"""Who would have been treated differently under another policy: replays both over the same past.

The other policy takes effect at the beginning, on top of the real one's decisions until then. So
what the real one holds (a broken rule affects nobody) is held here, too. Confirm windows and limits
only delay changes, so they are left out.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from bridge.core.memberships.decision import Situation, WantedMembership, decide
from bridge.core.memberships.why import NOT_MAPPED, OUTRANKED, why
from bridge.core.model.reasons import UNDECIDED
from bridge.core.model.rights import Facts, Grant
from bridge.core.rights.grants import grants, next_change
from bridge.core.rules.law import Law

NOTHING_LEADS_TO_IT = "nothing_leads_to_it"


@dataclass(frozen=True, slots=True)
class Moment:
    """What was known of one user from a time on, with the law in force and the other law."""

    at: datetime
    facts: Facts
    here: Law
    there: Law


@dataclass(frozen=True, slots=True)
class Side:
    """How one law treats a membership: in or out, why, by which rule and sources."""

    is_in: bool
    reason: str
    rule_id: str | None = None
    sources: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Difference:
    """From when until when a user is in a group under one law only; until None: it still is so."""

    group_id: int
    from_at: datetime
    until_at: datetime | None
    here: Side
    there: Side


@dataclass(slots=True)
class _Life:
    """The result of one law for a user so far."""

    memberships: Mapping[int, WantedMembership] = field(default_factory=dict)
    verdicts: tuple[Grant, ...] = ()
    have: frozenset[str] = frozenset()

    def decide(self, facts: Facts, law: Law, now: datetime) -> None:
        self.have = facts.source_ids
        self.verdicts = grants(facts, law.rules, law.policy, now)
        at = Situation(
            now=now,
            reading_at=now,
            confirm=timedelta(0),
            halted_group_ids=law.rules.halted_group_ids,
            held_sources={
                one.source_id: one.reason
                for one in self.verdicts
                if not one.holds and one.reason in UNDECIDED
            },
            unfollowed_ladders=law.policy.unfollowed_ladders,
        )
        made = decide(self.memberships, self.verdicts, at)
        self.memberships = {
            **self.memberships,
            **{membership.group_id: membership for membership in made.memberships},
        }

    def side(self, group_id: int) -> Side:
        membership = self.memberships.get(group_id)
        if membership is not None and (membership.wanted or membership.sources):
            reason = (
                membership.hold or why(membership, self.verdicts, self.have) or NOTHING_LEADS_TO_IT
            )
            return Side(membership.wanted, reason, membership.rule_id, membership.sources)
        about = [one for one in self.verdicts if one.group_id == group_id]
        if not about:
            reason = NOT_MAPPED if self.verdicts or self.have else NOTHING_LEADS_TO_IT
            return Side(is_in=False, reason=reason)
        said = next((one for one in about if one.holds), about[-1])
        reason = OUTRANKED if said.holds else said.reason  # it gives it, and they are not in it
        return Side(is_in=False, reason=reason, rule_id=said.rule_id, sources=(said.source_id,))


def differences(moments: Sequence[Moment], until: datetime) -> list[Difference]:
    """Every period in which the two laws disagree about a group of one user.

    `moments`: when anything became known or the law changed; between two of them only the clock has
    effects.
    """
    here, there = _Life(), _Life()
    open_ones: dict[int, Difference] = {}
    found: list[Difference] = []
    for number, moment in enumerate(moments):
        end = moments[number + 1].at if number + 1 < len(moments) else until
        now: datetime | None = moment.at
        while now is not None and (now < end or now == moment.at):
            here.decide(moment.facts, moment.here, now)
            if number == 0 and now == moment.at:
                there.memberships = dict(here.memberships)
            there.decide(moment.facts, moment.there, now)
            found += _closed(open_ones, here, there, now)
            now = next_change((*here.verdicts, *there.verdicts), now)
    return sorted([*found, *open_ones.values()], key=lambda one: (one.from_at, one.group_id))


def _closed(
    open_ones: dict[int, Difference], here: _Life, there: _Life, now: datetime
) -> Iterable[Difference]:
    """Note the present differences; returns those that have ended."""
    for group_id in sorted({*here.memberships, *there.memberships, *open_ones}):
        ours, theirs = here.side(group_id), there.side(group_id)
        before = open_ones.get(group_id)
        if before and before.here.is_in == ours.is_in and before.there.is_in == theirs.is_in:
            continue
        if before:
            yield replace(open_ones.pop(group_id), until_at=now)
        if ours.is_in != theirs.is_in:
            open_ones[group_id] = Difference(group_id, now, None, ours, theirs)
