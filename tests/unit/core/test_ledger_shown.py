"""The books as people look at them: entries with notes, shares in issue, pages."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

from hypothesis import given
from hypothesis import strategies as st

from bridge.core.ledger.line import Line
from bridge.core.ledger.member_register import MemberEntry
from bridge.core.ledger.share_register import Holding
from bridge.core.ledger.shown import InIssue, Note, by_state, entries, in_issue, page_of

AT = datetime(2026, 3, 1, 12, tzinfo=UTC)
OWED = Line("in_1#2", "in_1", "sale", "assets:receivable", AT, 500, "eur", "Owed")
SOLD = replace(OWED, id="in_1#1", account="income:membership", amount_minor=-500, what="Gold")
PAID = replace(OWED, id="txn_1#1", entry_id="txn_1", kind="payment", what="Payment")
RUN = Holding("share", 1, 3, "id:7", AT, AT, 15_000, "eur", "ch_1", 3)


def test_lines_stand_by_entry_with_their_notes_in_order() -> None:
    notes = [Note("in_1#1", text, "treasurer:2", AT) for text in ("First", "Second")]
    paid, sold = entries([PAID, OWED, SOLD], notes)
    assert (paid.id, paid.what, len(paid.lines)) == ("txn_1", "Payment", 1)
    assert (sold.id, sold.what) == ("in_1", "Gold")
    assert [[note.text for note in one.notes] for one in sold.lines] == [[], ["First", "Second"]]


def test_A55_what_is_in_issue_counts_what_is_held_and_its_holders_once() -> None:
    ended = replace(RUN, first=4, last=5, ended_at=AT, ended_how="withdrawn")
    again = replace(RUN, first=6, last=6)
    gone = replace(ended, share_class="supporter share")
    assert in_issue([RUN, ended, again, gone]) == (
        InIssue("share", 4, 1),
        InIssue("supporter share", 0, 0),
    )
    assert in_issue([]) == ()


def test_A62_each_entry_counts_at_the_step_where_it_stands() -> None:
    applied = MemberEntry(7, AT)
    approved = replace(applied, approved_at=AT)
    member = replace(approved, paid_at=AT)
    gone = replace(member, ceased_at=AT), replace(applied, declined_at=AT)
    found = by_state([applied, approved, member, member, *gone])
    one_each = dict.fromkeys(["applied", "approved", "declined", "ceased"], 1)
    assert found == {**one_each, "paid": 0, "member": 2}


@given(st.lists(st.integers(), max_size=30), st.integers(1, 7))
def test_pages_hold_every_row_once_in_order(rows: list[int], size: int) -> None:
    seen: list[int] = []
    after: int | None = 0
    while after is not None:
        page = page_of(rows, after, size)
        assert len(page.rows) <= size
        seen += page.rows
        after = page.after
    assert seen == rows
    assert page_of(rows, len(rows) + 1, size).rows == ()
