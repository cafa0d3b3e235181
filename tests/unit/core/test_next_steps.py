"""The next steps after a purchase, and their dates."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from bridge.core.model.stripe import Price, Product
from bridge.core.rights.offers import Offer
from bridge.core.rights.renewing import Renewal
from bridge.core.rules.compiled import Rule
from bridge.core.rules.values import Term
from bridge.core.telling.next_steps import NextSteps, next_steps

NOW = datetime(2027, 1, 31, 12, tzinfo=UTC)


def at(year: int, month: int, day: int) -> datetime:
    return NOW.replace(year=year, month=month, day=day)


def offer(interval: str | None, count: int = 1, term: Term | None = None, *groups: int) -> Offer:
    price = Price("price_1", "prod_1", "eur", 500, interval, count)  # type: ignore[arg-type] # by table
    rule = Rule(id="product:prod_1", group_ids=groups, term=term)
    return Offer(Product("prod_1", "Patron"), price, rule, ())


@pytest.mark.parametrize(
    ("interval", "count", "renews_at"),
    [
        ("day", 10, at(2027, 2, 10)),
        ("week", 2, at(2027, 2, 14)),
        ("month", 1, at(2027, 2, 28)),
        ("month", 3, at(2027, 4, 30)),
        ("year", 1, at(2028, 1, 31)),
    ],
)
def test_a_subscription_says_when_it_renews(interval: str, count: int, renews_at: datetime) -> None:
    assert next_steps(offer(interval, count), NOW) == NextSteps(renews_at=renews_at)


def test_what_is_bought_once_says_when_access_ends() -> None:
    assert next_steps(offer(None, 1, Term(months=12), 41), NOW).ends_at == at(2028, 1, 31)


def test_E23_a_new_term_is_added_to_what_they_have() -> None:
    term, until = Term(months=12), at(2027, 6, 30)
    year = offer(None, 1, term, 41)
    renewal = Renewal(until, at(2028, 6, 30), term)
    assert next_steps(year, NOW, renewal).ends_at == at(2028, 6, 30)


def test_A67_a_subscription_after_a_term_is_paid_first_when_that_ends() -> None:
    until = at(2027, 6, 30)
    assert next_steps(offer("year"), NOW, continues_at=until) == NextSteps(renews_at=until)


@pytest.mark.parametrize(
    "once", [offer(None), offer(None, 1, None, 41), offer(None, 1, Term(days=9))]
)
def test_what_has_no_end_or_gives_no_access_says_nothing(once: Offer) -> None:
    assert next_steps(once, NOW) == NextSteps()
