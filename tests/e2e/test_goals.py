"""A goal as a bar on its offer and as a picture for posts, from stored data."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any
from xml.etree.ElementTree import fromstring

import pytest
import requests

from bridge.sandbox.stripe import advance
from tests.e2e.place import Place, open_place

pytestmark = pytest.mark.e2e
SVG = "{http://www.w3.org/2000/svg}"
GOALS = {
    "monthly": "10 eur/month",
    "people": "2 members",
    "coffee": "12.50 eur",
    "plain": "",
    "broken": "a great deal",
}


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    with open_place(tmp_path_factory.mktemp("place")) as opened:
        for group in ("patrons", "friends"):
            opened.open_group(group, group.capitalize())
        opened.person("ada")
        for key, goal in GOALS.items():
            _sell(opened, key, goal)
        opened.settle()
        for key in ("monthly", "people", "coffee"):
            _buy(opened, key)
        opened.pass_time(61)
        yield opened


def _sell(place: Place, key: str, goal: str) -> None:
    said = {"discourse_goal": goal, "discourse_offer": "yes"}
    groups = {"monthly": "patrons", "people": "friends"}.get(key)
    metadata = {**said, **({"discourse_groups": groups} if groups else {})}
    about: Any = {"name": f"Our {key} <offer> & more", "metadata": metadata}
    product = place.stripe.v1.products.create(about).id
    price: Any = {"product": product, "currency": "eur", "unit_amount": 500, "lookup_key": key}
    if key != "coffee":
        price["recurring"] = {"interval": "month"}
    place.stripe.v1.prices.create(price)


def _buy(place: Place, key: str) -> None:
    browser = place.browser("ada")
    offer = browser.get(f"/join/{key}")
    price = offer.text.split('action="/join/')[1].partition('"')[0]
    place.pay_at_stripe(browser.submit(offer, f"/join/{price}").headers["Location"])
    place.settle()


def picture(place: Place, key: str) -> requests.Response:
    return requests.get(f"{place.url}/goal/{key}.svg", timeout=20)


@pytest.mark.parametrize(
    ("key", "words"),
    [
        ("monthly", "Our monthly <offer> & more: €5 of €10 a month, 50%"),
        ("people", "Our people <offer> & more: 1 of 2 members, 50%"),
        ("coffee", "Our coffee <offer> & more: €5 of €12, 40%"),
    ],
)
def test_a_goal_is_a_picture_that_says_aloud_what_it_shows(
    place: Place, key: str, words: str
) -> None:
    answer = picture(place, key)
    assert answer.status_code == 200
    assert answer.headers["Content-Type"].startswith("image/svg+xml")
    drawn = fromstring(answer.content)  # noqa: S314 - our own answer
    title = drawn.find(f"{SVG}title")
    assert title is not None
    assert title.text == words
    assert drawn.get("role") == "img"
    assert drawn.get("aria-labelledby") == title.get("id")


def test_a_picture_has_both_schemes_is_kept_a_minute_and_asks_nobody(place: Place) -> None:
    picture(place, "monthly")
    mark = place.world.journal.since()[-1].number
    place.pass_time(61)
    answer = picture(place, "monthly")
    assert place.world.journal.since(mark) == []
    assert "prefers-color-scheme: dark" in answer.text
    assert answer.headers["Cache-Control"] == "public, max-age=60"
    assert "Set-Cookie" not in answer.headers
    assert "script" not in answer.headers["Content-Security-Policy"]


def test_a_goal_moves_within_a_minute_of_being_paid_for(place: Place) -> None:
    place.person("bob")
    before = picture(place, "people").text
    browser = place.browser("bob")
    offer = browser.get("/join/people")
    price = offer.text.split('action="/join/')[1].partition('"')[0]
    place.pay_at_stripe(browser.submit(offer, f"/join/{price}").headers["Location"])
    place.settle()
    place.pass_time(61)
    assert "1 of 2 members" in before
    assert "2 of 2 members, goal reached" in picture(place, "people").text


def test_the_offer_shows_the_same_as_a_bar(place: Place) -> None:
    page = requests.get(f"{place.url}/join", timeout=20)
    card = page.text.split("Our monthly &lt;offer&gt; &amp; more")[1].split('<li class="card')[0]
    assert 'max="100" value="50"' in card
    assert "€5 of €10 a month" in card


@pytest.mark.parametrize(("key", "status"), [("plain", 404), ("nothing", 404), ("broken", 503)])
def test_without_a_goal_there_is_no_picture(place: Place, key: str, status: int) -> None:
    assert picture(place, key).status_code == status


def test_what_renews_counts_again_for_a_goal_in_all(tmp_path: Path) -> None:
    with open_place(tmp_path) as place:
        place.open_group("patrons")
        place.person("ada")
        _sell(place, "monthly", "100 eur")
        place.settle()
        _buy(place, "monthly")
        advance(place.world, 32 * 86_400)
        place.settle()
        place.pass_time(61)
        assert "€10 of €100" in picture(place, "monthly").text
