"""What a preview says of one membership: the same as what is then sent to the forum."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from bridge.core.memberships.decision import Situation, WantedMembership
from bridge.core.memberships.effects import Before, What, effects_of
from bridge.core.memberships.member import Membership
from bridge.core.model.rights import Grant
from bridge.core.telling.holds import to_come

NOW = datetime(2027, 3, 1, tzinfo=UTC)
GROUP, OWNER = 7, "sub_1"
GIVES = Grant(
    group_id=GROUP,
    source="subscription",
    source_id=OWNER,
    rule_id="rule",
    holds=True,
    reason="active",
    from_at=NOW - timedelta(days=9),
)


def effect(
    *,
    given: bool,
    wanted: bool,
    actual: bool,
    in_doubt: bool = False,
    owned: str = "proven",
    override: str | None = None,
    account: str = "active",
) -> tuple[str, str, str] | None:
    """Turn, hold and what it waits for; `given`: whether something gives the group afterwards."""
    before = WantedMembership(
        GROUP,
        wanted=wanted,
        unwanted_at=None if wanted else NOW - timedelta(days=2),
        sources=(OWNER,),
        reason="active",
    )
    row = Membership(membership=before, actual=actual, owned=owned, override=override)
    doubts = {OWNER: "approval_waits"} if in_doubt else {}
    at = Situation(NOW, NOW, timedelta(seconds=60), held_sources=doubts)
    so_far = Before({GROUP: before}, {GROUP: row}, {GROUP: "members"}, account)
    found = effects_of(1, What(), [GIVES] if given else [], at, so_far)
    return (found[0].turn, found[0].hold or "", to_come(found[0])) if found else None


@pytest.mark.parametrize(
    ("given", "wanted", "actual", "in_doubt", "turn"),
    [
        (True, False, False, False, "gains"),
        (True, True, True, False, "stays in"),
        (False, True, True, False, "loses"),
        (False, False, True, False, "loses"),
        (False, True, True, True, "stays in"),
        (False, False, True, True, "stays in"),
        (False, False, False, True, "stays out"),  # as after undoing a decline
        (False, True, False, True, "stays out"),
    ],
)
def test_A62_a_membership_that_is_held_stays_as_it_is(
    *, given: bool, wanted: bool, actual: bool, in_doubt: bool, turn: str
) -> None:
    told = effect(given=given, wanted=wanted, actual=actual, in_doubt=in_doubt)
    assert told is not None
    assert told[:2] == (turn, "approval_waits" if in_doubt else "")
    assert ("until a moderator decides" in told[2]) == in_doubt


@pytest.mark.parametrize(
    ("account", "actual", "turn", "waits"),
    [
        ("active", False, "gains", ""),
        ("suspended", False, "stays out", "Waits until the account is no longer suspended."),
        ("staged", False, "stays out", "Waits until they sign in to the forum for the first time."),
        ("gone", False, "stays out", "Nothing changes for this account"),
        ("active", True, "loses", ""),
        ("suspended", True, "stays in", "Waits until the account is no longer suspended."),
        ("anonymized", True, "loses", ""),
        ("anonymized", False, "stays out", "Nothing changes for this account"),
    ],
)
def test_E58_nothing_changes_for_an_account_that_the_forum_is_not_asked_about(
    account: str, turn: str, waits: str, *, actual: bool
) -> None:
    told = effect(given=not actual, wanted=actual, actual=actual, account=account)
    assert told is not None
    assert told[0] == turn
    assert told[2].startswith(waits)
    assert bool(told[2]) == bool(waits)


def test_A58_whom_staff_let_back_in_stays_and_whom_they_keep_out_gains_nothing() -> None:
    again = effect(given=True, wanted=True, actual=True, override="staff")
    kept_out = effect(given=True, wanted=True, actual=False, override="staff")
    assert again is not None
    assert kept_out is not None
    assert (again[0], kept_out[0]) == ("stays in", "stays out")


def test_who_was_added_by_others_stays_whatever_ends() -> None:
    told = effect(given=False, wanted=False, actual=True, owned="no")
    assert told is not None
    assert told[0] == "stays in"
