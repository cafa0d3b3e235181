"""Prices and terms as a reader says them."""

from __future__ import annotations

import pytest

from bridge.core.model.discourse import Group
from bridge.core.model.stripe import Price
from bridge.core.rules.values import Term
from bridge.core.telling.words import group_names, price_words, recurrence_words, term_words


def price(
    amount: int | None, interval: str | None = None, count: int = 1, cur: str = "eur"
) -> Price:
    return Price("price_1", "prod_1", cur, amount, interval, count)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("given", "said"),
    [
        (price(2500, "year"), "€25.00 a year"),
        (price(800, "month", 3), "€8.00 every 3 months"),
        (price(5000), "€50.00"),
        (price(500, "month", cur="jpy"), "JP¥500 a month"),
        (price(None, "month"), "shown by Stripe a month"),
    ],
)
def test_a_price_is_said_with_its_interval(given: Price, said: str) -> None:
    assert price_words(given, "en-GB") == said


def test_numbers_follow_the_reader() -> None:
    assert price_words(price(123_456), "de") == "1.234,56\N{NO-BREAK SPACE}€"


def test_recurrence_is_a_sentence() -> None:
    assert recurrence_words(price(1, "month")).startswith("Renews automatically every month.")
    assert recurrence_words(price(1, "month", 3)).startswith("Renews automatically every 3 months")
    assert recurrence_words(price(1)) == "You pay once. It does not renew."


@pytest.mark.parametrize(
    ("term", "said"),
    [
        (Term(months=12), "1 year"),
        (Term(months=24), "2 years"),
        (Term(months=18), "18 months"),
        (Term(days=30), "30 days"),
        (Term(days=1, months=1), "1 month and 1 day"),
    ],
)
def test_a_term_is_said_in_words(term: Term, said: str) -> None:
    assert term_words(term) == said


def test_groups_are_named_as_the_forum_names_them() -> None:
    patrons, friends = Group(1, "patrons", "Patrons"), Group(2, "friends")
    assert group_names([patrons]) == "Patrons"
    assert group_names([patrons, friends]) == "Patrons and friends"
    assert group_names([]) == "your group"
