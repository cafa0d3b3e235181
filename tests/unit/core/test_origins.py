"""The origin of each value of a rule: price, product, bridge.toml, or the default."""

from __future__ import annotations

from bridge.core.model.stripe import Price, Product
from bridge.core.rules.origins import BUILT_IN, SITE_DEFAULT, Value, bearing, values_of
from bridge.core.rules.policy import parse_policy

PRODUCT = Product(
    "prod_1",
    "Membership",
    metadata={"discourse_groups": "supporters", "discourse_grace": "3d", "discourse_kind": "share"},
)
PRICE = Price(
    "price_1", "prod_1", "eur", 1000, "month", lookup_key="monthly",
    metadata={"discourse_grace": "5d"},
)  # fmt: skip
POLICY = parse_policy(
    {
        "defaults": {"term": "30d", "on_partial_refund": "50%", "grace": "9d", "trial": "wait"},
        "products": {"prod_1": {"kind": "donation"}},
        "prices": {"monthly": {"on_pause": "keep"}},
    }
)


def said() -> dict[str, tuple[str, str]]:
    return {one.key: (one.value, one.said_in) for one in values_of(PRODUCT, PRICE, policy=POLICY)}


def test_each_value_names_the_last_word_on_it() -> None:
    found = said()
    assert found["groups"] == ("supporters", "product prod_1")
    assert found["grace"] == ("5d", "price price_1")
    assert found["kind"] == ("donation", "bridge.toml [products.prod_1]")
    assert found["on_pause"] == ("keep", "bridge.toml [prices.monthly]")


def test_what_nobody_said_of_it_is_the_sites_default_or_the_bridges() -> None:
    found = said()
    assert found["term"] == ("30d", SITE_DEFAULT)
    assert found["on_partial_refund"] == ("50%", SITE_DEFAULT)
    assert found["trial"] == ("wait", SITE_DEFAULT)
    assert found["on_dispute"] == ("keep", BUILT_IN)
    assert found["on_refund"] == ("one-off: end; subscription: keep", BUILT_IN)


def test_the_values_that_bear_on_a_verdict_are_few() -> None:
    values = values_of(PRODUCT, PRICE, policy=POLICY)
    found = [one.key for one in bearing(values, "grace_over")]
    assert found == ["groups", "grace", "grace_notice"]
    assert [one.key for one in bearing(values, "active")] == ["groups"]
    assert bearing((Value("ladder", "level", "here"),), "active")


def test_of_an_unknown_price_only_defaults_are_known() -> None:
    assert {one.said_in for one in values_of(None, None, policy=POLICY)} == {SITE_DEFAULT, BUILT_IN}
