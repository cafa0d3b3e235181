"""How a membership stands in the register, and which list shows it."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from bridge.core.memberships.decision import WantedMembership
from bridge.core.memberships.listing import PREFIXES, Asked, Standing, sources_of, standing_of
from bridge.core.memberships.member import Membership
from bridge.core.telling import listing as words

LATER = datetime(2027, 3, 31, tzinfo=UTC)
WANTED = WantedMembership(7, wanted=True, reason="active", sources=("sub_1",), rule_id="price_1")
UNWANTED = WantedMembership(7)


@pytest.mark.parametrize(
    ("membership", "stands"),
    [
        (Membership(membership=WANTED, actual=True, owned="proven"), Standing.GOOD),
        (Membership(membership=WANTED, actual=True, override="left"), Standing.GOOD),
        (
            Membership(membership=WantedMembership(7, wanted=True, reason="grace"), actual=True),
            Standing.UNPAID,
        ),
        (
            Membership(
                membership=WantedMembership(7, wanted=True, wanted_until=LATER), actual=True
            ),
            Standing.ENDING,
        ),
        (
            Membership(membership=WantedMembership(7, wanted=True, hold="no_rule"), actual=True),
            Standing.HELD,
        ),
        (Membership(membership=UNWANTED, actual=True, owned="claimed"), Standing.LEAVING),
        (Membership(membership=UNWANTED, actual=True), Standing.BY_OTHERS),
        (Membership(membership=WANTED), Standing.ARRIVING),
        (Membership(membership=WANTED, override="staff"), Standing.KEPT_OUT),
        (Membership(membership=UNWANTED), None),
        (Membership(membership=UNWANTED, override="staff"), None),
    ],
)
def test_A61_each_membership_in_the_register_stands_in_one_way(
    membership: Membership, stands: Standing | None
) -> None:
    assert standing_of(membership) == stands
    assert Asked().shows(membership) == (stands is not None and stands.is_in)
    for one in Standing:
        assert Asked(standing=one).shows(membership) == (one == stands)


def test_A61_a_register_is_filtered_by_where_a_membership_comes_from_and_by_its_kind() -> None:
    it = Membership(membership=WANTED, actual=True, owned="proven")
    assert Asked(source="subscription", rule_ids=frozenset({"price_1"})).shows(it)
    assert not Asked(source="hand").shows(it)
    assert not Asked(rule_ids=frozenset()).shows(it)


def test_sources_are_told_by_how_their_ids_begin() -> None:
    assert sources_of(["sub_1:feature", "grant_1"]) == ("subscription", "hand")
    assert sources_of(["cs_1", "in_1:il_1", "import_1"]) == ("purchase", "import")
    assert sources_of([]) == ()


def test_each_standing_and_each_source_has_words() -> None:
    assert set(words.STANDINGS) == set(Standing)
    assert set(words.SOURCES) == set(PREFIXES)
