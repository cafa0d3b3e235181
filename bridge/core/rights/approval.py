"""Approval: if the rule asks for it, a payment counts once a moderator has approved (A62).

The steps of a membership decide, but not their order: approval may come before payment. Members
who first paid before the rule asked for approval need none.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Literal

from bridge.core.ledger.member_register import Impossible, MemberEntry, member_register
from bridge.core.model.reasons import Reason
from bridge.core.model.rights import Facts, Grant
from bridge.core.model.steps import MemberStep, counting
from bridge.core.rules.compiled import Rule, Rules

NO_PAYMENT = frozenset(
    {Reason.INCOMPLETE, Reason.INCOMPLETE_EXPIRED, Reason.TRIAL_WAITS, Reason.GIVEN}
)
"""Nothing was paid for it, or nothing for themselves."""


@dataclass(frozen=True, slots=True)
class _Asking:
    """From when on rules ask for approval: by the rule's id, and by the groups that it leads to.

    `by_hand`: where each grant by hand comes from. A payment recorded by hand names no product, so
    it waits as soon as one rule that leads to its group asks. A moderator's own grant never waits.
    """

    by_rule: Mapping[str, datetime]
    by_group: Mapping[int, datetime]
    by_hand: Mapping[str, str]

    @classmethod
    def of(cls, rules: Rules, facts: Facts) -> _Asking:
        asking = {
            rule.id: (rule.approval_from, rule.group_ids)
            for rule in rules.all
            if isinstance(rule, Rule) and rule.approval_from is not None
        }
        by_group: dict[int, datetime] = {}
        for from_at, group_ids in asking.values():
            by_group |= {id_: min(from_at, by_group.get(id_, from_at)) for id_ in group_ids}
        by_hand = {one.id: one.source for one in facts.hand_grants}
        return cls({id_: from_at for id_, (from_at, _) in asking.items()}, by_group, by_hand)

    def since(self, grant: Grant) -> datetime | None:
        """From when on what somebody paid like this needs an approval; None: never."""
        if grant.source != "hand":
            return self.by_rule.get(grant.rule_id)
        if self.by_hand.get(grant.source_id) == "moderator":
            return None
        return self.by_group.get(grant.group_id)

    def waits(self, grant: Grant) -> bool:
        """Whether it needs one; a register from before was somebody's decision."""
        is_import = self.by_hand.get(grant.source_id) == "import"
        return self.since(grant) is not None and not is_import


def admitted(found: Sequence[Grant], facts: Facts, rules: Rules, now: datetime) -> Iterator[Grant]:
    """The verdicts, in which payments without an approval give nothing yet."""
    asking = _Asking.of(rules, facts)
    if not asking.by_rule:
        yield from found
        return
    decided = [
        one for one in counting(facts.steps, now) if one.kind not in ("application", "payment")
    ]
    was_member = any(
        (since := asking.since(grant)) is not None
        and grant.from_at < since
        and grant.reason not in NO_PAYMENT
        for grant in found
    )
    for grant in found:
        if grant.holds and asking.waits(grant):
            yield _judged(grant, decided, was_member=was_member)
        else:
            yield grant


def _judged(grant: Grant, decided: Sequence[MemberStep], *, was_member: bool) -> Grant:
    """Decide by the last decision since it began, or else by the last one before.

    After a cessation or a decline, anything that begins later needs an approval again.
    """
    before = [one for one in decided if one.at < grant.from_at]
    since = [one for one in decided if one.at >= grant.from_at and one.kind != "cessation"]
    last = next(reversed(since or before), None)
    if (was_member and (last is None or last.kind != "cessation")) or (
        last is not None and last.kind == "approval"
    ):
        return grant
    reason, because_at = Reason.APPROVAL_WAITS, None
    if since:
        reason, because_at = Reason.APPROVAL_DECLINED, since[-1].at
    return replace(grant, holds=False, reason=reason.value, because_at=because_at, renews_at=None)


def withheld(verdicts: Iterable[Grant]) -> frozenset[str]:
    """The sources that give nothing because nobody has approved, or somebody has declined."""
    unapproved = (Reason.APPROVAL_WAITS, Reason.APPROVAL_DECLINED)
    return frozenset(one.source_id for one in verdicts if one.reason in unapproved)


def is_waiting(product_id: str, verdicts: Iterable[Grant]) -> bool:
    """Whether something of this product waits for approval."""
    return any(
        one.product_id == product_id and one.reason == Reason.APPROVAL_WAITS for one in verdicts
    )


@dataclass(frozen=True, slots=True)
class DueStep:
    """A step that was taken by paying, and that nobody has recorded yet."""

    kind: Literal["application", "payment"]
    at: datetime
    source_id: str


def due_steps(
    found: Iterable[Grant], facts: Facts, rules: Rules, now: datetime
) -> tuple[DueStep, ...]:
    """The steps that paying takes where approval is needed: application and payment (A62)."""
    asking = _Asking.of(rules, facts)
    asked = sorted(
        (grant for grant in found if asking.waits(grant) and _is_settled(grant)),
        key=lambda one: (one.from_at, one.source_id),
    )
    waiting = [grant for grant in asked if grant.reason == Reason.APPROVAL_WAITS]
    try:
        entries = member_register(facts.steps, now)
    except Impossible:
        return ()
    entry = entries[-1] if entries and entries[-1].is_open else None
    steps = []
    if entry is None and waiting:
        entry = MemberEntry(0, min(now, max([waiting[0].from_at, *_ends(entries)])))
        steps.append(DueStep("application", entry.applied_at, waiting[0].source_id))
    seated = (seat.subscription for seat in facts.seats)
    unpaid = {one.id for one in (*facts.subscriptions, *seated) if one.status == "trialing"}
    paid = [
        grant
        for grant in asked
        if entry is not None and entry.paid_at is None
        if grant in waiting or grant.from_at >= entry.applied_at
        if grant.source_id.partition(":")[0] not in unpaid
    ]
    if entry is not None and paid:
        at = min(now, max(paid[0].from_at, entry.applied_at))
        steps.append(DueStep("payment", at, paid[0].source_id))
    return tuple(steps)


def _is_settled(grant: Grant) -> bool:
    return grant.holds or grant.reason == Reason.APPROVAL_WAITS


def _ends(entries: Sequence[MemberEntry]) -> list[datetime]:
    ends = (at for entry in entries for at in (entry.declined_at, entry.ceased_at))
    return [at for at in ends if at is not None]
