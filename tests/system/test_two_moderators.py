"""Two moderators who do the same at the same moment: it is done once, and logged once."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any, cast

import psycopg
import pytest

from bridge.core.model.actor import Actor, moderator
from bridge.errors import NotFound, Permanent
from bridge.operations import grants, held, holds, removals
from bridge.store import Connection, Store, changes, groups
from bridge.wiring import Bridge
from tests.databases import fresh_database
from tests.harness import POLICY, system
from tests.system import acts
from tests.system.test_acts_die import (
    ACTS,
    MIA,
    WHY,
    Do,
    Town,
    last_line,
    logged,
    pass_time,
)

MAX = moderator(2, "console")
LONG_ENOUGH = 20.0


@dataclass
class Meanwhile:
    """A second person acts just before the first one's last commit."""

    do: Callable[[], object]
    url: str
    answer: list[object] = field(default_factory=list)
    thread: threading.Thread | None = None

    def begin(self) -> None:
        self.thread = threading.Thread(target=self._try)
        self.thread.start()
        began = time.monotonic()
        while self.thread.is_alive() and not _somebody_waits(self.url):
            assert time.monotonic() - began < LONG_ENOUGH
            time.sleep(0.01)

    def _try(self) -> None:
        self.answer.append(answer_of(self.do))


def answer_of(do: Callable[[], object]) -> object:
    """Its result, or why it was refused."""
    try:
        return do()
    except (NotFound, Permanent) as error:
        return error


def _somebody_waits(url: str) -> bool:
    """Whether a transaction waits for another one's lock."""
    with psycopg.connect(url.replace("postgresql+psycopg://", "postgresql://")) as connection:
        row = connection.execute(
            "SELECT count(*) FROM pg_stat_activity"
            " WHERE datname = current_database() AND wait_event_type = 'Lock'"
        ).fetchone()
    return bool(row and row[0])


class OvertakenStore:
    """A store whose n-th transaction is not committed before a second person has begun."""

    def __init__(self, store: Store, number: int, meanwhile: Meanwhile) -> None:
        self._store, self._left, self._meanwhile = store, number, meanwhile

    @contextmanager
    def write(self) -> Iterator[Connection]:
        with self._store.write() as connection:
            yield connection
            self._left -= 1
            if self._left == 0:
                self._meanwhile.begin()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._store, name)


COMMITS = dict.fromkeys(("granted", "linked", "payment_recorded", "statement_sent"), 2)
"""Acts whose own transaction is not their first one: they note first what the forum says."""


def together(town: Town, first: Do, second: Do, commit: int = 1) -> object:
    """The second one's result, done when the first was about to commit this transaction."""
    meanwhile = Meanwhile(
        partial(second, town.bridge), town.bridge.store.url.render_as_string(hide_password=False)
    )
    store = OvertakenStore(town.bridge.store, commit, meanwhile)
    first(replace(town.bridge, store=cast("Store", store)))
    assert meanwhile.thread is not None
    meanwhile.thread.join(LONG_ENOUGH)
    assert len(meanwhile.answer) == 1
    return meanwhile.answer[0]


@pytest.fixture(scope="module")
def town(tmp_path_factory: pytest.TempPathFactory, postgresql_server: str) -> Iterator[Town]:
    """On PostgreSQL: SQLite has one writer at a time."""
    folder = tmp_path_factory.mktemp("two")
    policy = replace(POLICY, refunds=True, removal_limit_min=1000, removal_mass_min=3)
    with (
        fresh_database(postgresql_server) as url,
        system(folder, database_url=url, policy=policy, per_minute=5000) as world,
    ):
        world.group("guests")
        yield Town(world)


def held_member(town: Town, name: str, unmapped: str) -> int:
    """Somebody who pays for what no rule covers: their membership waits."""
    user_id, subscription = town.payer(name)
    town.world.settle()
    moved: Any = {"items": [{"id": subscription.items.data[0].id, "price": unmapped}]}
    town.world.sdk.v1.subscriptions.update(subscription.id, moved)
    return user_id


def decide(bridge: Bridge, *, actor: Actor, choice: held.Choice, of: held.Of) -> object:
    reviewed = held.review(bridge, [of])
    return held.decide_held(bridge, actor, choice, reviewed, until_at=None, reason=WHY)


def keep_one(bridge: Bridge, *, actor: Actor, of: held.Of) -> object:
    return holds.keep(bridge, actor, of[0], f"id:{of[1]}", until_at=None, reason=WHY)


def let_go_one(bridge: Bridge, *, actor: Actor, of: held.Of) -> object:
    return holds.let_go(bridge, actor, of[0], f"id:{of[1]}", reason=WHY)


KEEP, LET_GO = partial(decide, choice="keep"), partial(decide, choice="let_go")
PAIRS: tuple[tuple[int, Callable[..., object], Callable[..., object]], ...] = (
    (1, KEEP, KEEP),
    (2, keep_one, LET_GO),
    (1, let_go_one, KEEP),
    (1, LET_GO, let_go_one),
)
"""Which transaction of the first one decides; the first and the second."""


def test_A34_two_moderators_who_do_the_same_at_once_do_it_once(town: Town) -> None:
    ready = {action: act(town, action.replace("_", "")) for action, act in ACTS.items()}
    town.world.settle()
    acts.staff_remove(town.world, "guests", "lifted")
    pass_time(town, 700)
    since, wrong = last_line(town), []
    for action, one in ready.items():
        together(town, one.do, one.do, COMMITS.get(action, 1))
        if (one.times(), logged(town, action, one.user_id, since)) != (1, 1):
            wrong.append(action)
    assert wrong == []


def test_A34_of_two_moderators_who_decide_about_the_same_hold_one_is_told_to_look_again(
    town: Town,
) -> None:
    """At once, or a moment later and before anything has followed from the first decision."""
    unmapped = town.world.price("")
    people = [held_member(town, f"held{number}", unmapped) for number in range(2 * len(PAIRS))]
    town.world.settle()
    group_id, since, wrong = town.world.group("supporters"), last_line(town), []
    for number, (commit, first, second) in enumerate(PAIRS):
        at_once, later = (
            (partial(first, actor=MIA, of=of), partial(second, actor=MAX, of=of))
            for of in ((people[2 * number + n], group_id) for n in (0, 1))
        )
        refused = [together(town, *at_once, commit)]
        later[0](town.bridge)
        refused.append(answer_of(partial(later[1], town.bridge)))
        lines = [
            sum(logged(town, action, user_id, since) for action in ("granted", "lifted"))
            for user_id in people[2 * number : 2 * number + 2]
        ]
        if lines != [1, 1] or not all(isinstance(one, Exception) for one in refused):
            wrong.append((number, lines, refused))
    assert wrong == []


def test_stopped_removals_are_let_go_on_by_one_of_two(town: Town) -> None:
    group_id = town.world.group("visitors")
    people = {town.world.user(f"visitor{number}") for number in range(5)}
    given = [
        grants.grant(town.bridge, MIA, one, "visitors", until_at=None, reason=WHY) for one in people
    ]
    town.world.settle()
    for one in given:
        grants.revoke(town.bridge, MIA, one.grant.id)
    acts.confirm(town.world)
    acts.confirm(town.world)
    with town.bridge.store.read() as connection:
        state = groups.state_of(connection, group_id)
    assert state is not None
    assert state.removals_stopped_at

    def release(bridge: Bridge) -> object:
        return removals.release(bridge, MIA, "visitors", reviewed=people, reason=WHY)

    answer = together(town, release, release)
    assert isinstance(answer, Permanent)
    with town.bridge.store.read() as connection:
        assert len(changes.page(connection, action="removals_released")) == 1
