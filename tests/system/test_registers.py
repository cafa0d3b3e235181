"""The registers of shares and of members through their commands, on both databases."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import delete, insert

from bridge.operations import ledger
from bridge.operations.books import money as money_of
from bridge.operations.ledger_notes import add_note
from bridge.store import ledger as books
from bridge.store.schema.ledger import ledger_lines, ledger_seals, shares_by_hand
from tests.bench.test_backfill import a_share, its_seal
from tests.harness import DAY, OPERATOR, System, system
from tests.system.acts import checkout, message_to, page_of
from tests.system.typing_commands import asked, typed

WHY = ("--reason", "as the board decided", "--by", "mod")


@pytest.fixture
def world(tmp_path: Path, database_url: str) -> Iterator[System]:
    with system(tmp_path, database_url=database_url) as it:
        it.user("eve")
        it.user("fay")
        yield it


def quietly(_what: str, _count: int) -> None:
    """Nobody watches."""


def sell_a_share(world: System, who: str) -> None:
    share = world.price("", interval=None, amount=5000, discourse_kind="share")
    checkout(world, who, share, mode="payment")
    world.settle()
    ledger.update(world.bridge, quietly)


def day(world: System, ago: int = 0) -> str:
    return f"{world.bridge.clock.now() - timedelta(days=ago):%Y-%m-%d}"


def held(world: System, *words: str) -> list[tuple[Any, ...]]:
    rows = asked(world, "register", "shares", *words)["holdings"]
    return [(r["first"], r["last"], r["holder"], r["ended_how"], r["total"]) for r in rows]


def test_A55_A61_shares_sold_and_acted_on_stand_in_one_register_as_of_any_date(
    world: System,
) -> None:
    sell_a_share(world, "ann")
    ann, eve, fay = (f"id:{world.user(name)}" for name in ("ann", "eve", "fay"))
    issue = ("register", "issue", "eve", "--count", "3", "--price", "150.00", "--currency", "eur")
    typed(world, *issue, "--date", day(world, ago=400), *WHY)
    shown = typed(world, "register", "shares", "--as-of", day(world), "--json")
    world.advance(10 * DAY)
    world.settle()
    first_day = day(world, ago=10)
    moved = asked(world, "register", "transfer", "2-3", "fay", *WHY)
    typed(world, "register", "withdraw", "4", *WHY)
    assert held(world) == [
        (1, 1, ann, None, 4),
        (2, 3, eve, "transferred", 3),
        (2, 3, fay, None, 4),
        (4, 4, eve, "withdrawn", 3),
    ]
    then = typed(world, "register", "shares", "--as-of", first_day, "--json")
    known = typed(world, "register", "shares", "--as-of", first_day, "--known", first_day, "--json")
    assert then == known == shown
    typed(world, "register", "correct", moved["id"], *WHY)
    assert [row[:3] for row in held(world)] == [(1, 1, ann), (2, 3, eve), (4, 4, eve)]
    assert "2-3" in typed(world, "register", "shares")
    exported = typed(world, "export", "shares", "--reason", "audit")
    assert len(list(csv.DictReader(io.StringIO(exported)))) == 3


def test_A124_A55_shares_issued_and_moved_by_hand_are_on_page_and_message_at_once(
    world: System,
) -> None:
    sell_a_share(world, "ann")
    world.group("members")
    typed(world, "grant", "fay", "members", "--until", "2099-01-01", "--by", "mod", "--yes")
    issue = ("register", "issue", "eve", "--count", "3", "--price", "150.00", "--currency", "eur")
    typed(world, *issue, *WHY)
    world.settle()
    moved = asked(world, "register", "transfer", "1-2", "fay", *WHY)
    world.settle()
    for told in (page_of(world, "fay"), message_to(world, "fay")):
        assert "You hold 2 shares." in told
    assert "You hold 2 shares." in page_of(world, "eve")
    assert "You hold" not in page_of(world, "ann")
    typed(world, "register", "correct", moved["id"], *WHY)
    typed(world, "register", "withdraw", "4", *WHY)
    assert "You hold" not in page_of(world, "fay")
    assert "You hold 2 shares." in page_of(world, "eve")
    # An account that follows, and a pass of the ledger after an upgrade.
    world.user("ada")
    typed(world, "relink", "eve", "ada", "--by", "mod")
    assert "You hold 2 shares." in page_of(world, "ada")
    with world.bridge.store.write() as connection:
        connection.execute(delete(shares_by_hand))
    ledger.update(world.bridge, quietly)
    assert "You hold 2 shares." in page_of(world, "ada")


def test_A61_a_register_twice_as_long_is_about_twice_as_much_work(tmp_path: Path) -> None:
    """In SQLite's own steps, so that no clock matters."""
    with system(tmp_path) as world:
        took = [steps_for(world, members) for members in (200, 400)]
    assert took[1] < 2.5 * took[0]


def steps_for(world: System, members: int) -> int:
    with world.bridge.store.write() as connection:
        connection.execute(delete(ledger_lines))
        connection.execute(delete(ledger_seals))
        connection.execute(insert(ledger_lines), [a_share(n) for n in range(members)])
        connection.execute(insert(ledger_seals), [its_seal(n) for n in range(members)])
    steps = 0

    def count() -> int:
        nonlocal steps
        steps += 1
        return 0

    with world.bridge.store.read() as connection:
        raw: Any = connection.connection.driver_connection
        raw.set_progress_handler(count, 10)
        assert len(list(books.booked_shares(connection))) == members
        raw.set_progress_handler(None, 0)
    return steps


def test_A68_the_numbers_of_shares_outlive_a_rebuild_of_the_ledger(world: System) -> None:
    for who in ("ann", "ben"):
        sell_a_share(world, who)
    typed(world, "register", "transfer", "1", "eve", *WHY)
    before = held(world)
    ledger.rebuild(world.bridge, quietly)
    assert held(world) == before


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (("withdraw", "7"), "share 7 is held by nobody"),
        (("transfer", "1-2", "fay"), "share 2 is held by nobody"),
        (("withdraw", "1", "--class", "supporter-share"), "supporter share 1 is held by nobody"),
        (("withdraw", "1", "--date", "2001-01-01"), "only"),
        (("withdraw", "1", "--date", "2999-01-01"), "in the future"),
        (("withdraw", "3-1"), "no numbers of shares"),
        (("correct", "act:never"), "nothing was recorded as act:never"),
        (("step", "eve", "approved"), "has not applied"),
        (("correct", "step:never"), "nothing was recorded as step:never"),
    ],
)
def test_what_cannot_be_is_refused_and_nothing_is_recorded(
    world: System, words: tuple[str, ...], says: str
) -> None:
    price = ("--price", "5.00", "--currency", "eur")
    typed(world, "register", "issue", "eve", "--count", "1", *price, *WHY)
    before = held(world)
    assert says in " ".join(typed(world, "register", *words, *WHY, code=1).split())
    assert held(world) == before
    assert asked(world, "register", "members") == []


def test_an_act_is_corrected_once_and_not_while_another_rests_on_it(world: System) -> None:
    price = ("--price", "5.00", "--currency", "eur")
    issued = asked(world, "register", "issue", "eve", "--count", "1", *price, *WHY)["id"]
    moved = asked(world, "register", "transfer", "1", "fay", *WHY)["id"]
    assert "held by nobody" in typed(world, "register", "correct", issued, *WHY, code=1)
    back = asked(world, "register", "correct", moved, *WHY)["id"]
    assert "corrected before" in typed(world, "register", "correct", moved, *WHY, code=1)
    assert "is a correction itself" in typed(world, "register", "correct", back, *WHY, code=1)
    typed(world, "register", "correct", issued, *WHY)
    assert [row[3] for row in held(world)] == ["corrected"]


def test_A62_members_come_and_go_by_steps_that_are_each_recorded(world: System) -> None:
    step, eve = ("register", "step", "eve"), world.user("eve")
    typed(world, *step, "applied", "--date", day(world, ago=30), *WHY)
    typed(world, *step, "approved", "--date", day(world, ago=20), *WHY)
    typed(world, *step, "paid", "--date", day(world, ago=10), *WHY)
    gone = asked(world, *step, "ceased", "--reason", "moved away", "--by", "mod")["id"]
    (now,) = asked(world, "register", "members")
    assert (now["user_id"], now["state"], now["ceased_because"]) == (eve, "ceased", "moved away")
    states = [
        asked(world, "register", "members", "--as-of", day(world, ago=ago))[0]["state"]
        for ago in (30, 20, 10)
    ]
    assert states == ["applied", "approved", "member"]
    typed(world, "register", "correct", gone, *WHY)
    assert asked(world, "register", "members")[0]["state"] == "member"
    assert f"{eve}," in typed(world, "export", "members", "--reason", "audit")


def test_E58_A62_steps_shares_and_notes_follow_to_another_account_and_back(world: System) -> None:
    eve, fay = world.user("eve"), world.user("fay")
    typed(world, "register", "step", "eve", "applied", *WHY)
    typed(world, "register", "approve", "eve", *WHY)
    issue = ("register", "issue", "eve", "--count", "3", "--price", "150.00", "--currency", "eur")
    typed(world, *issue, *WHY)
    tea = ("--amount", "9.00", "--currency", "eur", "--what", "Tea", "--method", "cash")
    typed(world, "record-payment", "eve", *tea, "--by", "mod")
    ledger.update(world.bridge, quietly)
    (entry,) = money_of(world.bridge, eve).entries
    add_note(world.bridge, OPERATOR, eve, entry.lines[0].line.id, "In an envelope")

    def whose() -> tuple[list[tuple[int, str]], list[str]]:
        """The register of members, and who holds shares."""
        members = [(one["user_id"], one["state"]) for one in asked(world, "register", "members")]
        return members, [row[2] for row in held(world)]

    def notes() -> list[str]:
        """The notes beside the lines on fay's page."""
        lines = [line for one in money_of(world.bridge, fay).entries for line in one.lines]
        return [note.text for line in lines for note in line.notes]

    before = whose()
    assert before == ([(eve, "approved")], [f"id:{eve}"])
    typed(world, "relink", f"id:{eve}", "fay", "--by", "mod")
    assert (whose(), notes()) == (([(fay, "approved")], [f"id:{fay}"]), ["In an envelope"])
    typed(world, "unrelink", f"id:{eve}", "--by", "mod")
    assert (whose(), notes()) == (before, [])
