"""Every source's verdict, and the groups that follow, against the naive oracle."""

from __future__ import annotations

import pytest

from bridge.core.model.reasons import Reason
from bridge.core.rights.grants import grants
from bridge.core.rules.ladders import winners
from tests.oracle import lives, naive
from tests.oracle.bridge_side import (
    GROUP_IDS,
    GROUP_NAMES,
    HOLDING,
    everything,
    facts_of,
    moment,
    rules_for,
)
from tests.oracle.generated import for_each_history

KINDS = {
    Reason.ACTIVE: "runs",
    Reason.ENDING: "runs",
    Reason.TRIAL: "runs",
    Reason.TRIAL_WAITS: "waits",
    Reason.GRACE: "failed payment",
    Reason.GRACE_OVER: "failed payment",
    Reason.UNPAID: "unpaid",
    Reason.INCOMPLETE: "pending",
    Reason.INCOMPLETE_EXPIRED: "incomplete_expired",
    Reason.CANCELED: "over",
    Reason.PAUSED: "paused",
    Reason.PAUSED_KEPT: "paused",
    Reason.COLLECTION_PAUSED: "collection paused",
    Reason.COLLECTION_PAUSED_PAID: "collection paused",
    Reason.COLLECTION_PAUSED_ENDED: "collection paused",
    Reason.INSTALMENTS_DONE: "instalments",
    Reason.INSTALMENTS_OVER: "instalments",
    Reason.CUSTOMER_DELETED: "customer gone",
    Reason.NO_SEATS: "no seats",
    Reason.REFUNDED: "refunded",
    Reason.REFUNDED_PAID: "refunded",
    Reason.DISPUTED: "disputed",
    Reason.DISPUTE_LOST: "dispute lost",
    Reason.BOUGHT: "bought",
    Reason.TERM_OVER: "term over",
}


def compare(data: bytes) -> None:
    dice = lives.Dice(data)
    shop = lives.shop(dice)
    world, now = lives.world(dice)
    found = grants(facts_of(everything(world), world.hands), rules_for(shop), HOLDING, moment(now))
    told = {
        (grant.source_id, str(grant.product_id).removeprefix("prod_"), grant.group_id): grant
        for grant in found
        if grant.source != "hand"
    }
    for word in naive.words(shop, world, now):
        if word.product not in shop:
            (grant,) = (g for (source, _, _), g in told.items() if source == word.source)
            assert not grant.holds
            if word.gives:
                assert grant.reason == Reason.NO_RULE, (word, world, now)
            continue
        for group in shop[word.product].groups:
            grant = told[word.source, word.product, GROUP_IDS[group]]
            says = grant.holds, KINDS[Reason(grant.reason)]
            assert says == (word.gives, word.why), (word, world, shop[word.product], now)
    given_groups = {GROUP_NAMES[grant.group_id] for grant in winners(found)}
    assert given_groups == naive.groups(shop, world, now), (world, shop, now)


@pytest.mark.timeout(600)
def test_ten_thousand_worlds_are_judged_as_the_acceptance_text_says() -> None:
    for_each_history(compare)
