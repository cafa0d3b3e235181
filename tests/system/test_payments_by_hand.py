"""Cash, cheques and bank transfers that a moderator records."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import select

from bridge.core.ledger.line import Line
from bridge.operations import ledger
from bridge.store import ledger as ledger_store
from bridge.store.schema.ledger import money_lines
from bridge.stripe_api.books import SOURCES
from bridge.worker import ledger as worker
from bridge.worker import rq_worker
from tests.harness import System, system
from tests.system.acts import checkout, confirm, log_of, message_to, messages_to, moves, pass_days
from tests.system.typing_commands import asked, typed


@pytest.fixture
def world(tmp_path: Path) -> Iterator[System]:
    with system(tmp_path) as it:
        it.advance(2)
        it.price("supporters")
        it.group("pioneers")
        it.user("alice")
        it.settle()
        yield it


def paid(world: System, user: str, amount: str, *more: str, method: str = "cash") -> dict[str, str]:
    told: dict[str, str] = asked(
        world,
        *("record-payment", user, "--amount", amount, "--currency", "eur"),
        *("--what", "Year's membership", "--method", method, "--by", "maria", *more),
    )
    return told


def lines(world: System) -> list[tuple[str, int, str | None, str | None]]:
    m = money_lines.c
    with world.bridge.store.read() as connection:
        found = connection.execute(
            select(m.kind, m.amount_minor, m.method, m.recorded_by).order_by(m.recorded_at)
        )
        return [tuple(row) for row in found]


def test_A59_a_recorded_payment_is_membership_statement_ledger_row_actor_and_receipt(
    world: System,
) -> None:
    paid(world, "alice", "25.00", "--group", "pioneers", "--for", "1y")
    world.settle()
    assert world.groups_of("alice") == {"pioneers"}
    assert lines(world) == [("paid", 2500, "cash", f"moderator:{world.user('maria')} via command")]
    assert {"payment_recorded", "granted"} <= set(log_of(world, "alice"))
    ((statement,),) = messages_to(world, "alice")
    assert "Your membership gives you access." in statement.raw
    assert "€25\\.00" in statement.raw
    year = world.bridge.clock.now().year
    assert f"(in cash, receipt {year}-1)" in message_to(world, "alice")
    paid(world, "alice", "5", method="bank")
    world.settle()
    ((statement, receipt),) = messages_to(world, "alice")
    assert "€5\\.00" in receipt.raw
    assert "€30\\.00" in statement.raw


def test_A59_the_term_of_the_next_payment_begins_where_the_last_one_ends(world: System) -> None:
    first = paid(world, "alice", "25", "--group", "pioneers", "--for", "30d")
    second = paid(world, "alice", "25", "--group", "pioneers", "--for", "30d", method="cheque")
    assert second["until"][:10] > first["until"][:10]
    pass_days(world, 1)
    typed(world, "revoke", str(first["grant"]), "--by", "maria")
    confirm(world)
    assert moves(world, "alice", "pioneers") == ["in"]


def test_A67_a_payment_by_hand_begins_where_a_pass_ends_and_a_pass_where_that_ends(
    world: System,
) -> None:
    price = world.price("pioneers", interval=None, discourse_term="3d")
    first = checkout(world, "alice", price, mode="payment")
    world.settle()
    paid(world, "alice", "25", "--group", "pioneers", "--for", "3d")
    pass_days(world, 1)
    checkout(world, "alice", price, mode="payment", customer=first.customer)
    pass_days(world, 7.9)
    assert world.groups_of("alice") == {"pioneers"}, "nine days were paid for"
    pass_days(world, 0.2)
    confirm(world)
    assert moves(world, "alice", "pioneers") == ["in", "out"]


def test_A59_a_payment_of_last_week_is_told_of_too_and_its_membership_ends_in_time(
    world: System,
) -> None:
    last_week = f"{world.bridge.clock.now() - timedelta(days=7):%Y-%m-%d}"
    paid(world, "alice", "25", "--group", "pioneers", "--for", "8d", "--date", last_week)
    world.settle()
    assert world.groups_of("alice") == {"pioneers"}
    assert len(messages_to(world, "alice")) == 1
    pass_days(world, 2)
    confirm(world)
    assert world.groups_of("alice") == set()


def test_A96_what_is_given_back_is_a_line_of_its_own(world: System) -> None:
    paid(world, "alice", "25.00")
    paid(world, "alice", "-25.00")
    world.settle()
    assert [line[:2] for line in lines(world)] == [("paid", 2500), ("refunded", -2500)]
    ((statement,),) = messages_to(world, "alice")
    assert "Refund:" in statement.raw


def test_A80_money_without_a_group_is_only_recorded(world: System) -> None:
    paid(world, "alice", "12.50")
    world.settle()
    assert world.groups_of("alice") == set()
    assert lines(world) == [("paid", 1250, "cash", f"moderator:{world.user('maria')} via command")]


def test_I6_payments_by_hand_follow_a_merged_account_without_an_edit(world: System) -> None:
    paid(world, "alice", "25.00")
    before = lines(world)
    world.user("alicia")
    typed(world, "relink", f"id:{world.user('alice')}", "alicia", "--by", "maria")
    paid(world, "alicia", "1.00")
    world.settle()
    assert lines(world)[:1] == before
    statement = messages_to(world, "alicia")[0][0]
    assert "€26\\.00" in statement.raw


def test_what_cannot_have_been_paid_is_refused_and_leaves_nothing(world: System) -> None:
    some = ("--currency", "eur", "--what", "x", "--method", "cash", "--by", "maria")
    tomorrow = f"{world.bridge.clock.now() + timedelta(days=1):%Y-%m-%d}"
    for more, code in (
        (("--amount", "25.005"), 2),
        (("--amount", "much"), 2),
        (("--amount", "1e309"), 2),
        (("--amount", "9" * 30), 1),
        (("--amount", "NaN"), 2),
        (("--amount", "0"), 1),
        (("--amount", "-5", "--group", "pioneers"), 1),
        (("--amount", "5", "--date", tomorrow), 1),
        (("--amount", "5", "--for", "1y"), 2),
        (("--amount", "5", "--group", "nowhere"), 1),
    ):
        typed(world, "record-payment", "alice", *some, *more, code=code)
    assert lines(world) == []
    assert log_of(world, "alice") == []


# --- Slips of the keys, and what undoes them ------------------------------------------------------


def record(world: System, *more: str, code: int = 0, **options: str) -> str:
    given = {
        "--amount": "25",
        "--currency": "eur",
        "--what": "Year's membership",
        "--method": "cash",
        "--by": "maria",
        **{f"--{name}": value for name, value in options.items()},
    }
    words = [word for pair in given.items() for word in pair]
    return typed(world, "record-payment", "alice", *words, *more, code=code)


def test_A148_a_payment_that_cannot_be_is_refused_in_words(
    world: System, subtests: pytest.Subtests
) -> None:
    refused: list[tuple[dict[str, str], str]] = [
        ({"currency": "XYZ"}, "not a currency"),
        ({"currency": "xau"}, "not a currency"),
        ({"currency": "dem"}, "not a currency"),
        ({"amount": "99999999999"}, "check the amount"),
        ({"amount": "-1000000"}, "check the amount"),
        ({"what": " "}, "is empty"),
        ({"what": "x" * 300}, "characters"),
        ({"what": "a\x1b[2Jb"}, "control characters"),
        ({"date": "1926-01-01"}, "fifty years"),
        ({"by": "no-such-person"}, "no-such-person"),
        ({"by": "²"}, "not a name"),
    ]
    for options, says in refused:
        with subtests.test(str(options)):
            assert says in record(world, code=1, **options)
            assert lines(world) == []


def test_A148_A125_the_same_payment_twice_within_a_day_is_asked_about(world: System) -> None:
    record(world)
    assert "already recorded" in record(world, code=1)
    assert "already recorded" in record(world, "--json", code=1)
    pass_days(world, 0.5)
    assert "already recorded" in record(world, code=1)
    record(world, amount="26")
    record(world, method="bank")
    record(world, currency="chf")
    assert len(lines(world)) == 4
    record(world, "--again")
    pass_days(world, 1.1)
    record(world)
    assert len(lines(world)) == 6


def test_A125_a_group_without_an_end_is_bought_for_good_only_where_that_is_said(
    world: System,
) -> None:
    assert "for good" in record(world, group="pioneers", code=1)
    record(world, "--json", group="pioneers", code=2)
    record(world, "--for-good", "--for", "1y", group="pioneers", code=2)
    record(world, "--for-good", code=2)
    assert lines(world) == []
    (seen,) = json.loads(record(world, "--preview", "--json", group="pioneers"))["effects"]
    assert (seen["group"], seen["turn"]) == ("pioneers", "gains")
    assert lines(world) == []
    record(world, "--for-good", group="pioneers")
    world.settle()
    assert world.groups_of("alice") == {"pioneers"}


def booked(world: System, account: str = "assets:cash") -> list[tuple[int, int | None]]:
    with world.bridge.store.read() as connection:
        found = ledger_store.read_lines(connection, books=[account])
        return [(one.amount_minor, one.user_id) for one in found]


def test_A59_I6_a_payment_by_hand_and_its_correction_are_booked_at_once(world: System) -> None:
    ledger.update(world.bridge, quietly)
    last_pass = ledger.check(world.bridge).read_at
    alice = world.user("alice")
    share = ("--line", "25.00; A share; kind=share; count=1")
    line = asked(
        world,
        *("record-payment", "alice", "--currency", "eur", "--method", "cash", "--by", "maria"),
        *share,
    )["line"]
    assert rq_worker.do(world.bridge, "book", "by hand")  # as the hint asks a worker to
    assert booked(world) == [(2500, alice)]
    assert booked(world, "equity:shares") == [(-2500, alice)]
    asked(world, "reverse-payment", line, "--by", "maria")
    world.advance(61)  # the hint is lost
    world.settle()
    assert booked(world) == [(2500, alice), (-2500, alice)]
    assert booked(world, "equity:shares") == [(-2500, alice), (2500, alice)]
    assert not rq_worker.do(world.bridge, "book", "by hand")  # nothing waits any more
    assert ledger.check(world.bridge).read_at == last_pass
    before, proven = all_lines(world), ledger.verify(world.bridge)
    assert ledger.rebuild(world.bridge, quietly).verified == proven
    assert all_lines(world) == before


def test_A59_I6_a_payment_by_hand_is_booked_while_a_reading_of_stripe_is_cut_off(
    world: System,
) -> None:
    world.subscribe(world.customer("bob"), world.price("patrons"))
    world.settle()
    with worker.holding(world.bridge) as lease:
        held = worker.held(lease)
        pages = len(SOURCES) - 1
        worker.bring_up_to_date(world.bridge, held, quietly, most_pages=pages)
        paid(world, "alice", "25.00")
        assert not rq_worker.do(world.bridge, "book", "by hand")  # another has the books
    assert all_lines(world) == []
    assert rq_worker.do(world.bridge, "book", "by hand")
    assert {one.entry_id[:5] for one in all_lines(world)} == {"hand:"}
    ledger.update(world.bridge, quietly)
    assert {one.entry_id[:5] for one in all_lines(world)} > {"hand:"}
    assert ledger.check(world.bridge).findings == ()


def all_lines(world: System) -> list[Line]:
    with world.bridge.store.read() as connection:
        return list(ledger_store.read_lines(connection))


def quietly(_what: str, _count: int) -> None:
    """Nobody watches."""


def test_A148_a_payment_recorded_wrongly_is_corrected_by_a_line_that_names_it(
    world: System,
) -> None:
    told = paid(world, "alice", "25.00", "--group", "pioneers", "--for", "1y")
    world.settle()
    line = told["line"]
    (seen,) = asked(world, "reverse-payment", line, "--by", "maria", "--preview")["effects"]
    assert (seen["group"], seen["turn"]) == ("pioneers", "loses")
    before = lines(world)
    done = asked(world, "reverse-payment", line, "--by", "maria")
    assert (done["corrects"], done["amount_minor"], done["is_new"]) == (line, -2500, True)
    assert line in done["line"]
    assert done["grant"] == told["grant"]
    again = asked(world, "reverse-payment", line, "--by", "maria")
    assert again["is_new"] is False
    confirm(world)
    assert moves(world, "alice", "pioneers") == ["in", "out"]
    assert lines(world)[:1] == before
    assert [one[1] for one in lines(world)] == [2500, -2500]
    ((statement, *_),) = messages_to(world, "alice")
    assert "Correction of" in statement.raw
    assert "payment_reversed" in log_of(world, "alice")
    paid(world, "alice", "25.00")  # what was corrected is no double
    typed(world, "reverse-payment", done["line"], "--by", "maria", code=1)
    typed(world, "reverse-payment", "hand:nothing", "--by", "maria", code=1)
    typed(world, "reverse-payment", "in_1", "--by", "maria", code=1)
