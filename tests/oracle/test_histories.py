"""Whole lives: every order and doubling of up to six events, and long lives at random.

Each event leads to a decision on what is true at that moment. However events arrive, the end is
what the oracle says, and nobody is ever removed from a group that something entitles them to (I3).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace

import pytest

from bridge.core.rules.compiled import Rules
from tests.oracle import lives, naive
from tests.oracle.bridge_side import CONFIRM, Record, adopted, asks_for, hear, rules_for
from tests.oracle.generated import for_each_history
from tests.oracle.lives import Act, News
from tests.oracle.naive import DAY, Shop, World

MOST_EVENTS = 6
Heard = frozenset[int]
Place = int  # of a record in the list of all that were come upon
NOTHING: Place = 0
State = tuple[Heard, Place]


@dataclass
class Bridge:
    """The bridge in a shop; in the same situation it always decides the same."""

    shop: Shop
    rules: Rules
    acts: Sequence[Act]
    records: list[Record] = field(default_factory=lambda: [Record()])

    def __post_init__(self) -> None:
        self._places = {self.records[NOTHING]: NOTHING}
        self._decided: dict[tuple[Place, str, int, int], Place] = {}
        self._entitled: dict[tuple[int, int], set[str]] = {}

    def hear(self, place: Place, asked: str, number: int, now: int) -> Place:
        """A decision after the act of this number, watched for I3."""
        key = place, asked, number, now
        if key not in self._decided:
            record = self.records[place]
            after = hear(record, asked, self.rules, self.acts[number].world, now)
            lost = record.actual - after.actual
            if lost:
                by_right = self.entitled(number, now) & self.as_known(after, number, now)
                assert not lost & by_right, f"I3: {lost} at {now}: {self}"
            if after not in self._places:
                self._places[after] = len(self.records)
                self.records.append(after)
            self._decided[key] = self._places[after]
        return self._decided[key]

    def restore(self, older: Place, place: Place, number: int, now: int) -> Place:
        """The record is old and the forum is not; the bridge's own additions are adopted."""
        actual = self.records[place].actual
        record = adopted(replace(self.records[older], actual=actual))
        if record not in self._places:
            self._places[record] = len(self.records)
            self.records.append(record)
        return self.hear(self._places[record], "payments", number, now)

    def as_known(self, record: Record, number: int, now: int) -> set[str]:
        """The due groups as if unreported refunds and disputes had not happened.

        They are read only after an event about money: an upgrade costs one reading, not three.
        """
        world = self.acts[number].world
        paid = {one.number: one.paid for one in record.known.subscriptions}
        subs = (replace(one, paid=paid.get(one.number, one.paid)) for one in world.subscriptions)
        return naive.groups(self.shop, replace(world, subscriptions=tuple(subs)), now)

    def timer_of(self, place: Place) -> int | None:
        return self.records[place].timer_at

    def entitled(self, number: int, now: int) -> set[str]:
        if (number, now) not in self._entitled:
            world = self.acts[number].world
            self._entitled[number, now] = naive.groups(self.shop, world, now)
        return self._entitled[number, now]

    def pass_time(self, place: Place, number: int, now: int, until: int) -> Place:
        """The timers until then, each at its moment."""
        while (at := self.timer_of(place)) is not None and at <= until:
            now = max(now, at)
            place = self.hear(place, "payments", number, now)
        return place

    def rest(self, place: Place, number: int, now: int) -> Place:
        """After all events and a confirm window, everything is as it should be."""
        then = now + CONFIRM
        place = self.pass_time(place, number, now, then)
        while (at := self.timer_of(place)) is not None and at <= then + CONFIRM:
            now, then = then, at + CONFIRM
            place = self.pass_time(place, number, now, then)
        self.is_as_it_should_be(place, number, then)
        return place

    def is_as_it_should_be(self, place: Place, number: int, now: int) -> None:
        actual, should = set(self.records[place].actual), self.entitled(number, now)
        assert actual == should, f"in {actual}, not {should}, at {now}: {self}"

    def __str__(self) -> str:
        told = "\n".join(f"  {a.at:>9} {a.what}: {[n.type for n in a.news]}" for a in self.acts)
        return f"\n{told}\n  {self.shop['bronze'].terms}\n  once: {self.shop['pass'].terms}"


# --- every order and every doubling ---------------------------------------------------------------


def every_order(bridge: Bridge) -> None:
    """All ways in which events can arrive: at any time after their act, any number of times.

    Only the received events and the bridge's record matter, so each pair is followed once.
    """
    news: list[News] = []
    states: set[State] = {(frozenset(), NOTHING)}
    for number, act in enumerate(bridge.acts):
        states = {(heard, _until(bridge, place, number, act.at)) for heard, place in states}
        if not act.news:  # moderators' deeds are known to the bridge at once
            states = {(heard, bridge.hear(p, "decide", number, act.at)) for heard, p in states}
        news += act.news
        states = _all_tellings(bridge, states, news, number)
    everything = frozenset(range(len(news)))
    ends = {place for heard, place in states if heard == everything}
    last, now = len(bridge.acts) - 1, bridge.acts[-1].at
    for place in ends:
        follow_the_clock(bridge, bridge.rest(place, last, now), last)


def _until(bridge: Bridge, place: Place, number: int, now: int) -> Place:
    """Time passes until an act; timers before it see the world before it."""
    if number == 0:
        return place
    return bridge.pass_time(place, number - 1, bridge.acts[number - 1].at, now - 1)


def _all_tellings(
    bridge: Bridge, states: Iterable[State], news: Sequence[News], number: int
) -> set[State]:
    found, new = set(states), list(states)
    now = bridge.acts[number].at
    asked = [(frozenset({which}), asks_for(one)) for which, one in enumerate(news)]
    while new:
        heard, place = new.pop()
        for which, asks in asked:
            after = heard | which, bridge.hear(place, asks, number, now)
            if after not in found:
                found.add(after)
                new.append(after)
    return found


def follow_the_clock(bridge: Bridge, place: Place, number: int) -> None:
    """Only time passes: each end comes automatically, without a sweep."""
    for _ in range(6):
        now = bridge.timer_of(place)
        if now is None:
            bridge.is_as_it_should_be(place, number, bridge.acts[number].at + 400 * DAY)
            break
        bridge.is_as_it_should_be(place, number, now - 1)
        place = bridge.rest(place, number, now)


# --- one order of a long life ---------------------------------------------------------------------


def one_order(bridge: Bridge, dice: lives.Dice) -> None:
    """News that is late, doubled, or comes first though it happened last; restored backups."""
    place = backup = NOTHING
    waiting: list[News] = []
    for number, act in enumerate(bridge.acts):
        place = _until(bridge, place, number, act.at)
        what = dice.pick("", "", "", "", "back up", "restore")
        if what == "back up":
            backup = place
        elif what == "restore":
            place = bridge.restore(backup, place, number, act.at)
        if not act.news:
            place = bridge.hear(place, "decide", number, act.at)
        waiting += act.news
        place = _hear_some(bridge, place, number, waiting, dice)
    last, now = len(bridge.acts) - 1, bridge.acts[-1].at
    for one in reversed(waiting):
        place = bridge.hear(place, asks_for(one), last, now)
    follow_the_clock(bridge, bridge.rest(place, last, now), last)


def _hear_some(
    bridge: Bridge, place: Place, number: int, waiting: list[News], dice: lives.Dice
) -> Place:
    for _ in range(dice.pick(0, 1, 1, 2)):
        if waiting:
            one = waiting[dice.pick(-1, 0)]
            if dice.pick("once", "once", "again") == "once":
                waiting.remove(one)
            place = bridge.hear(place, asks_for(one), number, bridge.acts[number].at)
    return place


def compare(data: bytes) -> None:
    dice = lives.Dice(data)
    shop = lives.shop(dice)
    length = dice.pick(2, 3, 4, 5, 3, 4, 8, 10)
    acts = list(lives.life(dice, length))
    if length > MOST_EVENTS:
        one_order(Bridge(shop, rules_for(shop), acts), dice)
        return
    while sum(len(act.news) for act in acts) > MOST_EVENTS:
        acts.pop()
    every_order(Bridge(shop, rules_for(shop), acts))


@pytest.mark.timeout(600)
def test_A40_ten_thousand_lives_end_as_they_should_in_every_order_of_their_news() -> None:
    for_each_history(compare)


def test_A40_the_news_of_an_upgrade_in_every_order_and_doubling() -> None:
    """{old deleted, new created, new paid, checkout completed}, told at any time."""
    shop = lives.shop(lives.Dice(b""))
    month = lives.MONTH
    old = naive.Subscription(
        1, "cus_1", (naive.Item("bronze", 0, month),), "active", 0, naive.Paid(1, month)
    )
    over = naive.Subscription(1, "cus_1", old.items, "canceled", 0, old.paid, ended_at=9 * DAY)
    new = naive.Subscription(
        2, "cus_1", (naive.Item("gold", 9 * DAY, 9 * DAY + month),), "incomplete", 9 * DAY
    )
    paid = naive.Subscription(
        2, "cus_1", new.items, "active", 9 * DAY, naive.Paid(2, 9 * DAY + month)
    )
    acts = [
        Act(0, "had the old one", World((old,)), (News("customer.subscription.created", "cus_1"),)),
        Act(9 * DAY, "cancels", World((over,)), (News("customer.subscription.deleted", "cus_1"),)),
        Act(
            9 * DAY + 20,
            "buys",
            World((over, new)),
            (News("customer.subscription.created", "cus_1"),),
        ),
        Act(
            9 * DAY + 25,
            "pays",
            World((over, paid)),
            (News("invoice.paid", "cus_1"), News("checkout.session.completed", "cus_1")),
        ),
    ]
    every_order(Bridge(shop, rules_for(shop), acts))
