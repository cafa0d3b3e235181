"""Random lives of one member over the pure core, watched by an oracle that knows only the promises.

The applier's selections stand here in memory as the design words them: an add is wanted and not
actual; a removal is not wanted, actual, owned, proven, not held, and of nobody who is dirty.
"""

from __future__ import annotations

import os
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from functools import cache

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
)

from bridge.core.memberships.decision import Situation, WantedMembership, decide
from bridge.core.model.discourse import Group
from bridge.core.model.reasons import UNDECIDED
from bridge.core.model.rights import Facts, HandGrant
from bridge.core.model.stripe import Product, Purchase, Subscription, SubscriptionItem
from bridge.core.rights.grants import grants
from bridge.core.rules.mapping import Rules, compile_rules
from bridge.core.rules.policy import Policy

BASE, LOW, HIGH, EXTRA = 1, 2, 3, 4
NAMES = {BASE: "base", LOW: "low", HIGH: "high", EXTRA: "extra"}
SELLS = {"bronze": {BASE, LOW}, "gold": {BASE, HIGH}, "side": {EXTRA}, "pass": {EXTRA}}
LADDER = (LOW, HIGH)
STEPS = {LOW: "bronze", HIGH: "gold"}
STATUSES = ("active", "trialing", "past_due", "unpaid", "paused", "canceled", "incomplete")
BEGIN = datetime(2026, 3, 1, tzinfo=UTC)
CONFIRM = timedelta(seconds=60)
LEASE = timedelta(minutes=2)
GRACE, TERM = timedelta(days=7), timedelta(days=30)
POLICY = Policy()


# --- the world, in its own few words --------------------------------------------------------------


@dataclass(frozen=True)
class Sub:
    number: int
    product: str
    status: str
    since: datetime
    failed_at: datetime | None = None


@dataclass(frozen=True)
class Pass:
    number: int
    paid_at: datetime
    refunded: bool = False
    dispute: str | None = None


@dataclass(frozen=True)
class Hand:
    number: int
    group: int
    from_at: datetime
    until_at: datetime


@dataclass(frozen=True)
class World:
    subs: tuple[Sub, ...] = ()
    passes: tuple[Pass, ...] = ()
    hands: tuple[Hand, ...] = ()


def given(world: World, now: datetime, broken: Iterable[str] = ()) -> dict[int, set[str]]:
    """The oracle, from the acceptance text: which group, by which of its sources."""
    paying = [sub for sub in world.subs if pays(sub, now) and sub.product not in broken]
    found = {
        group: {f"sub_{sub.number}" for sub in paying if group in SELLS[sub.product]}
        for group in NAMES
    }
    if "pass" not in broken:
        found[EXTRA] |= passes_that_last(world, now)
    for hand in world.hands:
        if hand.from_at <= now < hand.until_at:
            found[hand.group].add(f"hand_{hand.number}")
    # Whom a moderator puts on a step stands on the ladder too, as far as its rule can be read.
    off_ladder = {step for step, product in STEPS.items() if product in broken}
    if any(by_ladder(source, HIGH, off_ladder) for source in found[HIGH]):
        found[LOW] = {source for source in found[LOW] if not by_ladder(source, LOW, off_ladder)}
    return found


def by_ladder(source: str, group: int, off_ladder: set[int]) -> bool:
    return not (source.startswith("hand") and group in off_ladder)


def passes_that_last(world: World, now: datetime) -> set[str]:
    """Each stands on what still stands: max(bought, end so far) + 30 days."""
    lasting = set()
    end = BEGIN
    for one in sorted(world.passes, key=lambda p: (p.paid_at, p.number)):
        if one.refunded or one.dispute == "lost":
            continue
        end = max(end, one.paid_at) + TERM
        if now < end:
            lasting.add(f"cs_{one.number}:1")
    return lasting


def entitled(world: World, now: datetime, broken: Iterable[str] = ()) -> set[int]:
    return {group for group, sources in given(world, now, broken).items() if sources}


def pays(sub: Sub, now: datetime) -> bool:
    in_grace = sub.status == "past_due" and now < (sub.failed_at or now) + GRACE
    return sub.status in ("active", "trialing") or in_grace


def in_doubt(world: World, now: datetime, broken: Iterable[str]) -> set[str]:
    """Sources with an unknown result, because their product is mapped wrongly."""
    subs = {f"sub_{sub.number}" for sub in world.subs if pays(sub, now) and sub.product in broken}
    stands = [p for p in world.passes if not p.refunded and p.dispute != "lost"]
    return subs | {f"cs_{p.number}:1" for p in stands if "pass" in broken}


# --- the same world as the bridge reads it --------------------------------------------------------


def facts_of(world: World) -> Facts:
    return Facts(
        tuple(_subscription(sub) for sub in world.subs),
        tuple(_purchase(one) for one in world.passes),
        tuple(
            HandGrant(f"hand_{h.number}", 7, h.group, h.from_at, h.until_at, "help", "mod")
            for h in world.hands
        ),
    )


def _subscription(sub: Sub) -> Subscription:
    end = sub.since + timedelta(days=31)
    item = SubscriptionItem(
        f"si_{sub.number}", f"price_{sub.product}", f"prod_{sub.product}", 1, sub.since, end
    )
    return Subscription(
        f"sub_{sub.number}",
        "cus_1",
        sub.status,
        (item,),
        sub.since,
        sub.since,
        past_due_since_at=sub.failed_at,
        ended_at=sub.since if sub.status == "canceled" else None,
    )


def _purchase(one: Pass) -> Purchase:
    return Purchase(
        f"cs_{one.number}:1", "cus_1", "price_pass", "prod_pass", 1, one.paid_at, 900, "eur",
        f"pi_{one.number}", 900, 900 if one.refunded else 0,
        disputed=one.dispute,  # type: ignore[arg-type] # one of its three words
    )  # fmt: skip


MORE = {
    "bronze": {"discourse_ladder": "level", "discourse_rank": "1"},
    "gold": {"discourse_ladder": "level", "discourse_rank": "2"},
    "pass": {"discourse_term": "30d"},
}


@cache
def rules_with(broken: frozenset[tuple[str, str]]) -> Rules:
    """The site's rules. Halted: a group that does not exist; unmapped: the product says nothing."""
    products = []
    for name, sold in SELLS.items():
        how = dict(broken).get(name)
        names = [NAMES[group] for group in sorted(sold)] + ["nonesuch"] * (how == "halted")
        said = {"discourse_groups": ",".join(names), **MORE.get(name, {})}
        products.append(Product(f"prod_{name}", name, metadata={} if how == "unmapped" else said))
    groups = {id_: Group(id_, name) for id_, name in NAMES.items()}
    return compile_rules(products, [], Policy(ladders={"level": ("low", "high")}), {}, groups)


# --- the bridge, as far as it is pure -------------------------------------------------------------


@dataclass
class Reading:
    world: World
    began_at: datetime
    generation: int


@dataclass
class Row:
    actual: bool = False
    owned: bool = False
    override: bool = False


@dataclass
class Proof:
    """One decision on a complete reading: when, and what the oracle says of what was read."""

    began_at: datetime
    decided_at: datetime
    entitled: set[int]


@dataclass
class Record:
    memberships: dict[int, WantedMembership] = field(default_factory=dict)
    rows: dict[int, Row] = field(default_factory=lambda: {group: Row() for group in NAMES})
    dirty: int = 0
    done: int = 0
    timer_at: datetime | None = None
    stored: Reading | None = None
    needs_reading: bool = False
    proofs: list[Proof] = field(default_factory=list)


class Life(RuleBasedStateMachine):
    def __init__(self) -> None:
        super().__init__()
        self.now = BEGIN
        self.world = World()
        self.broken: frozenset[tuple[str, str]] = frozenset()
        self.record = Record()
        self.in_flight: Reading | None = None
        self.unheard = False
        self.by_staff: set[int] = set()
        self.numbers = 0
        self.gave: dict[int, set[str]] = {group: set() for group in NAMES}

    @property
    def faults(self) -> set[str]:
        return {product for product, _ in self.broken}

    @initialize(products=st.lists(st.sampled_from(["bronze", "gold", "side"]), max_size=2))
    def is_a_member_already(self, products: list[str]) -> None:
        for product in products:
            self.subscribes(product, "active", heard=True)
        self.reads_and_decides()
        self.adds_are_sent()

    # --- what happens at Stripe -------------------------------------------------------------------

    def news(self, world: World, *, heard: bool) -> None:
        self.world = world
        if heard:
            self.record.dirty += 1
            self.record.needs_reading = True
        else:
            self.unheard = True

    def number(self) -> int:
        self.numbers += 1
        return self.numbers

    @rule(
        product=st.sampled_from(["bronze", "gold", "side"]),
        status=st.sampled_from(["active", "trialing", "incomplete"]),
        heard=st.booleans(),
    )
    @precondition(lambda self: len(self.world.subs) < 4)
    def subscribes(self, product: str, status: str, heard: bool) -> None:  # noqa: FBT001 - drawn by name
        sub = Sub(self.number(), product, status, self.now)
        self.news(replace(self.world, subs=(*self.world.subs, sub)), heard=heard)

    @rule(which=st.integers(0, 3), status=st.sampled_from(STATUSES), heard=st.booleans())
    @precondition(lambda self: self.world.subs)
    def its_status_changes(self, which: int, status: str, heard: bool) -> None:  # noqa: FBT001 - drawn by name
        sub = self.world.subs[which % len(self.world.subs)]
        failed_at = (sub.failed_at or self.now) if status == "past_due" else None
        self._replace(sub, replace(sub, status=status, failed_at=failed_at), heard=heard)

    @rule(which=st.integers(0, 3), product=st.sampled_from(["bronze", "gold"]), heard=st.booleans())
    @precondition(lambda self: self.world.subs)
    def is_moved_to(self, which: int, product: str, heard: bool) -> None:  # noqa: FBT001 - drawn by name
        sub = self.world.subs[which % len(self.world.subs)]
        self._replace(sub, replace(sub, product=product), heard=heard)

    def _replace(self, old: Sub, new: Sub, *, heard: bool) -> None:
        subs = tuple(new if sub == old else sub for sub in self.world.subs)
        self.news(replace(self.world, subs=subs), heard=heard)

    @rule(heard=st.booleans())
    @precondition(lambda self: len(self.world.passes) < 3)
    def buys_a_pass(self, heard: bool) -> None:  # noqa: FBT001 - drawn by name
        one = Pass(self.number(), self.now)
        self.news(replace(self.world, passes=(*self.world.passes, one)), heard=heard)

    @rule(which=st.integers(0, 2), what=st.sampled_from(["refund", "open", "won", "lost"]))
    @precondition(lambda self: self.world.passes)
    def a_payment_is_refunded_or_disputed(self, which: int, what: str) -> None:
        old = self.world.passes[which % len(self.world.passes)]
        new = replace(old, refunded=True) if what == "refund" else replace(old, dispute=what)
        passes = tuple(new if one == old else one for one in self.world.passes)
        self.news(replace(self.world, passes=passes), heard=True)

    # --- what people do ---------------------------------------------------------------------------

    @rule(group=st.sampled_from(list(NAMES)), wait=st.integers(0, 3), days=st.integers(1, 5))
    @precondition(lambda self: len(self.world.hands) < 2)
    def a_moderator_grants(self, group: int, wait: int, days: int) -> None:
        from_at = self.now + timedelta(days=wait)
        hand = Hand(self.number(), group, from_at, from_at + timedelta(days=days))
        self.news(replace(self.world, hands=(*self.world.hands, hand)), heard=True)

    @rule(group=st.sampled_from(list(NAMES)))
    def staff_add(self, group: int) -> None:
        row = self.record.rows[group]
        if not row.actual:
            row.actual, row.owned = True, False
            self.by_staff.add(group)

    @rule(group=st.sampled_from(list(NAMES)))
    def staff_remove(self, group: int) -> None:
        row = self.record.rows[group]
        if row.actual:
            membership = self.record.memberships.get(group)
            row.actual, row.owned = False, False
            row.override = row.override or bool(membership and membership.wanted)
            self.by_staff.discard(group)

    @rule(product=st.sampled_from(list(SELLS)), how=st.sampled_from(["halted", "unmapped", "mend"]))
    def the_mapping_changes(self, product: str, how: str) -> None:
        others = {one for one in self.broken if one[0] != product}
        self.broken = frozenset(others if how == "mend" else {*others, (product, how)})
        self.record.dirty += 1

    @rule(
        passed=st.sampled_from([
            timedelta(seconds=1), timedelta(seconds=61), timedelta(hours=5), timedelta(days=1),
            GRACE, TERM,
        ])
    )  # fmt: skip
    def time_passes(self, passed: timedelta) -> None:
        self.now += passed
        if self.record.timer_at and self.record.timer_at <= self.now:
            self.record.dirty += 1
            self.record.needs_reading = True
            self.record.timer_at = None

    # --- the decider ------------------------------------------------------------------------------

    @rule()
    def begins_to_read(self) -> None:
        self.in_flight = Reading(self.world, self.now, self.record.dirty)

    @rule()
    @precondition(lambda self: self.in_flight)
    def decides_on_what_was_read(self) -> None:
        assert self.in_flight is not None
        self._decide(self.in_flight)
        self.in_flight = None

    @rule()
    def reads_and_decides(self) -> None:
        self._decide(Reading(self.world, self.now, self.record.dirty))
        self.in_flight = None

    @rule(apart=st.sampled_from([1, 30, 59, 61]))
    def decides_twice_and_removes(self, apart: int) -> None:
        self.reads_and_decides()
        self.time_passes(timedelta(seconds=apart))
        self.reads_and_decides()
        self.removals_are_sent(4)

    @rule()
    @precondition(lambda self: self.record.stored and not self.record.needs_reading)
    def decides_on_the_stored_reading(self) -> None:
        """As after a change of a mapping rule: nothing is read, dirty users are decided again."""
        assert self.record.stored is not None
        self._decide(replace(self.record.stored, generation=self.record.dirty))
        self.adds_are_sent()
        self.removals_are_sent(4)

    def _decide(self, reading: Reading) -> None:
        record = self.record
        rules = rules_with(self.broken)
        # A moderator's grant is not read from Stripe: it stands in the bridge's own store.
        world = replace(reading.world, hands=self.world.hands)
        verdicts = grants(facts_of(world), rules, POLICY, self.now)
        undecided = [g for g in verdicts if not g.holds and g.reason in UNDECIDED]
        decision = decide(
            record.memberships,
            verdicts,
            Situation(
                now=self.now,
                reading_at=reading.began_at,
                confirm=CONFIRM,
                halted_group_ids=rules.halted_group_ids,
                held_sources={g.source_id: g.reason for g in undecided},
            ),
        )
        record.memberships |= {
            membership.group_id: membership for membership in decision.memberships
        }
        record.timer_at = decision.next_at
        record.done = max(record.done, reading.generation)
        record.stored = reading
        if record.done == record.dirty:
            record.needs_reading = False
        said = entitled(world, self.now, self.faults)
        record.proofs.append(Proof(reading.began_at, self.now, said))
        doubted = in_doubt(world, self.now, self.faults)
        for group, sources in given(world, self.now, self.faults).items():
            self.gave[group] = sources | (self.gave[group] & doubted)
        if reading.world == self.world and reading.generation == record.dirty:
            self.unheard = False

    # --- the applier ------------------------------------------------------------------------------

    def adds(self) -> Iterable[int]:
        for group, membership in self.record.memberships.items():
            row = self.record.rows[group]
            if membership.wanted and not row.actual and not membership.hold and not row.override:
                yield group

    def removals(self) -> Iterable[int]:
        if self.record.dirty > self.record.done:
            return
        for group, membership in self.record.memberships.items():
            row = self.record.rows[group]
            if (
                membership.wanted
                or not row.actual
                or not row.owned
                or membership.hold
                or not membership.unwanted_at
            ):
                continue
            if membership.confirmed_at or self._has_taken_place(membership):
                yield group

    def _has_taken_place(self, membership: WantedMembership) -> bool:
        other = self.record.memberships.get(membership.swap_to or 0)
        return bool(other and other.wanted and self.record.rows[other.group_id].actual)

    @rule()
    def adds_are_sent(self) -> None:
        for group in list(self.adds()):
            row = self.record.rows[group]
            row.actual, row.owned = True, True

    @rule(most=st.integers(1, 4))
    def removals_are_sent(self, most: int) -> None:
        for group in list(self.removals())[:most]:
            self._removal_is_right(group)
            self.record.rows[group] = Row(override=self.record.rows[group].override)

    def _removal_is_right(self, group: int) -> None:
        """I3: nobody loses a group while anything entitles them to it, as far as was heard."""
        if not self.unheard:
            should = entitled(self.world, self.now, self.faults)
            assert group not in should, "I3: an entitled member is put out"
        halted = [SELLS[product] for product, how in self.broken if how == "halted"]
        assert not any(group in sold for sold in halted), "A93: a halted rule took somebody out"
        assert not self.gave[group], "A34: taken away though a source of it is in doubt"
        last = self.record.proofs[-1]
        assert group not in last.entitled, "removed against the last reading"
        if group in LADDER and self.record.memberships[group].swap_to in last.entitled:
            assert last.decided_at - last.began_at <= LEASE, "gave way by an old reading"
            return
        denials: list[Proof] = []
        for proof in reversed(self.record.proofs):
            if group in proof.entitled:
                break
            denials.append(proof)
        assert any(
            second.began_at >= first.decided_at + CONFIRM for first in denials for second in denials
        ), "removed without a second reading a confirm window later"

    # --- coming to rest ---------------------------------------------------------------------------

    @rule(mended=st.booleans())
    def everything_settles(self, mended: bool) -> None:  # noqa: FBT001 - drawn by name
        if mended:
            self.broken = frozenset()
        self.record.dirty += 1
        for _ in range(4):
            self.reads_and_decides()
            self.adds_are_sent()
            self.removals_are_sent(4)
            self.time_passes(CONFIRM + timedelta(seconds=1))
        self.reads_and_decides()
        self.adds_are_sent()
        self.removals_are_sent(4)
        self._is_at_rest()
        if mended:
            self._is_as_it_should_be()

    def _is_at_rest(self) -> None:
        """I2: when nothing is pending, actual = wanted for every owned membership."""
        assert not list(self.adds())
        assert not list(self.removals())
        for group, row in self.record.rows.items():
            membership = self.record.memberships.get(group, WantedMembership(group))
            if row.owned and not membership.hold:
                assert row.actual == membership.wanted, f"I2: {NAMES[group]} wanted is not actual"

    def _is_as_it_should_be(self) -> None:
        should = entitled(self.world, self.now)
        for group, row in self.record.rows.items():
            if row.override:
                assert not row.owned, "E59: whom staff took out stays out"
            elif group in should:
                assert row.actual, f"entitled to {NAMES[group]} and not in"
            elif group not in self.by_staff:
                assert not row.actual, f"not entitled to {NAMES[group]} and still in"

    # --- at every step ----------------------------------------------------------------------------

    @invariant()
    def I5_nobody_whom_staff_added_is_ever_removed(self) -> None:
        for group in self.by_staff:
            assert self.record.rows[group].actual

    @invariant()
    def one_step_of_a_ladder_is_wanted_unless_one_is_held(self) -> None:
        if self.broken or self.record.dirty > self.record.done:
            return
        steps = [
            membership
            for group, membership in self.record.memberships.items()
            if group in LADDER and membership.wanted and not membership.hold
        ]
        assert len(steps) <= 1

    @invariant()
    def the_clock_is_never_asked_for_what_is_past(self) -> None:
        if self.record.timer_at and self.record.proofs:
            assert self.record.timer_at > self.record.proofs[-1].began_at


# A long search by HYPOTHESIS_PROFILE=ci; a short one otherwise, for the whole suite is to be quick.
LONG = os.environ.get("HYPOTHESIS_PROFILE") == "ci"


@pytest.mark.timeout(1200 if LONG else 60)
class TestLife(Life.TestCase):  # type: ignore[misc,valid-type] # made by Hypothesis at run time
    settings = settings(
        max_examples=3000 if LONG else 40,
        stateful_step_count=60 if LONG else 30,
        deadline=None,
        suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much],
    )
