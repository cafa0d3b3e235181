"""The record: the same promises on SQLite and on PostgreSQL, from several threads and processes."""

from __future__ import annotations

import sqlite3
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import asdict, replace
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import Connection, column, func, insert, inspect, select, table, text, update
from sqlalchemy.exc import StatementError

from bridge.clock import Clock
from bridge.core.ledger.lines import MoneyLine, MoneyPart
from bridge.errors import RateLimited, Transient
from bridge.limiter import Limiter
from bridge.store import Store, checkouts, countries, leases, links, migrate, money, state, work
from bridge.store.checkouts import Ordered
from bridge.store.leases import LEASE_SECONDS, Lease, LeaseLost
from bridge.store.schema.columns import metadata
from bridge.store.schema.forum import groups
from bridge.store.schema.work import slots
from bridge.store.schema.work import work as work_table
from tests.databases import compile_once

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
KEY = "cus_1"


class Fixed(Clock):
    """A clock that stands until it is moved."""

    def __init__(self) -> None:
        super().__init__()
        self.at = NOW

    def now(self) -> datetime:
        return self.at


@pytest.fixture
def store(database_url: str) -> Iterator[Store]:
    made = Store(database_url)
    compile_once(made)
    migrate.upgrade(made, NOW)
    yield made
    made.close()


def many(count: int, what: Callable[[int], Any]) -> list[Any]:
    """Do something in as many threads at the same moment."""
    gate = threading.Barrier(count)

    def one(number: int) -> Any:
        gate.wait(10)
        return what(number)

    with ThreadPoolExecutor(count) as pool:
        return list(pool.map(one, range(count)))


# --- Migrations -----------------------------------------------------------------------------------


def test_migrations_go_up_down_and_up_again(empty_database_url: str) -> None:
    store = Store(empty_database_url)
    assert migrate.state(store) == "empty"
    for _ in range(2):
        migrate.upgrade(store, NOW)
        assert migrate.state(store) == "current"
        with store.read() as connection:
            assert set(metadata.tables) <= set(inspect(connection).get_table_names())
        migrate.downgrade(store, "base")
        with store.read() as connection:
            assert inspect(connection).get_table_names() == ["alembic_version"]
    store.close()


def test_the_revisions_are_known_by_the_names_of_their_files() -> None:
    scripts = ScriptDirectory(str(migrate.SCRIPTS))
    assert migrate.newest() == scripts.get_current_head()
    assert migrate.revisions() == {script.revision for script in scripts.walk_revisions()}


def test_the_migrated_schema_is_the_one_that_the_code_is_written_for(store: Store) -> None:
    with store.read() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        assert compare_metadata(context, metadata) == []


def test_money_that_an_earlier_version_kept_is_as_it_was_and_new_money_keeps_its_parts(
    empty_database_url: str,
) -> None:
    store = Store(empty_database_url)
    migrate.upgrade(store, NOW, "0001")
    old = MoneyLine("in_1", None, "paid", NOW, 1000, "eur", "Patron", user_id=7, method="cash")
    parts = MoneyPart("Gold", 2000), MoneyPart("Unused time on Silver", -500)
    new = replace(old, id="in_2", discount_minor=500, parts=parts)
    with store.write() as connection:
        row = asdict(old) | {"at": 1, "recorded_at": 1}
        del row["discount_minor"], row["parts"], row["receipt_number"]
        connection.execute(insert(table("money_lines", *map(column, row))).values(row))
    migrate.upgrade(store, NOW)
    with store.write() as connection:
        assert money.save(connection, [new], NOW) == (new,)
        first, second = money.of_user(connection, 7)
        assert (replace(first, at=NOW), second) == (old, new)
    store.close()


def test_processes_that_start_together_migrate_once(empty_database_url: str) -> None:
    stores = [Store(empty_database_url) for _ in range(4)]
    many(4, lambda n: migrate.upgrade(stores[n], NOW + timedelta(seconds=n)))
    assert {migrate.state(store) for store in stores} == {"current"}
    for store in stores:
        store.close()


def test_a_database_of_a_later_version_is_told_from_an_older_one(store: Store) -> None:
    with store.write() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = 'from_the_future'"))
    assert migrate.state(store) == "newer"


# --- Transactions ---------------------------------------------------------------------------------


def test_what_a_failed_transaction_wrote_is_gone(store: Store) -> None:
    def fail() -> None:
        with store.write() as connection:
            state.put(connection, "half", 1)
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fail()
    with store.read() as connection:
        assert state.get(connection, "half") is None
    with store.write() as connection:
        state.put(connection, "whole", 2)
    with store.read() as connection:
        assert state.get(connection, "whole") == 2


def test_a_reader_sees_one_moment_and_waits_for_no_writer(store: Store) -> None:
    with store.write() as connection:
        state.put(connection, "n", 1)
    with store.read() as reading:
        assert state.get(reading, "n") == 1
        with store.write() as writing:
            state.put(writing, "n", 2)
            began = time.monotonic()
            with store.read() as another:
                assert state.get(another, "n") == 1
            assert time.monotonic() - began < 2, "the reader queued behind the writer"
        assert state.get(reading, "n") == 1
    with store.read() as connection:
        assert state.get(connection, "n") == 2


def test_counting_up_from_many_threads_loses_nothing(store: Store) -> None:
    def count(_number: int) -> None:
        for _ in range(10):
            with store.write() as connection:
                state.bump(connection, "n")

    many(6, count)
    with store.read() as connection:
        assert state.get(connection, "n") == 60


def test_F29_a_full_disk_is_a_failure_that_passes_and_leaves_nothing_half(tmp_path: Path) -> None:
    store = Store(f"sqlite:///{tmp_path / 'full.db'}")
    migrate.upgrade(store, NOW)

    def fill() -> None:
        with store.write() as connection:
            pages = connection.exec_driver_sql("PRAGMA page_count").scalar_one()
            connection.exec_driver_sql(f"PRAGMA max_page_count = {pages + 1}")
            state.put(connection, "small", 1)
            state.put(connection, "big", "x" * 1_000_000)

    with pytest.raises(Transient):
        fill()
    with store.write() as connection:
        connection.exec_driver_sql("PRAGMA max_page_count = 1000000")
        assert state.get(connection, "small") is None
        state.put(connection, "big", "x" * 1_000_000)
    store.close()


def test_a_database_that_goes_away_is_a_failure_that_passes(postgresql_url: str) -> None:
    store = Store(postgresql_url)
    migrate.upgrade(store, NOW)

    def cut_off() -> None:
        with store.write() as connection:
            state.put(connection, "n", 1)
            mine = connection.scalar(text("SELECT pg_backend_pid()"))
            with store.write() as other:
                other.execute(text("SELECT pg_terminate_backend(:pid)"), {"pid": mine})
            state.put(connection, "n", 2)

    with pytest.raises(Transient):
        cut_off()
    with store.write() as connection:
        assert state.get(connection, "n") is None
        state.put(connection, "n", 3)
    store.close()


def test_a_database_that_only_reads_is_a_failure_that_passes(postgresql_url: str) -> None:
    """As after a failover, when the address leads to the standby for a while."""
    store = Store(postgresql_url)
    migrate.upgrade(store, NOW)

    def write() -> None:
        with store.write() as connection:
            connection.execute(text("SET TRANSACTION READ ONLY"))
            state.put(connection, "n", 1)

    with pytest.raises(Transient):
        write()
    store.close()


# --- Times ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "at",
    [
        NOW,
        NOW + timedelta(microseconds=1),
        datetime(1969, 12, 31, 23, 59, 59, 999999, tzinfo=UTC),
        datetime(9999, 12, 31, 23, 59, 59, 999999, tzinfo=UTC),
        datetime(2026, 3, 1, 14, tzinfo=timezone(timedelta(hours=2))),
    ],
)
def test_a_time_comes_back_as_it_was_given_in_utc(store: Store, at: datetime) -> None:
    with store.write() as connection:
        connection.execute(insert(slots).values(number=1, free_at=at))
        found = connection.scalar(select(slots.c.free_at))
    assert found == at
    assert found.tzinfo == UTC


def test_a_naive_time_is_refused(store: Store) -> None:
    with pytest.raises((StatementError, TypeError)), store.write() as connection:
        connection.execute(insert(slots).values(number=1, free_at=NOW.replace(tzinfo=None)))


def test_times_are_ordered_alike_by_both(store: Store) -> None:
    times = [NOW + timedelta(days=n * 997, microseconds=n) for n in (3, -5, 0, 20, -40)]
    with store.write() as connection:
        for number, at in enumerate(times):
            connection.execute(insert(slots).values(number=number, free_at=at))
        found = connection.scalars(select(slots.c.free_at).order_by(slots.c.free_at)).all()
        assert list(found) == sorted(times)
        assert connection.scalar(select(func.max(slots.c.free_at))) == max(times)


def test_F30_a_database_that_others_hold_is_given_up_by_all_who_wait_at_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bridge.store.engine.BUSY_SECONDS", 1)
    held = Store(f"sqlite:///{tmp_path / 'held.sqlite3'}")
    migrate.upgrade(held, NOW)

    def attempt(_number: int) -> str:
        try:
            with held.write() as connection:
                state.put(connection, "written", NOW.isoformat())
        except Transient as refused:
            return str(refused)
        return "written"

    with closing(sqlite3.connect(tmp_path / "held.sqlite3", isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        began = time.monotonic()
        refusals = many(8, attempt)
        assert time.monotonic() - began < 4, "not one after the other"
    assert all("try again" in said for said in refusals)
    assert any("locked" in said for said in refusals), refusals
    assert attempt(0) == "written"
    held.close()


def test_F29_a_full_disk_is_named_and_forgotten_when_there_is_room(tmp_path: Path) -> None:
    full = Store(f"sqlite:///{tmp_path / 'full.sqlite3'}")
    migrate.upgrade(full, NOW)
    much = "x" * 100_000

    def limit(pages: int) -> None:
        """SQLite answers as on a full disk when its file may not grow."""
        with full.write() as connection:
            connection.exec_driver_sql(f"PRAGMA max_page_count={pages}")

    limit(1)
    with pytest.raises(Transient, match="full"), full.write() as connection:
        state.put(connection, "much", much)
    limit(1_000_000)
    with full.write() as connection:
        state.put(connection, "much", much)
    full.close()


# --- The limiter ----------------------------------------------------------------------------------


def test_I4_as_many_requests_as_are_free_and_not_one_more_from_many_threads(store: Store) -> None:
    clock = Fixed()
    limiter = Limiter(store, clock, 12)
    limiter.prepare()

    def attempt(_number: int) -> bool:
        try:
            with limiter.gate("high"):
                return True
        except RateLimited:
            return False

    assert many(12, attempt) == [True] * 12, "a free request was refused"
    assert many(12, attempt) == [False] * 12
    clock.at += timedelta(seconds=59.9)
    assert many(4, attempt) == [False] * 4
    clock.at += timedelta(seconds=0.2)
    assert sorted(many(16, attempt)) == [False] * 4 + [True] * 12


PROCESS = """
import sys, threading
from bridge.clock import Clock
from bridge.errors import RateLimited
from bridge.limiter import Limiter
from bridge.store import Store

limiter = Limiter(Store(sys.argv[1]), Clock(), 30)
sys.stdin.readline()

def work(taken):
    for _ in range(15):
        try:
            with limiter.gate("high"):
                taken.append(1)
        except RateLimited:
            pass

taken = []
threads = [threading.Thread(target=work, args=(taken,)) for _ in range(4)]
for thread in threads:
    thread.start()
for thread in threads:
    thread.join()
print(len(taken))
"""


def test_I4_two_processes_share_the_requests_of_one_minute(store: Store, database_url: str) -> None:
    Limiter(store, Clock(), 30).prepare()
    processes = [
        subprocess.Popen(
            [sys.executable, "-c", PROCESS, database_url],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        for _ in range(2)
    ]
    for process in processes:
        assert process.stdin is not None
        process.stdin.write("go\n")
        process.stdin.flush()
    taken = [int(process.communicate(timeout=60)[0]) for process in processes]
    assert sum(taken) == 30


def test_the_urgent_find_requests_that_the_others_leave(store: Store) -> None:
    limiter = Limiter(store, Fixed(), 20)
    limiter.prepare()
    for priority, share in (("low", 14), ("normal", 4), ("high", 2)):
        for _ in range(share):
            with limiter.gate(priority):  # type: ignore[arg-type] # one of its three words
                pass
        with pytest.raises(RateLimited), limiter.gate(priority):  # type: ignore[arg-type] # as above
            pass


def test_F17_a_refusal_of_the_forum_stops_everybody_for_as_long_as_it_asked(store: Store) -> None:
    clock = Fixed()
    limiter, other = Limiter(store, clock, 10), Limiter(store, clock, 10)
    limiter.prepare()
    with pytest.raises(RateLimited), limiter.gate("high"):
        raise RateLimited("429", 30)
    for later, free in ((29, False), (31, True)):
        clock.at = NOW + timedelta(seconds=later)
        if free:
            other.check("low")
        else:
            with pytest.raises(RateLimited) as refused, other.gate("high"):
                pass
            assert refused.value.retry_after == pytest.approx(1)


def test_a_lower_limit_takes_effect_at_once(store: Store) -> None:
    clock = Fixed()
    Limiter(store, clock, 20).prepare()
    limiter = Limiter(store, clock, 5)
    limiter.prepare()
    for _ in range(5):
        with limiter.gate("high"):
            pass
    with pytest.raises(RateLimited), limiter.gate("high"):
        pass


# --- Leases ---------------------------------------------------------------------------------------


def test_F10_a_lease_has_one_holder_however_many_ask(store: Store) -> None:
    def ask(number: int) -> Lease | None:
        with store.write() as connection:
            return leases.claim(connection, "group:1", f"p{number}", NOW)

    held = [lease for lease in many(8, ask) if lease]
    assert len(held) == 1


def test_F11_a_stale_holder_writes_nothing_and_frees_nothing(store: Store) -> None:
    with store.write() as connection:
        first = leases.claim(connection, "group:1", "one", NOW)
        assert leases.claim(connection, "group:1", "two", NOW) is None
        late = NOW + timedelta(seconds=LEASE_SECONDS + 1)
        second = leases.claim(connection, "group:1", "two", late)
    assert first is not None
    assert second is not None
    assert second.token > first.token

    def write(lease: Lease) -> None:
        with store.write() as connection:
            state.put(connection, "written", "by the stale one")
            leases.check(connection, lease, late)

    with pytest.raises(LeaseLost):
        write(first)
    with store.write() as connection:
        assert state.get(connection, "written") is None
        leases.release(connection, first, late)
        leases.check(connection, second, late)
        assert leases.claim(connection, "group:1", "three", late) is None


def test_a_check_prolongs_the_lease(store: Store) -> None:
    with store.write() as connection:
        lease = leases.claim(connection, "x", "one", NOW)
        assert lease is not None
        later = NOW + timedelta(seconds=LEASE_SECONDS - 1)
        leases.check(connection, lease, later)
        assert leases.claim(connection, "x", "two", later + timedelta(seconds=30)) is None


def test_a_lease_is_given_back_whatever_happens(store: Store) -> None:
    clock = Fixed()
    with pytest.raises(ZeroDivisionError), leases.holding(store, clock, "x", "one"):
        _ = 1 // 0
    with leases.holding(store, clock, "x", "two") as lease:
        assert lease is not None


# --- Links ----------------------------------------------------------------------------------------


def test_a_customer_that_two_claim_at_once_is_of_one_and_only_one_is_told_so(store: Store) -> None:
    def claim(number: int) -> bool:
        with store.write() as connection:
            return links.link(
                connection, KEY, 100 + number, proof="reference", actor="test", now=NOW
            )

    won = many(6, claim)
    assert won.count(True) == 1
    with store.read() as connection:
        assert links.user_of(connection, KEY) == 100 + won.index(True)
        owner = connection.scalar(select(work_table.c.user_id).where(work_table.c.key == KEY))
        assert owner == 100 + won.index(True)


# --- Generations ----------------------------------------------------------------------------------


def is_dirty(connection: Connection) -> bool:
    return bool(work.dirty(connection, KEY, None))


@pytest.fixture(scope="module")
def quick(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Store]:
    """One SQLite database for all examples."""
    made = Store(f"sqlite:///{tmp_path_factory.mktemp('generations') / 'bridge.db'}")
    migrate.upgrade(made, NOW)
    yield made
    made.close()


STEPS = st.lists(
    st.sampled_from(["event", "event read", "look", "done", "failed", "clock"]), max_size=14
)


@given(STEPS)
@settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
def test_F06_news_that_comes_while_it_is_looked_at_is_never_taken_for_done(
    quick: Store, steps: list[str]
) -> None:
    """Dirty exactly while something happened after the last look that was finished."""
    happened = looked = finished = 0
    needs: set[str] = set()
    seen: tuple[work.Dirty, ...] = ()
    now = NOW
    with quick.write() as connection:
        connection.execute(work_table.delete())
        for step in steps:
            now += timedelta(seconds=1)
            if step.startswith("event"):
                happened += 1
                wanted = ["read"] if step.endswith("read") else []
                needs = (needs if happened - 1 > finished else set()) | set(wanted)
                work.mark_dirty(
                    connection, KEY, now=now, due_at=now, cause=f"evt_{happened}", needs=wanted
                )
            elif step == "look":
                seen, looked = work.dirty(connection, KEY, None), happened
            elif step == "done" and seen:
                work.mark_done(connection, seen, timer=None)
                finished = max(finished, looked)
            elif step == "failed" and seen:
                work.put_off(connection, [KEY], error="x", next_at={KEY: now})
            assert is_dirty(connection) == (happened > finished)
            found = work.dirty(connection, KEY, None)
            if happened > finished:
                assert set(found[0].needs) >= needs
                assert work.due_keys(connection, now, 10)


def test_F04_the_same_key_made_dirty_by_many_at_once_counts_each(store: Store) -> None:
    def news(number: int) -> None:
        with store.write() as connection:
            work.mark_dirty(connection, KEY, now=NOW, due_at=NOW, cause=f"evt_{number}")

    many(10, news)
    with store.read() as connection:
        (found,) = work.dirty(connection, KEY, None)
    assert found.generation == 10


def test_any_amount_of_news_may_wait_for_one_key_and_what_it_needs_adds_up(store: Store) -> None:
    asked: tuple[list[str], ...] = ([], ["read"], ["money", "purchases"], ["read", "money"]) * 30
    with store.write() as connection:
        for number, needs in enumerate(asked):
            work.mark_dirty(
                connection, KEY, now=NOW, due_at=NOW, cause=f"evt_{number}", needs=needs
            )
        (found,) = work.dirty(connection, KEY, None)
    assert found.generation == len(asked)
    assert found.needs == {"read", "money", "purchases"}


def test_what_is_dirty_already_keeps_its_due_time_or_an_earlier_one(store: Store) -> None:
    with store.write() as connection:
        for seconds in (30, 50, 10, 20):
            due_at = NOW + timedelta(seconds=seconds)
            work.mark_dirty(connection, KEY, now=NOW, due_at=due_at, cause="evt")
        (found,) = work.dirty(connection, KEY, None)
        assert found.next_at == NOW + timedelta(seconds=10)


def test_a_timer_rings_once_when_its_time_has_come(store: Store) -> None:
    key = work.user_key(7)
    at = NOW + timedelta(days=1)
    with store.write() as connection:
        work.mark_done(connection, (), timer=(key, at))
        assert work.ring_timers(connection, at - timedelta(seconds=1)) == 0
        assert work.ring_timers(connection, at) == 1
        assert work.ring_timers(connection, at) == 0
        (found,) = work.dirty(connection, key, None)
        assert "read" in found.needs


def test_an_update_of_a_group_that_is_not_there_makes_none(store: Store) -> None:
    with store.write() as connection:
        connection.execute(update(groups).where(groups.c.id == 9).values(next_at=NOW))
        assert connection.scalar(select(func.count()).select_from(groups)) == 0


def test_a_command_waits_for_a_free_request_where_a_worker_goes_on_to_other_work(
    store: Store,
) -> None:
    clock = Fixed()
    limiter = Limiter(store, clock, 1, patient=True)
    limiter.prepare()
    with limiter.gate("high"):
        pass
    began = time.monotonic()
    minute_passes = threading.Timer(0.3, lambda: setattr(clock, "at", NOW + timedelta(minutes=2)))
    minute_passes.start()
    with limiter.gate("high"):
        assert time.monotonic() - began > 0.3
    minute_passes.join()


def test_a_command_does_not_wait_for_a_forum_that_asks_for_hours(store: Store) -> None:
    limiter = Limiter(store, Fixed(), 1, patient=True)
    limiter.prepare()
    for told in ("429", "Discourse asked to wait"):
        with pytest.raises(RateLimited, match=told), limiter.gate("high"):
            raise RateLimited("429", 7200)


def test_requests_used_by_a_clock_that_was_an_hour_fast_hold_nobody_up(store: Store) -> None:
    clock = Fixed()
    limiter = Limiter(store, clock, 2)
    limiter.prepare()
    for _ in range(2):
        with limiter.gate("high"):
            pass
    clock.at = NOW - timedelta(hours=1)
    with limiter.gate("high"):
        pass


def test_what_is_spare_is_what_would_not_be_refused(store: Store) -> None:
    clock = Fixed()
    limiter = Limiter(store, clock, 20)
    limiter.prepare()
    assert (limiter.spare("high"), limiter.spare("normal"), limiter.spare("low")) == (20, 18, 14)
    for _ in range(limiter.spare("low")):
        with limiter.gate("low"):
            pass
    assert (limiter.spare("low"), limiter.spare("high")) == (0, 6)
    with pytest.raises(RateLimited), limiter.gate("high"):
        raise RateLimited("429", 90)
    assert limiter.spare("high") == 0
    clock.at += timedelta(seconds=91)
    assert limiter.spare("low") == 14


def test_A72_what_an_earlier_look_found_out_about_a_sale_stays(store: Store) -> None:
    with store.write() as connection:
        ordered = [Ordered("price_1")]
        checkouts.begin(connection, "order-1", user_id=1, ordered=ordered, return_to=None, now=NOW)
        checkouts.save_session(connection, "order-1", "cs_1", "https://stripe.example", None)
        checkouts.note_countries(connection, "order-1", "AT", "DE")
        nothing = countries.note(connection, "cs_0", "cus_0", billing=None, card=None, now=NOW)
        assert nothing.country is None
        countries.note(connection, "cs_1", "cus_1", billing="DE", card=None, now=NOW)
        countries.note(connection, "cs_1", "cus_1", billing="DE", card="AT", now=NOW)
        countries.note(connection, "cs_1", "cus_1", billing="DE", card=None, now=NOW)
        later = NOW + timedelta(days=1)
        countries.note(connection, "cs_2", "cus_1", billing="CH", card=None, now=later)
    with store.read() as connection:
        found = list(countries.read(connection, None, None))
        assert countries.latest(connection, ["cus_1", "cus_2"]) == "CH"
        assert countries.latest(connection, ["cus_2"]) is None
        assert [one.order_id for one in countries.read(connection, later, None)] == ["cs_2"]
    first = found[0]
    assert (first.order_id, first.billing, first.card, first.ip, first.said) == (
        "cs_1",
        "DE",
        "AT",
        "AT",
        "DE",
    )
