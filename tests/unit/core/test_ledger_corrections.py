"""Entries booked otherwise than they would be today: corrected by others that name them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from bridge.core.ledger.corrections import amended, correction, unlike
from bridge.core.ledger.line import RECEIVABLE, SUSPENSE, Line, numbered
from bridge.core.ledger.seals import digest

AT = datetime(2026, 3, 1, 12, tzinfo=UTC)
LATER = AT + timedelta(days=30)
OWED = ("assets:receivable", 1500)
SHIPPING_UNREAD = (("income:membership", -1000), (SUSPENSE, -500), OWED)
SHIPPING_READ = (("income:membership", -1000), ("income:shipping", -500), OWED)


def entry(*sides: tuple[str, int], id_: str = "in_1", what: str = "Mug") -> list[Line]:
    base = Line("", id_, "sale", "", AT, 0, "eur", what, customer_id="cus_1", source_id="in_1")
    return numbered(replace(base, account=book, amount_minor=amount) for book, amount in sides)


def balances(lines: Sequence[Line]) -> dict[str, int]:
    sums: Counter[str] = Counter()
    for line in lines:
        sums[line.account] += line.amount_minor
    return {account: amount for account, amount in sums.items() if amount}


def sealed(lines: Sequence[Line]) -> dict[str, str]:
    return {line.id: digest(line) for line in lines}


def test_I6_an_entry_that_was_booked_as_it_is_today_needs_no_correction() -> None:
    lines = entry(*SHIPPING_READ)
    assert unlike(lines, sealed(lines)) == set()
    assert unlike(lines, {}) == set()  # it is new
    assert correction("in_1", lines, lines, LATER) == []


def test_I6_only_what_was_booked_wrongly_is_taken_back_and_named() -> None:
    old, today = entry(*SHIPPING_UNREAD), entry(*SHIPPING_READ)
    assert unlike(today, sealed(old)) == {"in_1"}
    back, new = correction("in_1", old, today, LATER)
    assert (back.account, back.amount_minor, back.corrects) == (SUSPENSE, 500, "in_1#2")
    assert (new.account, new.amount_minor, new.corrects) == ("income:shipping", -500, "in_1")
    assert (new.id, new.at, new.what) == ("in_1:corrected-1#2", LATER, "Correction: Mug")
    assert correction("in_1", [*old, back, new], today, LATER) == []


def test_I6_other_words_and_times_correct_nothing() -> None:
    old, today = entry(*SHIPPING_READ), entry(*SHIPPING_READ, what="Big mug")
    moved = [replace(line, at=LATER, rule_id="product:p", method="card") for line in today]
    assert unlike(moved, sealed(old)) == {"in_1"}
    assert correction("in_1", old, moved, LATER) == []


def test_I6_a_correction_that_was_wrong_itself_is_corrected_by_the_next() -> None:
    old, today = entry(*SHIPPING_UNREAD), entry(*SHIPPING_READ)
    first = correction("in_1", old, today, LATER)
    second = correction("in_1", [*old, *first], old, LATER)
    assert {line.entry_id for line in second} == {"in_1:corrected-2"}
    assert {line.corrects for line in second} == {"in_1:corrected-1#2", "in_1"}
    assert balances([*old, *first, *second]) == balances(old)
    assert correction("in_1", [*old, *first, *second], old, LATER) == []


def test_I6_an_entry_of_a_correction_is_told_apart_from_one_that_names_what_it_reverses() -> None:
    voided = [replace(line, corrects="in_1#1") for line in entry(*SHIPPING_UNREAD, id_="in_1:void")]
    today = [replace(line, corrects="in_1#1") for line in entry(*SHIPPING_READ, id_="in_1:void")]
    made = correction("in_1:void", voided, today, LATER)
    assert [line.corrects for line in made] == ["in_1:void#2", "in_1#1"]
    assert correction("in_1:void", [*voided, *made], today, LATER) == []


def test_I6_what_is_made_of_a_known_object_no_more_is_taken_back() -> None:
    old = entry(*SHIPPING_READ, id_="in_1:outside")
    odd = unlike([], sealed(old))
    done = amended([], odd, old, ["in_1"], LATER)
    assert done.corrected == ("in_1:outside",)
    assert balances([*old, *done.lines]) == {}
    kept = amended([], odd, old, ["in_2"], LATER)
    assert (kept.lines, kept.corrected, kept.gone) == ((), (), ("in_1:outside",))


def test_I6_lines_that_vanished_are_booked_again_as_a_correction() -> None:
    old, today = entry(*SHIPPING_UNREAD), entry(*SHIPPING_READ)
    done = amended(today, unlike(today, sealed(old)), [], ["in_1"], LATER)
    assert balances(done.lines) == balances(today)
    assert {line.entry_id for line in done.lines} == {"in_1:corrected-1"}


SIDES = st.lists(
    st.tuples(st.sampled_from(("income:membership", "income:other")), st.integers(-3, 3)),
    min_size=1,
    max_size=4,
).map(lambda sides: (*sides, (RECEIVABLE, -sum(amount for _, amount in sides))))


@given(st.lists(SIDES, min_size=2, max_size=5))
def test_I6_after_any_number_of_corrections_an_entry_has_moved_what_it_should(
    versions: list[tuple[tuple[str, int], ...]],
) -> None:
    booked = entry(*versions[0])
    for version in versions[1:]:
        wanted = entry(*version)
        new = correction("in_1", booked, wanted, LATER)
        assert sum(line.amount_minor for line in new) == 0
        assert not {line.id for line in new} & {line.id for line in booked}
        booked += new
        assert balances(booked) == balances(wanted)
        assert correction("in_1", booked, wanted, LATER) == []
