"""A82: from a plain link in a post and back to that post; the browser names only the forum."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import requests

from tests.e2e.place import Browser, Place, open_place

pytestmark = pytest.mark.e2e


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Place]:
    with open_place(tmp_path) as opened:
        opened.open_group("patrons", "Patrons")
        opened.person("ada")
        for name, key in (("Patron", "patron"), ("Patron for a year", "patron-yearly")):
            about: Any = {"name": name, "metadata": {"discourse_groups": "patrons"}}
            product = opened.stripe.v1.products.create(about).id
            price: Any = {"product": product, "currency": "eur", "unit_amount": 500}
            recurring = {"interval": "year" if "year" in key else "month"}
            opened.stripe.v1.prices.create(price | {"lookup_key": key, "recurring": recurring})
        opened.settle()
        yield opened


def write(place: Place, text: str, topic: dict[str, Any] | None = None) -> dict[str, Any]:
    """A post; the first of a new topic, or an answer."""
    if topic is not None:
        return place.post(text, topic_id=topic["topic_id"])
    number = len(place.forum.topics)
    return place.post(text, title=f"Some words on how we live here {number}", category=4)


def follow(place: Place, browser: Browser | None = None) -> requests.Response:
    """Click on the plain link in a post: the browser sends only the forum's address."""
    browser = browser or place.browser("ada")
    said = {"Referer": f"{place.forum_url}/"}
    browser.get("/join/patron", headers=said)
    for thread in threading.enumerate():
        if thread.name == "posts":  # a page waits for it only a moment
            thread.join(20)
    return browser.get("/join/patron", headers=said)


def test_A82_a_plain_link_leads_back_to_the_only_post_that_holds_it(place: Place) -> None:
    topic = write(place, "We keep this place open together, and have done for years.")
    post = write(place, f"Become a [patron]({place.url}/join/patron), or do not.", topic)
    write(place, f"For a whole year it is [here]({place.url}/join/patron-yearly).", topic)
    back = f"{place.forum_url}/t/{topic['topic_id']}/{post['post_number']}"
    browser = place.browser("ada")
    offer = follow(place, browser)
    assert f'href="{back}"' in offer.text
    price = offer.text.split('action="/join/')[1].partition('"')[0]
    address = browser.submit(offer, f"/join/{price}").headers["Location"]
    place.pay_at_stripe(address)
    place.settle()
    account = place.world.parts["stripe"]
    session = account.get("checkout.session", address.rpartition("/")[2])
    done = browser.get(session["success_url"])
    assert "You are in Patrons" in done.text
    assert f'href="{back}"' in done.text


def test_A82_several_posts_of_one_topic_lead_back_to_the_topic(place: Place) -> None:
    topic = write(place, f"Become a patron: {place.url}/join/patron")
    write(place, f"Once more, here it is: {place.url}/join/patron", topic)
    offer = follow(place)
    assert f'href="{place.forum_url}/t/{topic["topic_id"]}"' in offer.text


def test_A82_a_link_in_several_topics_leads_back_to_the_forum_s_front(place: Place) -> None:
    for _ in range(2):
        write(place, f"Become a patron here: {place.url}/join/patron")
    assert "Back to the post" not in follow(place).text


def test_A82_what_only_its_people_may_read_is_never_led_to(place: Place) -> None:
    place.post(
        f"Only for you: {place.url}/join/patron and nobody else.",
        title="A message between the two of us",
        archetype="private_message",
        target_recipients="ada",
    )
    assert "Back to the post" not in follow(place).text


def test_A82_what_the_link_itself_says_wins(place: Place) -> None:
    write(place, f"Become a patron here: {place.url}/join/patron")
    page = place.browser("ada").get("/join/patron?from=/t/somewhere-else/99/2")
    assert f'href="{place.forum_url}/t/somewhere-else/99/2"' in page.text


def test_A82_the_forum_is_asked_once_without_the_key_and_never_by_a_fetcher_of_cards(
    place: Place,
) -> None:
    write(place, f"Become a patron here: {place.url}/join/patron")
    mark = place.world.journal.since()[-1].number
    requests.get(f"{place.url}/join/patron", timeout=20)
    assert asked(place, mark) == []
    for _ in range(3):
        follow(place)
    assert [path.partition("/")[0] for path in asked(place, mark)] == ["search.json", "raw"]


@pytest.mark.parametrize("fault", ["hang", "status", "half_body"])
def test_A82_a_search_that_fails_costs_a_page_a_moment_and_its_way_back_no_more(
    place: Place, fault: str
) -> None:
    write(place, f"Become a patron here: {place.url}/join/patron")
    browser = place.browser("ada")
    more: Any = {"status": 429} if fault == "status" else {}
    kept = place.world.faults.add("discourse", "GET /search*", fault, times=None, **more)
    page = browser.get("/join/patron")
    assert page.status_code == 200
    assert "Back to the post" not in page.text
    place.world.faults.switches.remove(kept)


def asked(place: Place, mark: int) -> list[str]:
    """The requests to the forum to find a post, in order."""
    return [
        entry.path.strip("/")
        for entry in place.world.journal.since(mark)
        if entry.path.startswith(("/search", "/raw"))
    ]
