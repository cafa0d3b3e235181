"""Campaigns: who gets a link, and the outcome of each (A97)."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.core.memberships.campaign import Candidate, read_names, sorted_out
from bridge.core.model.campaign import CampaignLink
from bridge.core.model.discourse import User
from bridge.core.model.stripe import CONTINUES, PendingPayment, Purchase, Subscription
from bridge.core.telling.campaigns import Fate, fate_of, progress
from bridge.errors import Permanent
from tests.unit.core.shop import DAY, NOW, RENEWAL, item, payment, purchase, subscription

SENT = CampaignLink("link_1", "camp_1", 7)
OPENED = replace(SENT, opened_at=NOW)
BOUGHT = replace(OPENED, source_id="cs_1:1", paid_at=NOW)
WAITING = replace(
    subscription("trialing", item("prod_p", NOW, RENEWAL)),
    trial_end_at=RENEWAL,
    metadata={CONTINUES: RENEWAL.isoformat()},
)
OWED = (PendingPayment("in_1", "Patron", 500, "eur", RENEWAL),)


@pytest.mark.parametrize(
    ("link", "source", "fate"),
    [
        (SENT, None, Fate.SENT),
        (OPENED, None, Fate.OPENED),
        (replace(SENT, revoked_at=NOW), None, Fate.REVOKED),
        (replace(OPENED, revoked_at=NOW), None, Fate.REVOKED),
        (BOUGHT, purchase(), Fate.PAID),
        (replace(BOUGHT, revoked_at=NOW), purchase(), Fate.PAID),
        (BOUGHT, None, Fate.PAID),
        (BOUGHT, replace(purchase(), refunded_minor=4999), Fate.PAID),
        (BOUGHT, replace(purchase(), refunded_minor=5000), Fate.RETURNED),
        (BOUGHT, replace(purchase(), payment_minor=0), Fate.PAID),
        (BOUGHT, replace(purchase(), disputed="open"), Fate.PAID),
        (BOUGHT, replace(purchase(), disputed="lost"), Fate.RETURNED),
        (BOUGHT, subscription(), Fate.PAID),
        (BOUGHT, subscription("canceled"), Fate.PAID),
        (BOUGHT, replace(subscription(), last_payment=payment(refunded_minor=5000)), Fate.RETURNED),
        (BOUGHT, replace(subscription(), last_payment=payment(disputed="lost")), Fate.RETURNED),
        (BOUGHT, WAITING, Fate.WAITING),
        (BOUGHT, replace(WAITING, status="active"), Fate.PAID),
        (BOUGHT, replace(WAITING, status="past_due", pending=OWED), Fate.WAITING),
        (BOUGHT, replace(WAITING, status="past_due", last_payment=payment()), Fate.PAID),
        (BOUGHT, replace(WAITING, status="canceled", ended_at=NOW), Fate.RETURNED),
        (BOUGHT, replace(WAITING, status="canceled", ended_at=RENEWAL + DAY), Fate.PAID),
    ],
)
def test_A97_what_became_of_a_link(
    link: CampaignLink, source: Subscription | Purchase | None, fate: Fate
) -> None:
    assert fate_of(link, source) is fate


@given(st.lists(st.sampled_from([SENT, OPENED, replace(SENT, revoked_at=NOW), BOUGHT])))
def test_A97_every_link_is_counted_once_and_opened_ones_also_as_opened(
    links: list[CampaignLink],
) -> None:
    found = progress((link, purchase() if link.source_id else None) for link in links)
    assert found.sent == len(links)
    assert found.opened == sum(link.opened_at is not None for link in links)
    ended = found.paid + found.waiting + found.returned + found.revoked
    assert ended + sum(link in (SENT, OPENED) for link in links) == found.sent


def user(user_id: int, state: str = "active") -> Candidate:
    return Candidate("name", user=User(user_id, f"user{user_id}", state=state))  # type: ignore[arg-type] # by table


def test_A97_nobody_gets_two_links_and_everybody_left_out_is_told_why() -> None:
    named = [
        user(1),
        Candidate("zed", 3, fate="unknown", says="nobody is called zed"),
        user(1),
        user(2, "suspended"),
        user(3, "staged"),
        user(4, "anonymized"),
        user(5),
    ]
    found = list(sorted_out(named, {5}))
    fates = ["invited", "unknown", "double", "suspended", "staged", "gone", "has it"]
    assert [one.fate for one in found] == fates
    assert all(one.says for one in found if one.fate != "invited")


def test_A97_a_file_names_its_column_and_empty_lines_are_passed_over() -> None:
    found = read_names(["user,note\n", "ada,hello\n", ",\n", " ben \n"])
    assert [(one.said, one.line) for one in found] == [("ada", 2), ("ben", 4)]
    with pytest.raises(Permanent, match="no column user"):
        read_names(["name\n", "ada\n"])
