"""The end of grace: by the due date, and never before the member was told and had time."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.core.model.reasons import Reason
from bridge.core.model.rights import Notice
from bridge.core.model.stripe import Subscription, SubscriptionItem
from bridge.core.rights.judge import judge_item
from bridge.core.rights.verdict import Verdict
from bridge.core.rules.compiled import Rule

DUE = datetime(2026, 3, 1, tzinfo=UTC)
DAY = timedelta(days=1)
RULE = Rule(id="gold", grace_days=7, grace_notice_days=2)
ITEM = SubscriptionItem("si_1", "price_1", "prod_1", 1, DUE, DUE + 30 * DAY)
OWING = Subscription(
    "sub_1", "cus_1", "past_due", (ITEM,), DUE - 60 * DAY, DUE - 60 * DAY, past_due_since_at=DUE
)


def judged(day: float, notice: Notice | None, rule: Rule = RULE) -> Verdict:
    return judge_item(OWING, ITEM, rule, DUE + day * DAY, notice=notice)


@pytest.mark.parametrize(
    ("failed_on", "told_on", "today", "holds", "until"),
    [
        (0, 0, 6.9, True, 7),  # told at once: grace by the due date
        (0, 0, 7, False, 7),
        (11, 11, 11, True, 13),  # a debit that fails on day 11 leaves two days
        (11, 11, 12.9, True, 13),
        (11, 11, 13, False, 13),
        (0, 6, 7, True, 8),  # told late
        (0, 6, 8, False, 8),
        (0, None, 40, True, 42),  # nobody could be told: it goes on
    ],
)
def test_A110_grace_ends_at_the_later_of_its_day_and_the_notice(
    failed_on: float,
    told_on: float | None,
    today: float,
    holds: bool,  # noqa: FBT001 - the case itself
    until: float,
) -> None:
    told_at = None if told_on is None else DUE + told_on * DAY
    found = judged(today, Notice(DUE + failed_on * DAY, told_at))
    assert (found.holds, found.until_at) == (holds, DUE + until * DAY)
    assert found.because_at == DUE + failed_on * DAY
    assert found.reason is (Reason.GRACE if holds else Reason.GRACE_OVER)


@given(st.integers(0, 60), st.integers(0, 60), st.integers(0, 30), st.integers(0, 30))
def test_A110_nobody_loses_a_group_sooner_than_the_notice_gives_them(
    told_on: int, today: int, grace: int, time_to_pay: int
) -> None:
    rule = replace(RULE, grace_days=grace, grace_notice_days=time_to_pay)
    found = judged(today, Notice(DUE, DUE + told_on * DAY), rule)
    assert found.holds == (today < max(grace, told_on + time_to_pay))
    assert judged(today, Notice(DUE, None), rule).holds


def test_A110_where_it_is_not_known_what_was_told_the_due_date_alone_counts() -> None:
    assert judged(6, None).holds
    assert not judged(7, None).holds
