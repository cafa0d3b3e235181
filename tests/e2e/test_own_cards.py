"""Each subscription on a member's own page, with its actions (A79)."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
import requests

from bridge.core.model.actor import operator
from bridge.operations import links as linking
from bridge.sandbox.stripe import advance, fail_payments
from bridge.store import changes, links
from bridge.worker import sweeper
from tests.e2e.place import Browser, Place, open_patrons, open_place

pytestmark = pytest.mark.e2e
DAY = 86_400


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Place]:
    with open_patrons(tmp_path, "ada", "eve") as opened:
        yield opened


@pytest.fixture
def ada(place: Place) -> Browser:
    """Ada pays for a month of Patron."""
    browser = place.browser("ada")
    buy(place, browser, place.sell_at_stripe("Patron", "patrons", 1000, "month"))
    return browser


def buy(place: Place, browser: Browser, price: str) -> None:
    place.settle()
    gone = browser.submit(browser.get(f"/join/{price}"), f"/join/{price}")
    place.pay_at_stripe(gone.headers["Location"])
    place.settle()


def subscription(place: Place) -> Any:
    (found,) = place.stripe.v1.subscriptions.list({"status": "all"}).data
    return found


def press(browser: Browser, page: requests.Response, action: str, id_: str) -> requests.Response:
    return browser.submit(page, action, subscription=id_)


def portal(address: str, action: str, **fields: str) -> requests.Response:
    """Press the only button of the portal's page."""
    (secret,) = [part for part in urlsplit(address).path.split("/") if part.startswith("test_")]
    base = address.partition("/p/session/")[0]
    url = f"{base}/p/session/{secret}/{action}"
    return requests.post(url, data=fields, allow_redirects=False, timeout=20)


def come_back(place: Place, browser: Browser, answer: requests.Response) -> requests.Response:
    """Follow Stripe's way back, wait as the page does, without any webhook."""
    page = browser.get(answer.headers["Location"])
    assert "Updating your membership…" in page.text
    while sweeper.tick(place.bridge):
        pass
    return browser.get(urlsplit(page.url)._replace(scheme="", netloc="").geturl())


def plain(page: requests.Response) -> str:
    """The text of the page, with plain apostrophes."""
    return page.text.replace("\N{RIGHT SINGLE QUOTATION MARK}", "'")


def said(place: Place) -> list[tuple[str, str | None, str | None]]:
    user = place.forum.user_named("ada")
    assert user
    with place.bridge.store.read() as connection:
        lines = changes.of_user(connection, user.id, None, 200)
    mine = ("cancel_reason", "cancelled", "kept")
    return [(one.action, one.outcome, one.cause) for one in lines if one.action in mine]


def deaf(place: Place) -> None:
    """No webhook comes any more."""
    for endpoint in place.stripe.v1.webhook_endpoints.list().data:
        place.stripe.v1.webhook_endpoints.delete(endpoint.id)


def flows(place: Place) -> list[Any]:
    """The flows for which portal pages were opened."""
    asked = [e for e in place.world.journal.since(0, "stripe") if "portal/sessions" in e.path]
    return [entry.request.get("flow_data[type]") for entry in asked]


def test_A79_a_card_tells_what_how_much_when_and_by_which_card(place: Place, ada: Browser) -> None:
    before = place.world.journal.since()[-1].number
    page = ada.get("/me").text
    assert "Patron" in page
    assert "€10.00 a month" in page
    assert "Visa ending in 4242" in page
    assert "Next payment" in page
    assert ">Active<" in page
    assert not place.world.journal.since(before, "stripe"), "the page asks Stripe nothing"


def test_A79_cancel_tells_until_when_asks_why_and_comes_back_to_the_new_state(
    place: Place, ada: Browser
) -> None:
    deaf(place)
    sub = subscription(place)
    way = f"/me/cancel/{sub.id}"
    assert f'href="{way}"' in ada.get("/me").text
    asks = ada.get(way)
    assert "You have paid until" in asks.text
    gone = ada.submit(asks, way, why="Too\x07 dear \n for me")
    assert gone.status_code == 303, gone.text
    assert subscription(place).cancel_at is None, "nothing has happened yet"
    answer = portal(gone.headers["Location"], "cancel", subscription=sub.id)
    page = come_back(place, ada, answer)
    assert page.request.path_url == "/me"
    assert ">Cancelled<" in page.text
    assert "You stay in" in page.text
    assert place.members("patrons") == {"ada"}
    ((action, why, who),) = said(place)
    user = place.forum.user_named("ada")
    assert user
    assert (action, why, who) == ("cancel_reason", "Too dear for me", f"member:{user.id} via page")


def test_A79_no_answer_keeps_nothing(place: Place, ada: Browser) -> None:
    way = f"/me/cancel/{subscription(place).id}"
    assert ada.submit(ada.get(way), way, why="  \n ").status_code == 303
    assert said(place) == []


@pytest.mark.parametrize("way", ["cancel_at_period_end", "cancel_at"])
def test_A79_keep_it_after_all(place: Place, ada: Browser, way: str) -> None:
    sub = subscription(place)
    ends = sub["items"].data[0].current_period_end
    what: Any = {way: True if way == "cancel_at_period_end" else ends}
    place.stripe.v1.subscriptions.update(sub.id, what)
    place.settle()
    deaf(place)
    page = ada.get("/me")
    assert ">Cancelled<" in page.text
    page = come_back(place, ada, press(ada, page, "/me/keep", sub.id))
    assert ">Active<" in page.text
    assert "Next payment" in page.text
    assert (subscription(place).cancel_at, subscription(place).cancel_at_period_end) == (
        None,
        False,
    )
    again = press(ada, page, "/me/card", sub.id)
    token = page.text.partition('csrf_token" value="')[2].partition('"')[0]
    assert again.status_code == 303
    late = ada.post("/me/keep", data={"subscription": sub.id, "csrf_token": token})
    assert late.status_code == 409, "an old page's button does nothing"
    assert [one[0] for one in said(place)] == ["kept"]


def test_A79_another_card_at_exactly_that_place_and_back_to_it(place: Place, ada: Browser) -> None:
    deaf(place)
    gone = press(ada, ada.get("/me"), "/me/card", subscription(place).id)
    assert flows(place) == ["payment_method_update"]
    answer = portal(gone.headers["Location"], "card", token="pm_card_mastercard")
    page = come_back(place, ada, answer)
    assert "Mastercard ending in 4444" in page.text


@pytest.mark.usefixtures("ada")
def test_A79_a_failed_payment_tells_why_when_again_until_when_and_how_to_pay(
    place: Place,
) -> None:
    sub = subscription(place)
    fail_payments(place.world, sub.customer, times=1, decline_code="insufficient_funds")
    advance(place.world, 32 * DAY)
    place.settle()
    page = place.browser("ada").get("/me")
    assert "Your payment of €10.00 didn't go through." in plain(page)
    assert "There wasn't enough money on the card or account." in plain(page)
    assert "We'll try again on" in plain(page)
    assert "You stay in" in page.text
    browser = place.browser("ada")
    gone = press(browser, browser.get("/me"), "/me/pay", sub.id)
    (invoice,) = place.stripe.v1.invoices.list({"status": "open"}).data
    assert gone.headers["Location"] == invoice.hosted_invoice_url
    requests.post(gone.headers["Location"], data={"token": "pm_card_visa"}, timeout=20)
    place.settle()
    assert ">Active<" in browser.get("/me").text
    token = page.text.partition('csrf_token" value="')[2].partition('"')[0]
    late = browser.post(
        "/me/pay", data={"subscription": sub.id, "csrf_token": token}, allow_redirects=False
    )
    assert late.status_code in {303, 400}
    assert "Location" not in late.headers or late.headers["Location"] == "/me/back"


def test_A79_what_has_ended_offers_the_way_back(place: Place, ada: Browser) -> None:
    sub = subscription(place)
    place.stripe.v1.subscriptions.cancel(sub.id)
    place.settle()
    page = ada.get("/me")
    assert "It ended on" in page.text
    price = sub["items"].data[0].price.id
    assert f'href="/join/{price}">Join again' in page.text
    buy(place, ada, price)
    page = ada.get("/me")
    assert "It ended on" not in page.text
    assert ">Active<" in page.text


def test_A79_what_the_portal_does_not_offer_the_bridge_does_itself(
    place: Place, ada: Browser
) -> None:
    portals = place.stripe.v1.billing_portal.configurations
    (default,) = portals.list({"is_default": True}).data
    off: Any = {"features": {"subscription_cancel": {"enabled": False}}}
    portals.update(default.id, off)
    sub = subscription(place)
    way = f"/me/cancel/{sub.id}"
    asks = ada.get(way)
    assert "Cancel my membership" in asks.text
    assert ada.submit(asks, way).headers["Location"] == "/me/back"
    assert subscription(place).cancel_at_period_end
    assert [one[0] for one in said(place)] == ["cancelled"]


def test_A79_pausing_is_offered_where_the_site_says_so(tmp_path: Path) -> None:
    (tmp_path / "bridge.toml").write_text('[site]\npausing = "yes"\n')
    with open_place(tmp_path) as place:
        place.open_group("patrons", "Patrons")
        place.person("ada")
        portals = place.stripe.v1.billing_portal.configurations
        (default,) = portals.list({"is_default": True}).data
        allowed: Any = {
            "features": {
                "subscription_pause": {"enabled": True, "duration": {"type": "indefinite"}}
            }
        }
        portals.update(default.id, allowed)
        browser = place.browser("ada")
        buy(place, browser, place.sell_at_stripe("Patron", "patrons", 1000, "month"))
        sub = subscription(place)
        gone = press(browser, browser.get("/me"), "/me/pause", sub.id)
        assert flows(place) == ["subscription_pause"]
        answer = portal(gone.headers["Location"], "pause", subscription=sub.id)
        page = come_back(place, browser, answer)
        assert ">Paused<" in page.text
        half: Any = {"discounts": [{"coupon": half_price(place)}]}
        place.stripe.v1.subscriptions.update(sub.id, half)
        asks = browser.get(f"/me/resume/{sub.id}")
        assert "A new period begins today, and it is charged today." in asks.text
        assert "€5.00" in asks.text, "Stripe's preview, and not the list price"
        assert "The amount includes tax, discounts and your credit." in asks.text
        gone = browser.submit(asks, f"/me/resume/{sub.id}")
        page = come_back(place, browser, gone)
        assert ">Active<" in page.text
        assert subscription(place).status == "active"
        again = browser.submit(asks, f"/me/resume/{sub.id}")
        assert again.status_code == 409, "the button of another tab"
        paid = place.stripe.v1.invoices.list({"subscription": sub.id, "status": "paid"}).data
        assert [one.total for one in paid] == [500, 1000]


def half_price(place: Place) -> str:
    return place.stripe.v1.coupons.create({"percent_off": 50, "duration": "forever"}).id


def test_A79_what_a_moderator_paused_is_resumed_with_nothing_due_today(
    place: Place, ada: Browser
) -> None:
    sub = subscription(place)
    paused: Any = {
        "pause_collection": {"behavior": "void"},
        "discounts": [{"coupon": half_price(place)}],
    }
    place.stripe.v1.subscriptions.update(sub.id, paused)
    place.settle()
    way = f"/me/resume/{sub.id}"
    assert f'href="{way}"' in ada.get("/me").text
    asks = ada.get(way)
    assert "Payments start again. Nothing is charged today." in asks.text
    list_price = sub["items"].data[0].price.unit_amount
    assert f"€{list_price / 200:.2f}" in asks.text
    page = come_back(place, ada, ada.submit(asks, way))
    assert ">Active<" in page.text
    assert subscription(place).pause_collection is None
    eve = place.browser("eve")
    eve.get("/me")
    assert eve.get(way).status_code == 403


def test_A79_a_planned_step_down_is_called_off_by_its_payer(place: Place, ada: Browser) -> None:
    sub = subscription(place)
    item = sub["items"].data[0]
    cheaper: Any = {
        "product": str(item.price.product),
        "currency": "eur",
        "unit_amount": 500,
        "recurring": {"interval": "month"},
    }
    price = place.stripe.v1.prices.create(cheaper).id
    schedules = place.stripe.v1.subscription_schedules
    made = schedules.create({"from_subscription": sub.id})
    (now,) = made.phases
    phases: Any = [
        {
            "items": [{"price": item.price.id, "quantity": 1}],
            "start_date": now.start_date,
            "end_date": now.end_date,
        },
        {"items": [{"price": price, "quantity": 1}]},
    ]
    schedules.update(made.id, {"phases": phases})
    place.settle()
    page = ada.get("/me")
    assert "Next change" in page.text
    gone = press(ada, page, "/me/stay", sub.id)
    assert gone.status_code == 303, gone.text
    page = come_back(place, ada, gone)
    assert "Next change" not in page.text
    assert "/me/stay" not in page.text
    assert subscription(place).schedule is None
    twice = ada.post("/me/stay", data={"subscription": sub.id, "csrf_token": token_of(page)})
    assert twice.status_code == 409


def token_of(page: requests.Response) -> str:
    return page.text.partition('csrf_token" value="')[2].partition('"')[0]


def test_A79_pausing_is_not_offered_otherwise(place: Place, ada: Browser) -> None:
    page = ada.get("/me")
    assert "/me/pause" not in page.text
    token = page.text.partition('csrf_token" value="')[2].partition('"')[0]
    data = {"subscription": subscription(place).id, "csrf_token": token}
    assert ada.post("/me/pause", data=data).status_code == 409


ACTS: dict[str, Callable[[Browser, str, str], requests.Response]] = {
    **{
        act: lambda who, id_, token, act=act: who.post(  # type: ignore[misc] # bound at once
            f"/me/{act}",
            data={"subscription": id_, "csrf_token": token},
            allow_redirects=False,
        )
        for act in ("card", "pause", "pay", "keep")
    },
    "ask": lambda who, id_, _: who.get(f"/me/cancel/{id_}"),
    "cancel": lambda who, id_, token: who.post(
        f"/me/cancel/{id_}", data={"csrf_token": token}, allow_redirects=False
    ),
}


@pytest.mark.parametrize("act", ACTS)
def test_D4_another_members_subscription_is_refused_and_a_stranger_is_asked_who_they_are(
    place: Place, ada: Browser, act: str
) -> None:
    sub = subscription(place)
    place.stripe.v1.subscriptions.update(sub.id, {"cancel_at_period_end": True})
    place.settle()
    before = place.world.journal.since()[-1].number
    eve = place.browser("eve")
    price = sub["items"].data[0].price.id
    token = eve.get(f"/join/{price}").text.partition('csrf_token" value="')[2].partition('"')[0]
    assert token
    for id_ in (sub.id, "sub_nobody", "", "../x", "x" * 500):
        answer = ACTS[act](eve, id_, token)
        assert answer.status_code in {403, 404}, id_
    assert ACTS[act](place.browser(), sub.id, "").status_code in {400, 401}
    assert ACTS[act](ada, sub.id, "forged").status_code in {400, 409}
    asked = place.world.journal.since(before, "stripe")
    assert [e.path for e in asked if e.method != "GET" or sub.id in e.path] == []
    assert subscription(place).cancel_at_period_end


@pytest.mark.usefixtures("ada")
def test_A133_a_customer_linked_by_a_word_alone_opens_no_page_of_stripes(place: Place) -> None:
    """Somebody else may have paid: their card would be shown."""
    sub = subscription(place)
    user = place.forum.user_named("eve")
    assert user
    payer = place.stripe.v1.customers.create({"payment_method": "pm_card_visa"})
    (method,) = place.stripe.v1.customers.payment_methods.list(payer.id).data
    what: Any = {
        "customer": payer.id,
        "items": [{"price": sub["items"].data[0].price.id}],
        "default_payment_method": method.id,
    }
    made = place.stripe.v1.subscriptions.create(what)
    with place.bridge.store.write() as connection:
        now = place.bridge.clock.now()
        links.link(connection, payer.id, user.id, proof="reference", actor="evt_1", now=now)
    place.settle()
    eve = place.browser("eve")
    page = eve.get("/me")
    assert "Patron" in page.text
    assert press(eve, page, "/me/card", made.id).status_code == 403
    linking.link(place.bridge, operator("test"), payer.id, user.id)
    assert press(eve, page, "/me/card", made.id).status_code == 303


def test_A131_coming_back_again_and_again_has_stripe_read_a_bounded_number_of_times(
    place: Place, ada: Browser
) -> None:
    before = place.world.journal.since()[-1].number
    for _ in range(40):
        ada.get("/me/back", allow_redirects=False)
        while sweeper.tick(place.bridge):
            pass
    read = [e for e in place.world.journal.since(before, "stripe") if "customer=" in e.query]
    assert 0 < len(read) <= 12


def test_a_forged_moment_leads_to_ones_own_page(ada: Browser, subtests: pytest.Subtests) -> None:
    for at in ("0", "9" * 13, "9" * 40, "-1", "x", "1e3", "²"):
        with subtests.test(at):
            answer = ada.get(f"/me/back?at={at}", allow_redirects=False)
            assert answer.status_code == 302
            assert answer.headers["Location"].startswith("/me")


def test_A69_stripe_down_on_the_way_back_shows_what_was_last_read_and_says_so(
    place: Place, ada: Browser
) -> None:
    outage = place.world.faults.add("stripe", "GET *", "status", times=None, status=500)
    page = ada.get("/me/back")
    assert "Updating your membership…" in page.text
    sweeper.tick(place.bridge)
    place.pass_time(11)
    page = ada.get(urlsplit(page.url)._replace(scheme="", netloc="").geturl())
    assert "Stripe hasn't answered yet" in plain(page)
    assert ">Active<" in page.text
    place.world.faults.switches.remove(outage)
