"""A present: bought by one member for another, by name or by a link to hand over."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
import requests
from playwright.sync_api import Browser as Chromium
from playwright.sync_api import Page, expect

from bridge.core.signed.present import read_present, sign_present
from bridge.store import links
from tests.e2e.chromium import AXE, CHROMIUM, DESK, log_in, look_wide_and_narrow
from tests.e2e.place import Browser, Place, link, open_patrons

pytestmark = pytest.mark.e2e
DAY = 86_400
BEN = {"to": "name", "anonymous": "", "name": "ben"}
UNTOUCHED = {"to": "name", "anonymous": ""}
in_chromium = pytest.mark.skipif(
    CHROMIUM is None or not AXE.exists(), reason="chromium or axe-core is not here"
)


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Place]:
    with open_patrons(tmp_path, "ada", "ben", "cleo") as opened:
        yield opened


def sell(place: Place, interval: str | None, **metadata: str) -> str:
    about = {"discourse_groups": "patrons", "discourse_gift": "yes", **metadata}
    product = place.stripe.v1.products.create({"name": "Patron", "metadata": about})
    what: Any = {"product": product.id, "currency": "eur", "unit_amount": 2500}
    what |= {"recurring": {"interval": interval}} if interval else {}
    price = place.stripe.v1.prices.create(what).id
    place.settle()
    return price


@pytest.fixture
def month(place: Place) -> str:
    """Thirty days, bought once."""
    return sell(place, None, discourse_term="30d")


def wrap(giver: Browser, price: str, **fields: str) -> requests.Response:
    """Fill in the form and press the button; Stripe's page is not opened."""
    filled_in = {**UNTOUCHED, **fields}
    return giver.submit(giver.get(f"/give/{price}"), f"/give/{price}", **filled_in)


def give(place: Place, price: str, giver: str = "ada", **fields: str) -> Browser:
    """Give a present and pay for it."""
    browser = place.browser(giver)
    gone = wrap(browser, price, **fields)
    assert gone.status_code == 303, gone.text
    place.pay_at_stripe(gone.headers["Location"])
    place.settle()
    return browser


def link_of(browser: Browser) -> str:
    """The path of the link that the giver is shown."""
    page = browser.get("/me/presents").text
    shown = page.partition('readonly value="')[2].partition('"')[0]
    return urlsplit(shown).path


def take(browser: Browser, path: str) -> requests.Response:
    return browser.submit(browser.get(path), path)


def told(place: Place, name: str) -> list[str]:
    user = place.forum.user_named(name)
    assert user
    topics = [t for t in place.forum.topics.values() if user.id in t.allowed_user_ids]
    return [place.forum.posts[post_id].raw for topic in topics for post_id in topic.post_ids]


def test_E52_a_present_by_name_is_the_receivers_and_they_are_told(place: Place, month: str) -> None:
    ada = give(place, month, name="Ben", note="For all your answers!  <3")
    assert place.members("patrons") == {"ben"}
    (message,) = [text for text in told(place, "ben") if "gave you a gift" in text]
    assert message.startswith("ada gave you a gift: **")
    assert "> For all your answers\\! \\<3" in message
    page = ada.get("/me/presents").text
    assert "Given to ben on" in page
    assert "For all your answers! &lt;3" in page
    place.pass_time(30 * DAY + 60)
    place.settle()
    place.pass_time(61)
    place.settle()
    assert place.members("patrons") == set()


def test_E52_an_anonymous_present_names_nobody(place: Place, month: str) -> None:
    give(place, month, name="ben", anonymous="yes")
    said = "\n".join(told(place, "ben"))
    assert "Somebody gave you a gift" in said
    assert "ada" not in said


def test_E52_a_subscription_is_given_as_well_and_nothing_changes_for_the_giver(
    place: Place,
) -> None:
    yearly = sell(place, "year")
    ada = place.browser("ada")
    place.pay_at_stripe(
        ada.submit(ada.get(f"/join/{yearly}"), f"/join/{yearly}").headers["Location"]
    )
    place.settle()
    assert "Give it to somebody else as a gift" in ada.get(f"/join/{yearly}").text
    give(place, yearly, name="ben")
    assert place.members("patrons") == {"ada", "ben"}
    (present,) = [
        one
        for one in place.stripe.v1.subscriptions.list().data
        if "bridge_present" in one.metadata.to_dict()
    ]
    place.stripe.v1.subscriptions.cancel(present.id)
    for _ in range(2):
        place.settle()
        place.pass_time(61)
    place.settle()
    assert place.members("patrons") == {"ada"}
    assert "It has ended or was refunded" in ada.get("/me/presents").text


def test_E52_a_present_begins_on_the_day_that_was_chosen_and_lasts_its_whole_term(
    place: Place, month: str
) -> None:
    begins = (place.bridge.clock.now() + timedelta(days=10)).date()
    ada = give(place, month, name="ben", begins=begins.isoformat())
    assert place.members("patrons") == set()
    assert "starting on" in ada.get("/me/presents").text
    days_in = []
    for day in range(45):
        if place.members("patrons") == {"ben"}:
            days_in.append(day)
        place.pass_time(DAY)
        place.settle()
        place.pass_time(61)
        place.settle()
    assert 29 <= len(days_in) <= 31
    assert 9 <= days_in[0] <= 11


def test_E52_a_link_is_handed_over_and_works_once(place: Place, month: str) -> None:
    ada = give(place, month, to="link", note="Enjoy")
    assert place.members("patrons") == set(), "nobody's until it is taken"
    path = link_of(ada)
    place.pass_time(20 * DAY)
    ben, cleo = place.browser("ben"), place.browser("cleo")
    page_of_cleo = cleo.get(path)
    assert "ada is giving you Patron" in page_of_cleo.text
    assert "Enjoy" in page_of_cleo.text
    assert place.members("patrons") == set(), "to look is not to take"
    assert take(ben, path).headers["Location"] == "/me"
    place.settle()
    assert place.members("patrons") == {"ben"}
    assert "ben took it on" in ada.get("/me/presents").text
    assert cleo.submit(page_of_cleo, path).status_code == 410
    assert "already been taken" in ben.get(path).text
    place.pass_time(25 * DAY)
    place.settle()
    assert place.members("patrons") == {"ben"}, "the term began when it was taken"


def test_E52_a_link_can_be_replaced_and_expires(place: Place, month: str) -> None:
    ada, ben = give(place, month, to="link"), place.browser("ben")
    old = link_of(ada)
    page = ada.get("/me/presents")
    button = page.text.partition('name="present" value="')[2].partition('"')[0]
    assert ada.submit(page, "/me/presents/new-link", present=button).status_code == 303
    new = link_of(ada)
    assert new != old
    assert ben.get(old).status_code == 410
    other = ben.get("/me/presents")
    token = other.text.partition('csrf_token" value="')[2].partition('"')[0]
    foreign = {"present": button, "csrf_token": token}
    said = {"Referer": other.url}
    assert ben.post("/me/presents/new-link", data=foreign, headers=said).status_code == 403
    place.pass_time(91 * DAY)
    assert "no longer valid" in place.browser("ben").get(new).text
    ada = place.browser("ada")
    ada.submit(ada.get("/me/presents"), "/me/presents/new-link", present=button)
    assert take(place.browser("ben"), link_of(ada)).status_code == 303
    place.settle()
    assert place.members("patrons") == {"ben"}


def test_E52_a_forged_link_a_stranger_and_the_giver_get_nothing(place: Place, month: str) -> None:
    ada = give(place, month, to="link")
    path = link_of(ada)
    word = path.rpartition("/")[2]
    secret = place.bridge.settings.secret_key
    read = read_present(word, [secret])
    assert read
    for forged in (
        sign_present(read[0], read[1], "another secret of another site"),
        sign_present(read[0], read[1] + 1, secret),
        sign_present("a" * 24, 1, secret),
        f"{read[0]}.{read[1]}.{'A' * 32}",
        "nothing",
    ):
        assert place.browser("ben").get(f"/present/{forged}").status_code in (404, 410)
    assert "You paid for this yourself" in ada.get(path).text
    form = {"csrf_token": ada.get("/me").text.partition('csrf_token" value="')[2].partition('"')[0]}
    mine = ada.post(path, data=form, headers={"Referer": ada.place.url + path})
    assert mine.status_code == 403
    assert place.browser().get(path, allow_redirects=False).status_code in (303, 401)
    place.settle()
    assert place.members("patrons") == set()


@pytest.mark.parametrize("fields", [{"name": "ben"}, {"to": "link"}])
def test_E52_a_refund_ends_a_present(place: Place, month: str, fields: dict[str, str]) -> None:
    ada = give(place, month, **fields)
    path = link_of(ada) if "to" in fields else None
    (charge,) = place.stripe.v1.charges.list().data
    place.stripe.v1.refunds.create({"charge": charge.id})
    for _ in range(2):
        place.settle()
        place.pass_time(61)
    place.settle()
    assert place.members("patrons") == set()
    assert "It has ended or was refunded" in ada.get("/me/presents").text
    if path:
        assert place.browser("ben").get(path).status_code == 410


def test_E52_a_present_that_nobody_should_get_is_refused_before_payment(
    place: Place, month: str
) -> None:
    ada = place.browser("ada")
    for_life = sell(place, None)
    cleo = place.browser("cleo")
    page = cleo.get(f"/join/{for_life}")
    place.pay_at_stripe(cleo.submit(page, f"/join/{for_life}").headers["Location"])
    place.settle()
    ben = place.forum.user_named("ben")
    assert ben
    ben.suspended_till = place.world.clock.now() + 30 * DAY
    for name, why in {
        "ada": "A gift is for somebody else",
        "nobody-here": "Nobody on the forum has this name",
        "": "Nobody on the forum has this name",
        "<script>": "Nobody on the forum has this name",
        "ben": "not active on the forum",
        "cleo": "They already have this",
    }.items():
        refused = wrap(ada, for_life, name=name)
        assert refused.status_code == 422, name
        assert why in refused.text, name
        assert "<script>" not in refused.text
    late = (place.bridge.clock.now() + timedelta(days=400)).date().isoformat()
    past = (place.bridge.clock.now() - timedelta(days=2)).date().isoformat()
    for fields in ({"begins": late}, {"begins": past}, {"begins": "soon"}, {"note": "x" * 301}):
        assert wrap(ada, month, to="link", **fields).status_code == 422
    private = place.sell_at_stripe("Only for oneself", "patrons", 900, None)
    place.settle()
    assert ada.get(f"/give/{private}").status_code == 404
    assert "Give it" not in ada.get(f"/join/{private}").text
    assert len(place.stripe.v1.checkout.sessions.list().data) == 1, "nothing to pay was made"


def test_E52_the_button_pressed_twice_is_one_present_of_the_givers_own_customer(
    place: Place, month: str
) -> None:
    ada = place.browser("ada")
    page = ada.get(f"/give/{month}")
    first = ada.submit(page, f"/give/{month}", **BEN)
    again = ada.submit(page, f"/give/{month}", **BEN)
    assert first.headers["Location"] == again.headers["Location"]
    eve = place.browser("cleo")
    token = page.text.partition('name="order" value="')[2].partition('"')[0]
    stolen = eve.submit(eve.get(f"/give/{month}"), f"/give/{month}", **BEN, order=token)
    assert stolen.status_code == 403
    place.pay_at_stripe(first.headers["Location"])
    place.settle()
    after = ada.submit(page, f"/give/{month}", **BEN)
    assert parse_qs(urlsplit(after.headers["Location"]).query)["paid"] == [token]
    user = place.forum.user_named("ada")
    assert user
    with place.bridge.store.read() as connection:
        assert len(links.customers_of(connection, user.id)) == 1


@in_chromium
def test_E52_presents_by_name_and_by_link_are_given_and_taken_in_a_browser(
    browser: Chromium, place: Place, month: str
) -> None:
    with browser.new_context(viewport=DESK) as context:
        page = context.new_page()
        address = _give_in_browser(place, page, month)
        _give_by_name(place, page, month)
    with browser.new_context(viewport=DESK) as context:
        page = context.new_page()
        page.goto(address)
        page.get_by_role("link", name="Log in to A Community").click()
        log_in(page, "newcomer")
        if not page.url.startswith(place.url):
            page.goto(address)
        expect(page.get_by_text("ada is giving you Patron")).to_be_visible()
        look_wide_and_narrow(page, "present")
        page.get_by_role("button", name="Accept the gift").click()
        place.settle()
        assert place.members("patrons") == {"cleo", "newcomer"}
        page.reload()
        expect(page.get_by_role("main")).to_contain_text("Patrons")


def _give_by_name(place: Place, page: Page, price: str) -> None:
    """Ada types the beginning of a name, chooses a name that the forum knows, and pays."""
    page.goto(f"{place.url}/give/{price}")
    page.get_by_label("Forum name").press_sequentially("cl")
    expect(page.locator("datalist option")).to_have_attribute("value", "cleo")
    page.get_by_label("Forum name").fill("cleo")
    page.get_by_role("button", name="Continue to payment").click()
    page.get_by_label("E-mail").fill("ada@example.com")
    page.locator("button[value=pay]").click()
    place.settle()
    expect(page.get_by_role("main")).to_contain_text("Given to cleo on", timeout=10_000)
    assert place.members("patrons") == {"cleo"}


def _give_in_browser(place: Place, page: Page, price: str) -> str:
    """Ada finds the form, mistypes, chooses a link and pays; the link that she is shown."""
    page.goto(f"{place.forum_url}/login")
    log_in(page, "ada")
    page.goto(f"{place.url}/join/{price}")
    page.get_by_role("link", name="For somebody else?").click()
    page.get_by_label("Forum name").fill("nobody-here")
    page.get_by_role("button", name="Continue to payment").click()
    expect(page.get_by_role("alert")).to_be_visible()
    look_wide_and_narrow(page, "give")
    page.get_by_label("Somebody I send a link to").check()
    page.get_by_label("Note").fill("Thank you for everything!")
    page.get_by_role("button", name="Continue to payment").click()
    page.get_by_label("E-mail").fill("ada@example.com")
    page.locator("button[value=pay]").click()
    expect(page.get_by_role("status")).to_contain_text("Your payment is being confirmed")
    place.settle()
    expect(page.get_by_role("status")).to_contain_text("Your gift is ready", timeout=10_000)
    look_wide_and_narrow(page, "presents")
    return page.get_by_label("Link to send").input_value()


def test_the_page_of_a_present_is_led_to_from_the_offer(place: Place, month: str) -> None:
    ada = place.browser("ada")
    words = "For somebody else? Give it as a gift"
    assert link(ada.get(f"/join/{month}"), words) == f"/give/{month}"
