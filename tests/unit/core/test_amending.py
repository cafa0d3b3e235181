"""Changes of Stripe's metadata: valid values, and what takes precedence."""

from __future__ import annotations

import pytest

from bridge.core.model.stripe import Price, Product
from bridge.core.rules.amending import (
    Amendment,
    amended,
    amendment,
    overruled_by,
    prices_that_differ,
    said_there,
    words_for,
)
from bridge.core.rules.policy import Policy, parse_policy
from bridge.core.rules.values import KEYS
from bridge.errors import Permanent

PRODUCT = Product("prod_1", "Supporter", metadata={"discourse_groups": "supporters", "colour": "b"})
PRICE = Price("price_1", "prod_1", "eur", 500, "month", lookup_key="monthly")
OWN = Price("price_2", "prod_1", "eur", 5000, "year", metadata={"discourse_grace": "30d"})


@pytest.mark.parametrize("key", ["grace", "discourse_grace", " Grace "])
@pytest.mark.parametrize(("value", "kept"), [("14d", "14d"), (" 0 ", "0"), ("", ""), ("  ", "")])
def test_A33_a_key_may_be_written_with_its_prefix_and_an_empty_value_removes_it(
    key: str, value: str, kept: str
) -> None:
    assert amendment("prod_1", key, value) == Amendment("prod_1", "grace", kept)


@pytest.mark.parametrize(
    ("key", "value", "says"),
    [
        ("colour", "blue", "not a key"),
        ("grace", "a week", "it takes days"),
        ("grace", "9999", "it takes days"),
        ("rank", "high", "whole number"),
        ("trial", "maybe", "grant, wait"),
        ("groups", "a,,b", "names or ids"),
        ("fund", "x" * 501, "up to 500"),
        ("groups", "a\nb", "one line"),
    ],
)
def test_A33_what_the_bridge_would_not_understand_is_refused(
    key: str, value: str, says: str
) -> None:
    with pytest.raises(Permanent, match=says):
        amendment("prod_1", key, value)


def test_the_rest_of_the_metadata_stays_as_it_is() -> None:
    more = amended(PRODUCT, amendment("prod_1", "grace", "14d"))
    assert more.metadata == {**PRODUCT.metadata, "discourse_grace": "14d"}
    assert said_there(more) == "discourse_grace = 14d; discourse_groups = supporters"
    assert amended(more, amendment("prod_1", "grace", "")) == PRODUCT


@pytest.mark.parametrize(
    ("toml", "thing", "instead"),
    [
        ({}, PRODUCT, None),
        ({}, PRICE, None),
        ({"products": {"prod_1": {"grace": "1d"}}}, PRODUCT, "bridge.toml [products.prod_1]"),
        ({"products": {"prod_1": {"grace": "1d"}}}, PRICE, "bridge.toml [products.prod_1]"),
        ({"prices": {"monthly": {"grace": "1d"}}}, PRICE, "bridge.toml [prices.monthly]"),
        ({"defaults": {"grace": "1d"}}, PRODUCT, None),
    ],
)
def test_A33_a_word_in_bridge_toml_is_heard_before_stripes_metadata(
    toml: dict[str, dict[str, dict[str, str]]], thing: Product | Price, instead: str | None
) -> None:
    change = amendment(thing.id, "grace", "14d")
    policy = parse_policy(toml)
    assert overruled_by(amended(thing, change), PRODUCT, change, policy) == instead


def test_a_price_with_its_own_word_does_not_follow_its_product() -> None:
    assert prices_that_differ(PRODUCT, [PRICE, OWN], "grace") == ("price_2",)
    assert prices_that_differ(PRODUCT, [PRICE, OWN], "rank") == ()
    change = amendment("price_1", "grace", "2d")
    assert overruled_by(amended(PRICE, change), PRODUCT, change, Policy()) is None


def test_words_are_offered_where_a_key_takes_no_others() -> None:
    assert words_for(KEYS["trial"]) == ("grant", "wait")
    assert words_for(KEYS["on_refund"]) == ("end", "keep", "period_end")
    for name in ("groups", "grace", "term", "rank", "on_partial_refund", "goal"):
        assert words_for(KEYS[name]) == ()
    for name, key in KEYS.items():
        for word in words_for(key):
            assert amendment("prod_1", name, word).value == word
