"""Shares held and money donated, for the thanks on page and message."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest

from bridge.core.ledger.lines import MoneyLine, MoneyPart
from bridge.core.model.rights import Facts
from bridge.core.model.stripe import Purchase, Subscription, SubscriptionItem
from bridge.core.rules.compiled import Rule, Rules
from bridge.core.rules.values import Kind
from bridge.core.telling.contributions import Contributions, Donated, contributions
from bridge.core.telling.funds import funds_of_lines

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
    return replace(made, **({"id": f"{product}{amount}{more}"} | more))


def given(*purchases: Purchase, money: tuple[MoneyLine, ...] = (), **more: Any) -> Contributions:
    facts = Facts(purchases=purchases, **more)
    return contributions(facts, money, RULES, funds_of_lines(money, facts, RULES))


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
    assert found.donated == (Donated(1600, "eur"), Donated(500, "usd"))


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
    assert given(money=money).donated == (Donated(800, "eur"),)


def test_A124_a_share_given_away_is_the_others_and_a_donation_the_givers() -> None:
    received = bought("prod_share", beneficiary_id=12), bought("prod_gift", beneficiary_id=12)
    assert given(*received) == given(bought("prod_share"))
    assert not given(given_purchases=(bought("prod_share", beneficiary_id=13),))
    away = bought("prod_gift", beneficiary_id=13)
    assert given(given_purchases=(away,)).donated == (Donated(1000, "eur"),)


def test_A124_memberships_and_other_purchases_have_no_place_here() -> None:
    assert not given(bought("prod_pass"), bought("prod_mug"), bought("prod_unknown"))


FUNDS = Rules(
    by_product={
        "prod_gift": Rule(id="product:prod_gift", product_id="prod_gift", kind="donation"),
        "prod_roof": replace(
            Rule(id="product:prod_roof", product_id="prod_roof", kind="donation"), fund="Roof"
        ),
    },
    by_price={
        "price_books": replace(
            Rule(id="price:price_books", product_id="prod_roof", kind="donation"), fund="Books"
        )
    },
)


def test_A57_each_line_of_money_names_the_funds_that_it_is_for() -> None:
    order = [
        bought("prod_roof", id="cs_1:li_1", payment_id="pi_1"),
        bought("prod_roof", id="cs_1:li_2", payment_id="pi_1", price_id="price_books"),
        bought("prod_gift", id="cs_2:li_1", payment_id="pi_2"),
        bought("prod_roof", id="in_3:il_1", price_id="price_books"),
    ]
    paid = MoneyLine("ch_1", "cus_1", "paid", NOW, 2000, "eur", "Gifts", payment_id="pi_1")
    lines = [
        paid,
        replace(paid, id="re_1", kind="refunded", amount_minor=-2000),
        replace(paid, id="ch_2", payment_id="pi_2", product_id="prod_gift"),
        # The price says otherwise than its product, and is what was bought.
        replace(paid, id="in_3", payment_id=None, invoice_id="in_3", product_id="prod_roof"),
        replace(paid, id="in_4", payment_id=None, subscription_id="gone", product_id="prod_roof"),
        replace(paid, id="hand:1", payment_id=None, parts=(MoneyPart("Tin", 5, fund="Tower"),)),
        replace(paid, id="in_5", payment_id=None),
    ]
    assert funds_of_lines(lines, Facts(purchases=tuple(order)), FUNDS) == {
        "ch_1": ("Books", "Roof"),
        "re_1": ("Books", "Roof"),
        "in_3": ("Books",),
        "in_4": ("Roof",),
        "hand:1": ("Tower",),
    }


def test_A57_a_subscriptions_lines_are_for_the_fund_of_its_price() -> None:
    item = SubscriptionItem("si_1", "price_books", "prod_roof", 1, NOW, NOW)
    monthly = Subscription("sub_1", "cus_1", "active", (item,), NOW, NOW)
    line = MoneyLine("in_1", "cus_1", "paid", NOW, 500, "eur", "Gift", subscription_id="sub_1")
    line = replace(line, product_id="prod_roof")
    known = Facts(subscriptions=(monthly,))
    funds = funds_of_lines([line], known, FUNDS)
    assert funds == {"in_1": ("Books",)}
    found = contributions(known, [line], FUNDS, funds)
    assert found.donated == (Donated(500, "eur", "Books"),)


def test_A57_A124_shares_and_donations_by_hand_are_thanked_for_until_taken_back() -> None:
    paid = MoneyLine("hand:1", None, "paid", NOW, 8000, "eur", "Cash", recorded_by="mod")
    parts = (
        MoneyPart("Two shares", 5000, "share", None, 2),
        MoneyPart("Roof", 2000, "donation", "Roof"),
        MoneyPart("Tin", 1000, "donation"),
    )
    paid = replace(paid, parts=parts)
    found = given(money=(paid,))
    assert [str(one) for one in found.shares] == ["2 shares"]
    assert found.donated == (Donated(1000, "eur"), Donated(2000, "eur", "Roof"))
    back = tuple(replace(part, amount_minor=-part.amount_minor) for part in parts)
    assert not given(money=(paid, replace(paid, id="hand:1:reversed", parts=back)))
