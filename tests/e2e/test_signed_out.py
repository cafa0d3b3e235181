"""Signing out, here and on the forum: an old cookie is worth nothing within minutes."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from bridge.core.model.stripe import Price, Product
from bridge.web.context import ACT_HOLDS, LOOK_HOLDS
from tests.e2e.place import Browser, Place, link, open_patrons

pytestmark = pytest.mark.e2e
PATRON = Product("prod_patron", "Patron", metadata={"discourse_groups": "patrons"})
YEARLY = Price("price_year", "prod_patron", "eur", 2500, "year", lookup_key="patron")
LATER = LOOK_HOLDS.total_seconds() + 1
MUCH_LATER = ACT_HOLDS.total_seconds() + 1


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    with open_patrons(tmp_path_factory.mktemp("place"), "ada") as opened:
        opened.sell(PATRON, YEARLY)
        yield opened


def signed_in(place: Place) -> Browser:
    browser = place.browser("ada")
    assert browser.get("/me").status_code == 200
    return browser


def with_the_cookie_of(browser: Browser) -> Browser:
    """Another browser that holds a copy of the cookie, and is not logged in to the forum."""
    thief = browser.place.browser()
    thief.cookies.set("bridge", browser.cookies["bridge"], domain="127.0.0.1", path="/")
    return thief


def is_signed_in(browser: Browser) -> bool:
    return browser.get("/me", allow_redirects=False).status_code == 200


def log_out_of_forum(browser: Browser) -> None:
    forum = browser.place.forum_url
    token = browser.get(f"{forum}/session/csrf.json").json()["csrf"]
    answer = browser.delete(f"{forum}/session/ada.json", headers={"X-CSRF-Token": token})
    assert answer.status_code == 200, answer.text


def test_A135_a_sign_out_ends_copies_of_the_cookie_and_other_browsers(place: Place) -> None:
    here, elsewhere = signed_in(place), signed_in(place)
    copy = with_the_cookie_of(here)
    assert is_signed_in(copy)
    here.submit(here.get("/me"), "/logout")
    assert not is_signed_in(copy)
    assert not is_signed_in(elsewhere)
    assert elsewhere.get("/me").status_code == 200, "the forum still knows them: signed in anew"


def test_A135_a_member_still_logged_in_on_the_forum_notices_nothing(place: Place) -> None:
    browser = signed_in(place)
    page = browser.get("/join/patron")
    place.pass_time(LATER)
    again = browser.get("/join/patron")
    assert "Continue to payment" in again.text
    assert again.url == page.url
    kept = browser.submit(page, "/logout")
    assert kept.status_code == 303, "a form that was open in another tab is still good"


def test_A135_a_logout_on_the_forum_is_noticed_within_minutes_without_its_webhook(
    place: Place,
) -> None:
    browser = signed_in(place)
    copy = with_the_cookie_of(browser)
    form = browser.get("/join/patron")
    log_out_of_forum(browser)
    place.pass_time(LATER)
    assert copy.get("/me").status_code == 401
    page = browser.get("/me")
    assert page.status_code == 401
    assert "Log in" in page.text
    place.pass_time(MUCH_LATER - LATER)
    refused = browser.submit(form, "/join/price_year")
    assert refused.status_code == 400, "this browser is nobody's any more"
    assert copy.post("/me/billing", allow_redirects=False).status_code == 400


def test_A135_a_form_that_came_too_late_leads_back_to_its_page(place: Place) -> None:
    browser = signed_in(place)
    page = browser.get("/join/patron", params={"from": "/t/7"})
    place.pass_time(MUCH_LATER)
    back = browser.submit(page, "/join/price_year")
    assert back.status_code == 303
    arrived = browser.get(back.headers["Location"])
    assert "Continue to payment" in arrived.text
    assert link(arrived, "← Back to the post") == f"{place.forum_url}/t/7"
