"""Everything that happened as one list: each entry's words, and its pages."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.core.events.outcome import dead, ignored
from bridge.core.ledger.lines import MoneyKind, MoneyLine
from bridge.core.model.actor import moderator
from bridge.core.model.change import Change
from bridge.core.model.key import EPOCH, Key, Until, parse_key
from bridge.core.telling.doers import Doer
from bridge.core.telling.timeline import (
    KINDS,
    MESSAGES,
    MONEY,
    RANKS,
    Entry,
    Kind,
    Known,
    News,
    of_change,
    of_message,
    of_money,
    of_news,
    page_of,
    parse_place,
)

ROOT = Path(__file__).parents[3]
AT = datetime(2028, 2, 29, 12, tzinfo=UTC)
KNOWN = Known({7: "alice", 12: "ben"}, {3: "supporters"}, {"evt_1": "invoice.paid"})


def entry(at: datetime, rank: int, id_: str) -> Entry:
    return Entry(key=Key(at, rank, id_), kind="groups", what="", by=Doer(""), ids=())


times = st.integers(0, 3).map(lambda n: AT + timedelta(microseconds=n))
ranks = st.sampled_from(list(RANKS.values()))
keys = st.builds(Key, times, ranks, st.text("0123456789", min_size=1, max_size=5))


@given(keys)
def test_a_key_stands_in_an_address_and_is_read_back(key: Key) -> None:
    assert parse_key(str(key)) == key


@pytest.mark.parametrize(
    "text",
    [
        "",
        "1",
        "1-9",
        "a-4-1",
        "1-0-1",
        "1-9-1",
        "1-4-x",
        "1-4-",
        "-1-4-1",
        "1-4-9999999999999999999",
    ],
)
def test_what_is_no_place_in_the_list_counts_as_not_given(text: str) -> None:
    assert parse_place(text) is None
    assert parse_place(f"{10**18}-4-1") is None


@given(st.lists(st.tuples(times, ranks)), st.integers(1, 4))
def test_pages_show_each_entry_once_the_newest_first(
    made: list[tuple[datetime, int]], limit: int
) -> None:
    every = [entry(at, rank, str(number)) for number, (at, rank) in enumerate(made)]

    def rows(rank: int, until: Until | None) -> list[Entry]:
        """As a table of the store answers."""
        mine = [one for one in every if one.key.rank == rank]
        if until is not None and until.last_id is not None:
            after = (until.at, int(until.last_id))
            mine = [one for one in mine if (one.at, int(one.key.id)) < after]
        elif until is not None:
            mine = [
                one for one in mine if one.at < until.at or (until.with_it and one.at == until.at)
            ]
        return sorted(mine, key=lambda one: (one.at, int(one.key.id)), reverse=True)[: limit + 1]

    shown: list[Entry] = []
    before: Key | None = None
    while True:
        page = page_of(
            (rows(r, before.until(r) if before else None) for r in RANKS.values()), limit
        )
        shown += page.entries
        assert len(page.entries) == limit or page.before is None
        if page.before is None:
            break
        before = page.before
    order = [(one.at, one.key.rank, int(one.key.id)) for one in shown]
    assert order == sorted(order, reverse=True)
    assert len(shown) == len(every) == len({one.key for one in shown})


def test_a_line_of_the_log_says_what_why_for_whom_and_by_whom() -> None:
    cause = str(moderator(12, "console"))
    one = of_change(
        Change(5, AT, "granted", 7, 3, None, cause, None, "A visit", {"grant": "g1"}), KNOWN
    )
    assert (one.kind, one.what, one.reason, one.group) == (
        "acts",
        "Given by hand",
        "A visit",
        "supporters",
    )
    assert one.by == Doer("ben (moderator, console)", 12)
    followed = of_change(
        Change(6, AT, "wanted", 7, 3, None, f"granted by {cause}", None, "hand"), KNOWN
    )
    assert (followed.kind, followed.words) == ("groups", "A moderator gave it")
    assert (
        of_change(Change(7, AT, "wanted", 7, 4, None, "evt_1", None, "active"), KNOWN).group
        == "id:4"
    )


@pytest.mark.parametrize("kind", get_args(MoneyKind))
def test_each_kind_of_money_has_words_and_only_a_payment_at_stripe_can_be_given_back(
    kind: MoneyKind,
) -> None:
    line = MoneyLine("in_1", "cus_1", kind, AT, 500, "eur", "Supporter")
    told = of_money(line, 7, KNOWN)
    assert (told.what, told.words, told.amount_minor) == (MONEY[kind], "Supporter", 500)
    assert told.payment == ("in_1" if kind == "paid" else None)


def test_a_payment_by_hand_says_how_and_who_recorded_it() -> None:
    line = MoneyLine(
        *("hand:1", None, "paid", AT, 500, "eur", "Supporter"),
        user_id=7,
        method="cash",
        recorded_by=str(moderator(12, "console")),
        receipt_number="2028-1",
    )
    told = of_money(line, 7, KNOWN)
    assert (told.words, told.by.words) == ("Supporter, in cash", "ben (moderator, console)")
    assert told.payment is None
    assert ("Receipt number", "2028-1") in told.ids


def test_each_message_that_is_sent_has_words() -> None:
    files = "".join(path.read_text() for path in (ROOT / "bridge/store").glob("*.py"))
    keys = set(re.findall(r'key ?= ?f"(\w+):', files))
    keys |= set(re.findall(r'^[A-Z]+ = "(\w+):"$', files, re.MULTILINE))
    assert keys >= {"receipt", "unpaid", "reminder", "present", "seat", "grace_over"}
    assert keys <= set(MESSAGES)
    assert of_message("receipt:in_1", AT).ids == (("Message", "receipt"), ("About", "in_1"))


@pytest.mark.parametrize(
    ("status", "outcome", "words"),
    [
        ("received", None, "Waits to be processed"),
        ("received", "Stripe is away", "Waits to be processed"),
        ("done", None, ""),
        (
            "ignored",
            ignored("a draft: nothing is owed yet").reason,
            "Changes nothing (a draft: nothing is owed yet)",
        ),
        ("dead", dead("it is of live mode").reason, "Cannot be processed (it is of live mode)"),
        ("dead", None, "Cannot be processed"),
    ],
)
def test_an_event_says_what_came_of_it(status: str, outcome: str | None, words: str) -> None:
    one = of_news(News("evt_1", "invoice.paid", AT, AT, "stripe", "in_1", "cus_1", status, outcome))
    assert (one.what, one.words, one.by.words) == ("Invoice paid", words, "Stripe")


def test_each_kind_of_entry_has_words_to_filter_by() -> None:
    assert set(KINDS) == set(get_args(Kind))
    assert max(RANKS.values()) == RANKS["log"] < 10
    assert parse_place(f"{(AT - EPOCH) // timedelta(microseconds=1)}-4-12") == Key(AT, 4, "12")
