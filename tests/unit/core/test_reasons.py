import re
from dataclasses import replace
from typing import Literal

import pytest

from bridge.core.model.reasons import Reason
from bridge.core.model.stripe import Price
from bridge.core.telling.reasons import FOR_MODERATORS, SENTENCES, sentence, what_was_bought
from tests.unit.core.shop import DAY, NOW, START, hand, only, subscription


def test_A48_reasons_are_plain_words() -> None:
    yearly = Price("price_p", "prod_p", "eur", 5000, "year")
    what = what_was_bought("membership", yearly)
    assert sentence(only(subscription()), what) == "Your yearly membership is active."
    due = replace(subscription("past_due"), past_due_since_at=START + 2 * DAY)
    grant = only(due, now=START + 3 * DAY)
    assert sentence(grant, what) == (
        "The payment for your yearly membership failed on 3 March 2026. You keep access until "
        "10 March 2026."
    )


def test_a_day_that_is_not_known_is_said_so() -> None:
    assert sentence(only(subscription("canceled")), "membership") == (
        "Your membership ended on an unknown date."
    )


@pytest.mark.parametrize("reason", Reason)
def test_every_reason_has_words(reason: Reason) -> None:
    grant = replace(only(hand(NOW + DAY)), reason=reason.value, because_at=NOW)
    said = sentence(grant, "share")
    assert re.fullmatch(r"([A-Z][^.%{]+\. ?)+", said)
    assert set(SENTENCES) == set(FOR_MODERATORS) == set(Reason)


@pytest.mark.parametrize(
    ("interval", "count", "said"),
    [
        (None, 1, "membership"),
        ("day", 1, "daily membership"),
        ("week", 1, "weekly membership"),
        ("month", 1, "monthly membership"),
        ("month", 3, "quarterly membership"),
        ("month", 6, "half-yearly membership"),
        ("month", 12, "yearly membership"),
        ("week", 2, "membership (every 2 weeks)"),
    ],
)
def test_what_was_bought_is_called_by_its_kind_and_interval(
    interval: Literal["day", "week", "month", "year"] | None, count: int, said: str
) -> None:
    price = Price("price_p", "prod_p", "eur", 5000, interval, count)
    assert what_was_bought("membership", price) == said
    assert what_was_bought("supporter_share", None) == "supporter share"
    assert what_was_bought("event", None) == "ticket"
