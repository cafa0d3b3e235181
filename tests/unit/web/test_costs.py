"""What a change of plan costs today: asked of Stripe for a few, at once, and kept for a minute."""

from __future__ import annotations

import threading
from dataclasses import replace
from datetime import UTC, datetime

import pytest

from bridge.core.model.stripe import Price
from bridge.core.rights.switch_costs import (
    AT_ONCE,
    MOST_ASKED,
    Preview,
    Today,
    due_today,
    only_stripe_knows,
)
from bridge.core.rights.switching import PortalTerms, Switch
from bridge.errors import Permanent, Transient
from bridge.web.buying.costs import ASK_AGAIN, FRESH, MOST_AT_ONCE, TERMS_FRESH, CostCache
from tests.unit.core.shop import rules_of, subscription

TERMS = PortalTerms(proration="always_invoice")
OLD = Price("price_s", "prod_s", "eur", 1000, "month")
PAID = subscription("active")
RULE = rules_of().rule_for("price_p", "prod_p")
DUE = Preview("eur", (), 3952, 3952)


def switch(id_: str = "price_p", amount: int = 5000, *, is_up: bool = True) -> Switch:
    assert RULE
    target = Price(id_, "prod_p", "eur", amount, "month")
    return Switch(PAID, PAID.items[0], OLD, target, RULE, "in_place", is_up)


UP = switch()


# --- what Stripe has to be asked ------------------------------------------------------------------


def test_A36_a_few_changes_are_asked_about_and_steps_up_first() -> None:
    many = [switch("price_down", 500, is_up=False), *(switch(f"price_{n}") for n in range(5))]
    asked = only_stripe_knows(many, TERMS)
    assert [one.target.id for one in asked] == ["price_0", "price_1", "price_2"]
    assert len(asked) == MOST_ASKED


@pytest.mark.parametrize(
    ("change", "terms", "today"),
    [
        (UP, TERMS, Today(3952, "eur")),
        (UP, PortalTerms(), Today(0, "eur")),  # billed with the next payment
        (UP, None, None),  # Stripe's page lets nobody change
        (UP, PortalTerms(prices=frozenset({"price_x"})), None),  # not to this price
        (replace(UP, way="here"), None, Today(3952, "eur")),  # by the bridge, whatever the page
        (replace(UP, way="anew"), TERMS, Today(5000, "eur")),
        (replace(UP, way="mend"), TERMS, None),
        (
            replace(UP, target=replace(OLD, id="price_0", amount_minor=100)),
            replace(TERMS, deferred=frozenset({"decreasing_item_amount"})),
            Today(0, "eur"),
        ),
    ],
)
def test_A36_what_is_due_today_follows_from_how_the_change_is_billed(
    change: Switch, terms: PortalTerms | None, today: Today | None
) -> None:
    asked = only_stripe_knows([change], terms)
    assert due_today(change, terms, DUE) == today
    assert bool(asked) == (today == Today(3952, "eur"))
    if asked:
        assert due_today(change, terms, None) is None, "nobody guesses"


# --- how it is asked ------------------------------------------------------------------------------


class Stripe:
    """Answers like Stripe, and counts."""

    def __init__(self) -> None:
        self.now = datetime(2026, 3, 20, 12, tzinfo=UTC)
        self.asked: list[str] = []
        self.errors: dict[str, Exception] = {}
        self.answer: PortalTerms | None = TERMS
        self.open = threading.Event()
        self.open.set()
        self.costs = CostCache(self.terms, self.preview, lambda: self.now)

    def terms(self) -> PortalTerms | None:
        self._ask("terms")
        return self.answer

    def preview(self, change: Switch, terms: PortalTerms) -> Preview:
        assert terms == (AT_ONCE if change.way == "here" else TERMS)
        self.open.wait(10)
        self._ask(change.target.id)
        return DUE

    def _ask(self, what: str) -> None:
        self.asked.append(what)
        if what in self.errors:
            raise self.errors[what]


def test_A36_each_amount_is_asked_for_once_a_minute_and_the_terms_every_ten() -> None:
    stripe = Stripe()
    for _ in range(3):
        assert stripe.costs.of([UP, switch("price_2")]).keys() == {"price_p", "price_2"}
    assert sorted(stripe.asked) == ["price_2", "price_p", "terms"]
    stripe.now += FRESH
    stripe.costs.of([UP])
    assert stripe.asked[3:] == ["price_p"]
    stripe.now += TERMS_FRESH
    stripe.costs.of([UP])
    assert stripe.asked[4:] == ["terms", "price_p"]


@pytest.mark.parametrize("error", [Transient("down"), Permanent("the key may not")])
@pytest.mark.parametrize("failing", ["terms", "price_p"])
def test_A36_a_failed_question_is_asked_again_after_seconds_and_not_at_each_look(
    failing: str, error: Exception
) -> None:
    stripe = Stripe()
    stripe.errors[failing] = error
    assert stripe.costs.of([UP]) == {}
    assert stripe.costs.of([UP]) == {}
    assert stripe.asked.count(failing) == 1
    stripe.errors.clear()
    stripe.now += ASK_AGAIN
    assert stripe.costs.of([UP]) == {"price_p": Today(3952, "eur")}
    stripe.now += ASK_AGAIN
    stripe.costs.of([UP])
    assert stripe.asked.count(failing) == 2, "an answer is kept for as long as ever"


def test_A36_a_portal_that_allows_no_changes_is_an_answer_and_kept() -> None:
    stripe = Stripe()
    stripe.answer = None
    for _ in range(2):
        assert stripe.costs.of([UP]) == {}
        stripe.now += ASK_AGAIN
    assert stripe.asked == ["terms"]


def test_A36_a_slow_stripe_keeps_no_page_waiting_and_is_not_asked_without_end(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("bridge.web.buying.costs.WAIT_SECONDS", 0.01)
    stripe = Stripe()
    stripe.costs.of([])
    assert stripe.asked == []
    stripe.open.clear()
    others = [
        replace(UP, target=replace(UP.target, id=f"price_{n}"), way="here") for n in range(30)
    ]
    assert all(stripe.costs.of([one]) == {} for one in others)
    stripe.open.set()
    stripe.costs._pool.shutdown()
    assert len(stripe.asked) == 2 * MOST_AT_ONCE, "the others were not even begun"
    assert stripe.costs.of([others[0]]) == {"price_0": Today(3952, "eur")}, "it was kept"
