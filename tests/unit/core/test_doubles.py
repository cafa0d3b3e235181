"""Who pays for two subscriptions where one is enough, and who does not."""

from dataclasses import replace

import pytest

from bridge.core.model.rights import Grant
from bridge.core.rights.double_payments import paid_twice
from tests.unit.core.shop import MEMBERS, PATRONS, RENEWAL, SUPPORTERS, only, subscription

ONE = only(subscription())


def gives(source_id: str, *groups: int, rank: int | None = None, **more: object) -> list[Grant]:
    """A subscription's grants; with a rank they are steps of a ladder, but for the base group."""
    found = []
    for group_id in groups:
        step = {"ladder": "level", "rank": rank} if rank and group_id != MEMBERS else {}
        one = replace(ONE, source_id=source_id, group_id=group_id, renews_at=RENEWAL)
        found.append(replace(one, **{**step, **more}))  # type: ignore[arg-type] # fields of a grant
    return found


@pytest.mark.parametrize(
    ("first", "second", "twice"),
    [
        (gives("sub_1", PATRONS), gives("sub_2", PATRONS), [{PATRONS}]),
        (gives("sub_1", PATRONS), gives("sub_2", SUPPORTERS), []),
        (gives("sub_1", MEMBERS, PATRONS), gives("sub_2", MEMBERS, SUPPORTERS), []),
        (gives("sub_1", MEMBERS), gives("sub_2", MEMBERS, PATRONS), [{MEMBERS, PATRONS}]),
        (
            gives("sub_1", MEMBERS, SUPPORTERS, rank=1),
            gives("sub_2", MEMBERS, PATRONS, rank=2),
            [{MEMBERS, PATRONS}],
        ),
        (gives("sub_1", PATRONS), gives("sub_2", PATRONS, share="gift"), []),
        (gives("sub_1", PATRONS), gives("sub_2", PATRONS, renews_at=None), []),
        (gives("sub_1", PATRONS), gives("sub_2", PATRONS, source="purchase"), []),
    ],
)
def test_E41_two_subscriptions_of_which_one_is_enough_are_paid_twice(
    first: list[Grant], second: list[Grant], twice: list[set[int]]
) -> None:
    assert [set(groups) for groups in paid_twice([*first, *second])] == twice
    assert [set(groups) for groups in paid_twice([*second, *first])] == twice
