"""Every key of the policy at every place where it may stand: it decides, or it is refused."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from operator import attrgetter
from typing import Any

import pytest

from bridge.core.rules.goals import Goal
from bridge.core.rules.mapping import Rules
from bridge.core.rules.values import KEYS, Term
from bridge.errors import WrongConfig
from tests.unit.core.catalogue import LEVELS, PATRONS, codes, in_force, price, product, rules_of

# key -> (as it is written, field of the rule, what it means there, a wrong value)
SAID: dict[str, tuple[str, str, object, str]] = {
    "groups": ("patrons", "group_ids", (PATRONS,), "a,,b"),
    "ladder": ("level", "ladder", "level", "a,b"),
    "rank": ("7", "rank", 7, "high"),
    "term": ("3mo", "term", Term(months=3), "3 weeks"),
    "grace": ("9d", "grace_days", 9, "soon"),
    "grace_notice": ("5d", "grace_notice_days", 5, "soon"),
    "trial": ("wait", "trial", "wait", "yes"),
    "on_pause": ("keep", "on_pause", "keep", "true"),
    "on_pause_collection": ("period_end", "on_pause_collection", "period_end", "later"),
    "on_refund": ("period_end", "on_refund_one_off", "period_end", "no"),
    "on_partial_refund": ("40%", "partial_refund_percent", 40, "0%"),
    "on_dispute": ("suspend", "on_dispute", "suspend", "end"),
    "after_instalments": ("1y", "after_instalments", Term(months=12), "keep"),
    "approval": ("2027-01-01", "approval_from", datetime(2027, 1, 1, tzinfo=UTC), "yes"),
    "kind": ("donation", "kind", "donation", "gift"),
    "offer": ("no", "sale.offer", "no", "maybe"),
    "listed": ("no", "sale.listed", "no", "maybe"),
    "gift": ("yes", "sale.gift", "yes", "maybe"),
    "highlight": ("yes", "sale.highlight", "yes", "maybe"),
    "goal": ("5000 EUR/month", "sale.goal", Goal(Decimal(5000), "eur", "month"), "a lot"),
    "fund": ("Roof 2027", "fund", "Roof 2027", "x" * 61),
    "amounts": ("5, 12.50", "paying.amounts", (Decimal(5), Decimal("12.50")), "5, many"),
    "quantity": ("2-20", "paying.quantity", (2, 20), "20-2"),
    "trial_days": ("14", "paying.trial_days", 14, "731"),
    "trial_card": ("no", "paying.trial_card", False, "maybe"),
    "trial_end": ("pause", "paying.trial_end", "pause", "keep"),
    "trial_with_code": ("yes", "paying.trial_with_code", True, "maybe"),
    "countries": ("at, DE", "paying.countries", ("AT", "DE"), "AT, EU"),
    "buyers": ("patrons", "paying.buyer_ids", frozenset({PATRONS}), "a,,b"),
    "promotion_codes": ("true", "paying.promotion_codes", True, "1"),
    "automatic_tax": ("yes", "paying.automatic_tax", True, "19%"),
    "tax_ids": ("yes", "paying.tax_ids", True, "vat"),
    "billing_address": ("required", "paying.billing_address", "required", "yes"),
    "terms": ("yes", "paying.terms", True, "required"),
    "phone": ("yes", "paying.phone", True, "required"),
    "text": ("Thank you, all.", "paying.text", "Thank you, all.", "x" * 1201),
    "locale": ("pt-br", "paying.locale", "pt-BR", "klingon"),
    "saved_cards": ("no", "paying.saved_cards", False, "some"),
}
SITE = "[defaults] or [checkout]"
PLACES = ("product", "price", "[products]", "[prices] lookup key", "[prices] id")


def said_at(place: str, key: str, value: str) -> Rules:
    """The rules if one place says this, while the product itself leads to patrons."""
    base: Any = {} if key == "groups" else {"discourse_groups": "patrons"}
    here: Any = {f"discourse_{key}": value}
    stated: dict[str, object] = {key: value}
    toml: dict[str, dict[str, object]] = {
        "[products]": {"products": {"prod_1": stated}},
        "[prices] lookup key": {"prices": {"yearly": stated}},
        "[prices] id": {"prices": {"price_1": stated}},
        SITE: {"checkout" if KEYS[key].of_checkout else "defaults": stated},
    }
    return rules_of(
        product(**base, **(here if place == "product" else {})),
        price(lookup_key="yearly", **(here if place == "price" else {})),
        toml={**(LEVELS if key == "ladder" else {}), **toml.get(place, {})},
    )


@pytest.mark.parametrize("key", KEYS)
def test_each_key_decides_at_each_place_and_a_wrong_value_is_refused_there(key: str) -> None:
    value, field, meaning, wrong = SAID[key]
    said = attrgetter(field)
    for place in PLACES:
        assert said(in_force(said_at(place, key, value))) == meaning, place
        halted = said_at(place, key, wrong)
        assert halted.rule_for("price_1", "prod_1") is None, place
        assert halted.halted_rule_for("price_1", "prod_1") is not None, place
        assert "M104" in codes(halted), place
    if KEYS[key].may_be_default:
        assert said(in_force(said_at(SITE, key, value))) == meaning
    with pytest.raises(WrongConfig, match=key):
        said_at(SITE, key, wrong)
