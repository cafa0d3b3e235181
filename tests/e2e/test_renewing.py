"""Renewing early, from the member's page to Stripe and back (A67)."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from bridge.core.model.rights import HandGrant
from bridge.core.rights.grants import grants
from bridge.core.telling.words import day_words
from bridge.sandbox.stripe import advance
from bridge.store import facts, hand_grants
from tests.e2e.place import Browser, Place, link, open_patrons

pytestmark = pytest.mark.e2e
DAY = 86_400


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Place]:
    with open_patrons(tmp_path) as opened:
        yield opened


def legacy(place: Place, name: str, left: timedelta, source: str = "import") -> datetime:
    """Somebody whom the register from before has as a member for so long; until when."""
    user_id, now = place.person(name), place.bridge.clock.now()
    (group_id,) = (one.id for one in place.forum.groups.values() if one.name == "patrons")
    until_at = now + left
    grant = HandGrant(f"old-{name}", user_id, group_id, now, until_at, "2026", "op", source)  # type: ignore[arg-type] # by table
    with place.bridge.store.write() as connection:
        hand_grants.give(connection, grant, now)
    return until_at


def sell(place: Place, interval: str | None, **metadata: str) -> str:
    about = {"discourse_groups": "patrons", **metadata}
    product = place.stripe.v1.products.create({"name": "Patron", "metadata": about})
    what: Any = {"product": product.id, "currency": "eur", "unit_amount": 2500}
    what |= {"recurring": {"interval": interval}} if interval else {}
    price = place.stripe.v1.prices.create(what).id
    place.settle()
    return price


def pay(place: Place, browser: Browser, price: str) -> None:
    gone = browser.submit(browser.get(f"/join/{price}"), f"/join/{price}")
    place.pay_at_stripe(gone.headers["Location"])
    place.settle()


def until(place: Place, name: str) -> datetime | None:
    """When the member's purchase ends, by their own page."""
    (user,) = (one for one in place.forum.users.values() if one.username == name)
    with place.bridge.store.read() as connection:
        known, _ = facts.facts_of(connection, user.id)
        law = place.bridge.rulebook.law(connection)

    found = grants(known, law.rules, law.policy, place.bridge.clock.now())
    return max(one.until_at for one in found if one.holds and one.until_at)


def test_A67_a_legacy_member_renews_by_a_pass_and_loses_no_day(place: Place) -> None:
    until_at = legacy(place, "ada", timedelta(days=40))
    price = sell(place, None, discourse_term="1y")
    ada = place.browser("ada")
    page = ada.get("/me")
    later = day_words(until_at.replace(year=until_at.year + 1))
    assert f"runs until {day_words(until_at)}." in page.text
    assert f"Renewing adds 1 year: until {later}." in page.text

    offered = page.text.partition("Ends soon")[2].partition("buttons")[2]
    shown = ada.get(offered.partition('href="')[2].partition('"')[0])
    assert f"Renewing adds 1 year: until {later}." in shown.text
    assert "You keep your access without a gap." in shown.text
    pay(place, ada, price)
    assert place.members("patrons") == {"ada"}
    assert until(place, "ada") == until_at.replace(year=until_at.year + 1)
    assert "Ends soon" not in ada.get("/me").text


def test_A67_a_subscription_that_renews_a_term_is_paid_when_that_is_over(place: Place) -> None:
    until_at = legacy(place, "ada", timedelta(days=40))
    price = sell(place, "year", discourse_trial="wait", discourse_trial_days="14")
    ada = place.browser("ada")
    shown = ada.get(f"/join/{price}")
    assert f"You have paid until {day_words(until_at)}" in shown.text
    assert f"The first payment is on {day_words(until_at)}." in shown.text
    assert "Start the free trial" not in shown.text

    pay(place, ada, price)
    (bought,) = place.stripe.v1.subscriptions.list().data
    assert bought.trial_end == int(until_at.timestamp())
    assert place.stripe.v1.charges.list().data == []
    page = ada.get("/me").text
    assert "Trial" not in page
    assert f"on {day_words(until_at)}" in page.partition("Next payment")[2]

    advance(place.world, 39 * DAY)
    place.settle()
    for _ in range(3):  # the end of the term, the first payment, and a day more
        advance(place.world, DAY)
        place.settle()
        assert place.members("patrons") == {"ada"}
    assert [one.amount for one in place.stripe.v1.charges.list().data] == [2500]


def test_A67_a_favour_is_not_counted_and_what_is_for_life_is_not_sold(place: Place) -> None:
    legacy(place, "ada", timedelta(days=40), "moderator")
    price = sell(place, "year")
    ada = place.browser("ada")
    assert "Ends soon" not in ada.get("/me").text
    shown = ada.get(f"/join/{price}").text
    assert "You have paid until" not in shown
    assert "Continue to payment" in shown

    now = place.bridge.clock.now()
    user_id = place.person("ben")
    (group_id,) = (one.id for one in place.forum.groups.values() if one.name == "patrons")
    for_life = HandGrant("life", user_id, group_id, now, None, "1998", "op", "import")
    with place.bridge.store.write() as connection:
        hand_grants.give(connection, for_life, now)
    place.settle()
    once = sell(place, None, discourse_term="1y")
    ben = place.browser("ben")
    assert "Continue to payment" not in ben.get(f"/join/{once}").text
    assert "Ends soon" not in ben.get("/me").text


def test_A67_more_than_two_years_ahead_nothing_is_renewed_and_the_page_says_when(
    place: Place,
) -> None:
    until_at = legacy(place, "ada", timedelta(days=800))
    price = sell(place, "year")
    answer = place.browser("ada").get(f"/join/{price}")
    assert answer.status_code == 409
    assert "It is too early to renew" in answer.text
    assert f"You have paid until {day_words(until_at)}." in answer.text
    assert link(answer, "View your membership") == "/me"
