"""Seats in the browser: given by name, seen by both, taken back and declined."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser as Chromium
from playwright.sync_api import Page, expect

from bridge.core.model.actor import operator
from bridge.operations import links
from tests.e2e.chromium import AXE, CHROMIUM, DESK, log_in, look_wide_and_narrow
from tests.e2e.place import Browser, Place, open_patrons

pytestmark = pytest.mark.e2e


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Place]:
    with open_patrons(tmp_path, "ada", "ben", "cleo") as opened:
        yield opened


@pytest.fixture
def team(place: Place) -> str:
    """Ada pays for three; the id of the subscription."""
    price = place.sell_at_stripe("Team patron", "patrons", 2500, "year")
    made = place.stripe.v1.customers.create({"payment_method": "pm_card_visa"})
    (card,) = place.stripe.v1.customers.payment_methods.list(made.id).data
    default: Any = {"invoice_settings": {"default_payment_method": card.id}}
    place.stripe.v1.customers.update(made.id, default)
    ada = place.forum.user_named("ada")
    assert ada
    links.link(place.bridge, operator("test"), made.id, ada.id)
    what: Any = {"customer": made.id, "items": [{"price": price, "quantity": 3}]}
    bought = place.stripe.v1.subscriptions.create(what)
    place.settle()
    return bought.id


def give(browser: Browser, name: str, **more: str) -> Any:
    return browser.submit(browser.get("/me/seats"), "/me/seats/give", name=name, **more)


@pytest.mark.usefixtures("team")
def test_E21_a_name_that_does_not_work_is_shown_again_with_the_reason(place: Place) -> None:
    ada = place.browser("ada")
    for name, why in {
        "nobody-here": "Nobody on the forum has this name",
        "<b>ben</b>": "Nobody on the forum has this name",
        "ada": "They already have this membership themselves",
    }.items():
        told = give(ada, name)
        assert told.status_code == 422
        assert why in told.text
        assert "<b>ben" not in told.text
    assert give(ada, "@ben").status_code == 303
    assert give(ada, "cleo").status_code == 303
    place.settle()
    assert place.members("patrons") == {"ada", "ben", "cleo"}
    assert 'action="/me/seats/give"' not in ada.get("/me/seats").text, "no place is left"


def test_I7_nobody_gives_or_takes_seats_of_another(place: Place, team: str) -> None:
    ada, ben = place.browser("ada"), place.browser("ben")
    give(ada, "cleo")
    place.settle()
    give(ada, "ben")
    place.settle()
    page = ben.get("/me/seats")
    assert "Team patron" in page.text
    cleo = place.forum.user_named("cleo")
    assert cleo
    token = page.text.partition('csrf_token" value="')[2].partition('"')[0]
    for act in ("give", "take-back", "keep"):
        form = {"csrf_token": token, "seats_of": team, "name": "ben", "user": str(cleo.id)}
        said = {"Referer": page.url}
        assert ben.post(f"/me/seats/{act}", data=form, headers=said).status_code == 403
    for act in ("give", "take-back", "keep", "decline"):
        assert ada.post(f"/me/seats/{act}", data={"seats_of": team}).status_code == 400
        gone = place.browser().post(f"/me/seats/{act}", allow_redirects=False)
        assert gone.status_code in (400, 303, 401)
    place.settle()
    assert place.members("patrons") == {"ada", "ben", "cleo"}


@pytest.mark.skipif(CHROMIUM is None, reason="no chromium is installed here")
@pytest.mark.skipif(not AXE.exists(), reason="axe-core is not at build/axe.min.js")
@pytest.mark.usefixtures("team")
def test_E21_a_seat_is_given_declined_and_taken_back_in_a_browser(
    browser: Chromium, place: Place
) -> None:
    with browser.new_context(viewport=DESK) as context:
        page = context.new_page()
        _arrive(place, page, "ada", "/me")
        page.get_by_role("link", name="Seats").click()
        page.get_by_label("Forum name").fill("nobody-here")
        page.get_by_role("button", name="Give a seat").click()
        look_wide_and_narrow(page, "seats-refused")
        page.get_by_label("Forum name").fill("")
        page.get_by_label("Forum name").press_sequentially("be")
        expect(page.locator("datalist option")).to_have_attribute("value", "ben")
        page.get_by_label("Forum name").fill("ben")
        page.get_by_role("button", name="Give a seat").click()
        expect(page.get_by_role("status")).to_contain_text("The seat has been given")
        page.get_by_label("Forum name").fill("cleo")
        page.get_by_role("button", name="Give a seat").click()
        place.settle()
        assert place.members("patrons") == {"ada", "ben", "cleo"}
        page.get_by_role("button", name="Take back (ben)").click()
        expect(page.get_by_text("ends on")).to_be_visible()
        look_wide_and_narrow(page, "seats")
    with browser.new_context(viewport=DESK) as context:
        page = context.new_page()
        _arrive(place, page, "cleo", "/me/seats")
        look_wide_and_narrow(page, "seats-received")
        page.get_by_role("button", name="Decline").click()
        expect(page.get_by_role("status")).to_contain_text("You have given the seat back")
        place.settle()
        place.pass_time(61)
        place.settle()
        assert place.members("patrons") == {"ada", "ben"}


def _arrive(place: Place, page: Page, name: str, path: str) -> None:
    page.goto(f"{place.forum_url}/login")
    log_in(page, name)
    page.goto(f"{place.url}{path}")
