"""Shares held and money donated, for the thanks on page and message."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest

from bridge.core.ledger.lines import MoneyLine
from bridge.core.model.rights import Facts
from bridge.core.model.stripe import Purchase
from bridge.core.rules.compiled import Rule, Rules
from bridge.core.rules.values import Kind
from bridge.core.telling.contributions import Contributions, contributions

NOW = datetime(2026, 11, 22, 10, tzinfo=UTC)
KINDS: dict[str, Kind] = {
    "prod_share": "share",
    "prod_supporter": "supporter_share",
    "prod_gift": "donation",
    "prod_pass": "membership",
    "prod_mug": "other",
}
RULES = Rules(
    by_product={key: Rule(id=f"product:{key}", product_id=key, kind=k) for key, k in KINDS.items()}
)


def bought(product: str, amount: int = 1000, **more: Any) -> Purchase:
    made = Purchase("cs_1:li", "cus_1", "price", product, 1, NOW, amount, "eur")
    return replace(made, id=f"{product}{amount}{more}", **more)


def given(*purchases: Purchase, money: tuple[MoneyLine, ...] = (), **more: Any) -> Contributions:
    return contributions(Facts(purchases=purchases, **more), money, RULES)


def words(*purchases: Purchase, **more: Any) -> list[str]:
    return [str(one) for one in given(*purchases, **more).shares]


def test_A124_shares_are_counted_by_class_with_their_quantities() -> None:
    assert words(bought("prod_supporter")) == ["1 supporter share"]
    several = bought("prod_share", quantity=2), bought("prod_share"), bought("prod_supporter")
    assert words(*several) == ["3 shares", "1 supporter share"]


@pytest.mark.parametrize(
    "gone",
    [
        {"refunded_minor": 1000, "payment_minor": 1000, "refunded_at": NOW},
        {"disputed": "lost", "disputed_at": NOW},
    ],
)
def test_A124_a_share_that_was_paid_back_is_not_held(gone: dict[str, Any]) -> None:
    assert not given(bought("prod_share", **gone))
    assert words(bought("prod_share", **gone), bought("prod_share")) == ["1 share"]


def test_A124_donations_add_up_by_currency_less_refunds() -> None:
    half = {"refunded_minor": 600, "payment_minor": 1200, "refunded_at": NOW}
    found = given(
        bought("prod_gift"),
        bought("prod_gift", 1200, **half),
        bought("prod_gift", 500, currency="usd"),
        bought("prod_gift", 700, disputed="lost"),
    )
    assert found.donated_minor == {"eur": 1600, "usd": 500}


def test_A124_a_donation_that_renews_is_counted_with_each_payment_and_refund() -> None:
    line = MoneyLine("in_1", "cus_1", "paid", NOW, 500, "eur", "Gift", subscription_id="sub_1")
    monthly = replace(line, product_id="prod_gift")
    money = (
        monthly,
        replace(monthly, id="in_2"),
        replace(monthly, id="re_1", kind="refunded", amount_minor=-200),
        replace(line, id="in_3", product_id="prod_pass"),
        replace(monthly, id="in_4", kind="credited"),
        replace(monthly, id="in_5", subscription_id=None),
    )
    assert given(money=money).donated_minor == {"eur": 800}


def test_A124_a_share_given_away_is_the_others_and_a_donation_the_givers() -> None:
    received = bought("prod_share", beneficiary_id=12), bought("prod_gift", beneficiary_id=12)
    assert given(*received) == given(bought("prod_share"))
    assert not given(given_purchases=(bought("prod_share", beneficiary_id=13),))
    away = bought("prod_gift", beneficiary_id=13)
    assert given(given_purchases=(away,)).donated_minor == {"eur": 1000}


def test_A124_memberships_and_other_purchases_have_no_place_here() -> None:
    assert not given(bought("prod_pass"), bought("prod_mug"), bought("prod_unknown"))
