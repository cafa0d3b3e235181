"""From one step of a ladder to another on the pages: in place, or as a new purchase."""

from __future__ import annotations

import re
from collections.abc import Iterator
from html import unescape
from pathlib import Path
from typing import Any

import pytest
import requests

from bridge.core.model.carried import Carried
from bridge.core.signed.reference import read_replacement
from bridge.sandbox.stripe import advance, fail_payments
from tests.e2e.place import Browser, Place, open_place

pytestmark = pytest.mark.e2e
POST = "/t/join-us/12/3"
DAY = 86_400


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Place]:
    with open_place(tmp_path) as opened:
        for name in ("patrons", "supporters"):
            opened.open_group(name, name.title())
        for name in ("ada", "eve"):
            opened.person(name)
        yield opened


def step(place: Place, name: str, group: str, rank: int, **price: Any) -> str:
    """A product of the ladder with one price."""
    about = {"discourse_groups": group, "discourse_ladder": "level", "discourse_rank": str(rank)}
    product = place.stripe.v1.products.create({"name": name, "metadata": about})
    what = {"currency": "eur", "recurring": {"interval": "month"}, **price, "product": product.id}
    return place.stripe.v1.prices.create(what).id  # type: ignore[arg-type] # a dict of its fields


@pytest.fixture
def low(place: Place) -> str:
    return step(place, "Supporter", "supporters", 1, unit_amount=1000)


@pytest.fixture
def high(place: Place) -> str:
    return step(place, "Patron & Friends", "patrons", 2, unit_amount=5000)


def set_portal(place: Place, **update: Any) -> None:
    """Settings in Stripe's dashboard."""
    portal = place.stripe.v1.billing_portal.configurations
    (default,) = portal.list({"is_default": True}).data
    feature = {"enabled": True, "default_allowed_updates": ["price"], **update}
    features: Any = {"features": {"subscription_update": feature}}
    portal.update(default.id, features)


@pytest.fixture
def ada(place: Place, low: str, high: str) -> Browser:
    """Ada, who has been a supporter for ten days."""
    assert high
    place.settle()
    browser = place.browser("ada")
    page = browser.get(f"/join/{low}")
    place.pay_at_stripe(browser.submit(page, f"/join/{low}").headers["Location"])
    place.settle()
    advance(place.world, 10 * DAY)
    place.settle()
    assert place.members("supporters") == {"ada"}
    set_portal(place, proration_behavior="always_invoice")
    return browser


def running(place: Place) -> list[Any]:
    return [one for one in place.stripe.v1.subscriptions.list().data if one.status == "active"]


def confirm_at_stripe(place: Place, address: str) -> requests.Response:
    """Press the button on Stripe's page."""
    (subscription,) = running(place)
    chosen = {"subscription": subscription.id}
    return requests.post(f"{address}/confirm", data=chosen, allow_redirects=False, timeout=10)


def words(page: requests.Response) -> str:
    """The text of a page."""
    return re.sub(r"\s+", " ", unescape(re.sub(r"<[^>]+>", " ", page.text)))


def billed(place: Place) -> list[int]:
    return [one.total for one in place.stripe.v1.invoices.list().data][::-1]


def test_A36_a_member_sees_what_it_costs_confirms_at_stripe_and_lands_on_the_post(
    place: Place, ada: Browser, high: str
) -> None:
    journal = place.world.journal
    mark = journal.since()[-1].number
    cards = ada.get("/join")
    asked = [one.path for one in journal.since(mark, "stripe")]
    assert asked == ["/v1/billing_portal/configurations", "/v1/invoices/create_preview"]
    page = ada.get(f"/join/{high}", params={"from": POST})
    said = words(page)
    assert "Change to Patron & Friends" in said
    assert "Patron &amp; Friends" in page.text, "names are the owner's text, and no code"
    assert "Supporter, €10.00 a month" in said
    assert "Patron & Friends , €50.00 a month" in said
    assert billed(place) == [1000], "looking changes nothing"
    due = re.search(r"To pay today (€[0-9.]+)", said)
    credit = re.search("Unused time .*? \N{MINUS SIGN}€[0-9.]+", said)
    assert due
    assert credit
    assert f"{due[1]} today Change" in words(cards), "the card says the same"
    gone = ada.submit(page, f"/join/{high}")
    assert gone.status_code == 303
    assert "/p/session/" in gone.headers["Location"]
    back = confirm_at_stripe(place, gone.headers["Location"])
    assert due[1] == f"€{billed(place)[-1] / 100:.2f}", "what was shown is what was billed"
    place.settle()
    arrived = ada.get(back.headers["Location"])
    assert "You are in Patrons" in arrived.text
    assert f'url={place.forum_url}{POST}"' in arrived.text
    assert (place.members("supporters"), place.members("patrons")) == (set(), {"ada"})
    assert len(running(place)) == 1


def test_A36_A46_what_stripe_cannot_collect_changes_nothing(
    place: Place, ada: Browser, high: str
) -> None:
    page = ada.get(f"/join/{high}")
    (old,) = running(place)
    fail_payments(place.world, old.customer, times=99)
    address = ada.submit(page, f"/join/{high}").headers["Location"]
    assert confirm_at_stripe(place, address).status_code == 402
    place.settle()
    (now,) = running(place)
    assert now["items"].data[0].price.id != high
    assert place.members("supporters") == {"ada"}
    assert place.members("patrons") == set()


def test_A36_a_member_s_own_page_leads_to_what_they_may_change_to(
    place: Place, ada: Browser, high: str
) -> None:
    step(place, "Other thing", "patrons", 3, unit_amount=900, recurring=None)
    place.settle()
    mine = words(ada.get("/me"))
    assert "Change plan · Supporter Patron & Friends €50.00 a month" in " ".join(mine.split())
    assert "Other thing" not in mine
    assert f'href="/join/{high}"' in ada.get("/me").text
    assert "Change" not in words(place.browser("eve").get("/me")).replace("Change or cancel", "")


@pytest.mark.parametrize(
    ("settings", "says"),
    [
        ({"proration_behavior": "none"}, r"Your next payment, on .* To pay then €50\.00"),
        ({"proration_behavior": "create_prorations"}, r"Your next payment.* To pay then €7\d\."),
    ],
)
def test_A36_the_preview_is_what_stripes_page_is_set_up_to_do(
    place: Place, ada: Browser, high: str, settings: Any, says: str
) -> None:
    set_portal(place, **settings)
    assert re.search(says, words(ada.get(f"/join/{high}")))


def test_A36_a_step_down_that_waits_for_the_end_of_the_period_says_so(
    place: Place, ada: Browser, low: str, high: str
) -> None:
    page = ada.get(f"/join/{high}")
    confirm_at_stripe(place, ada.submit(page, f"/join/{high}").headers["Location"])
    place.settle()
    down = ada.get(f"/join/{low}")
    assert "Credited to your next payments" in words(down)
    led = ada.submit(down, f"/join/{low}").headers["Location"]
    assert requests.get(led, timeout=10).status_code == 200
    waits = {"conditions": [{"type": "decreasing_item_amount"}]}
    set_portal(place, schedule_at_period_end=waits)
    said = words(ada.get(f"/join/{low}"))
    assert "Nothing is due today. You keep" in said
    assert "You keep Patron & Friends" in said


def magazine(place: Place) -> str:
    """Something that leads to no group, paid beside a membership."""
    about = {"discourse_offer": "yes", "discourse_kind": "other"}
    product = place.stripe.v1.products.create({"name": "Magazine", "metadata": about})
    price: Any = {"product": product.id, "currency": "eur", "unit_amount": 300}
    price["recurring"] = {"interval": "month"}
    return place.stripe.v1.prices.create(price).id


def test_A36_one_item_of_several_is_changed_by_the_bridge_as_its_page_said(
    place: Place, ada: Browser, high: str
) -> None:
    paper = magazine(place)
    (old,) = running(place)
    both: Any = {"items": [{"price": paper, "quantity": 1}]}
    place.stripe.v1.subscriptions.update(old.id, both)
    place.settle()
    page = ada.get(f"/join/{high}")
    said = words(page)
    assert "Unchanged Magazine" in said
    assert "Due today" in said
    due = re.search(r"To pay today €([0-9.]+)", said)
    assert due
    done = ada.submit(page, f"/join/{high}")
    assert done.headers["Location"] == "/me/back"
    (now,) = running(place)
    assert now.id == old.id
    assert {item.price.id for item in now["items"].data} == {high, paper}
    invoice = place.stripe.v1.invoices.retrieve(str(now.latest_invoice))
    assert invoice.status == "paid"
    assert invoice.total == round(float(due[1]) * 100)
    place.settle()
    assert place.members("patrons") == {"ada"}
    place.pass_time(61)
    place.settle()
    assert place.members("supporters") == set()


def test_A36_A46_what_the_card_does_not_pay_waits_on_stripes_page_and_changes_nothing(
    place: Place, ada: Browser, high: str
) -> None:
    paper = magazine(place)
    (old,) = running(place)
    both: Any = {"items": [{"price": paper, "quantity": 1}]}
    place.stripe.v1.subscriptions.update(old.id, both)
    place.settle()
    fail_payments(place.world, str(old.customer), 1, "insufficient_funds")
    page = ada.get(f"/join/{high}")
    gone = ada.submit(page, f"/join/{high}")
    assert gone.headers["Location"].startswith("http"), "Stripe's page of that invoice"
    assert place.url not in gone.headers["Location"]
    place.settle()
    assert place.members("supporters") == {"ada"}
    assert place.members("patrons") == set()


def test_A36_seats_are_kept(place: Place, ada: Browser, high: str) -> None:
    (old,) = running(place)
    seats: Any = {"items": [{"id": old["items"].data[0].id, "quantity": 3}]}
    place.stripe.v1.subscriptions.update(old.id, seats)
    place.settle()
    ada.submit(ada.get(f"/join/{high}"), f"/join/{high}")
    sent = [e for e in place.world.journal.since(0, "stripe") if "portal/sessions" in e.path]
    confirmed = "flow_data[subscription_update_confirm][items][0]"
    assert str(sent[-1].request[f"{confirmed}[quantity]"]) == "3"


@pytest.mark.parametrize("where", ["shown", "pressed", "not allowed to ask"])
def test_A36_where_stripes_page_does_not_offer_it_nobody_is_led_there(
    place: Place, ada: Browser, high: str, where: str
) -> None:
    page = ada.get(f"/join/{high}")
    if where == "not allowed to ask":
        faults = place.world.faults
        faults.add("stripe", "GET /v1/billing_portal/configurations", "status", status=403)
    else:
        set_portal(place, enabled=False)
    pressed = where == "pressed"
    stopped = ada.submit(page, f"/join/{high}") if pressed else ada.get(f"/join/{high}")
    assert stopped.status_code == 503
    assert "change to this right now" in stopped.text
    assert "have not been charged" in stopped.text


def test_D4_A36_nobody_can_change_what_is_another_s(place: Place, ada: Browser, high: str) -> None:
    page = ada.get(f"/join/{high}")
    order = page.text.partition('name="order" value="')[2].partition('"')[0]
    ada.submit(page, f"/join/{high}")
    eve = place.browser("eve")
    hers = eve.get(f"/join/{high}")
    assert "Continue to payment" in hers.text, "she has nothing, so she would buy"
    (old,) = running(place)
    taken = eve.submit(
        hers, f"/join/{high}", order=order, subscription=old.id, customer=old.customer
    )
    assert taken.status_code == 403
    bought = eve.submit(hers, f"/join/{high}", subscription=old.id, customer=old.customer)
    assert "/c/pay/" in bought.headers["Location"]
    session = place.stripe.v1.checkout.sessions.list().data[0]
    assert session.customer != old.customer
    assert "bridge_replaces" not in str(session)
    assert ada.post(f"/join/{high}", data={"order": order}).status_code == 400, "no token"
    portals = [e for e in place.world.journal.since(0, "stripe") if "portal/sessions" in e.path]
    assert [e.request["customer"] for e in portals] == [old.customer]


def test_A36_a_link_back_leads_to_the_forum_only(place: Place, ada: Browser, high: str) -> None:
    page = ada.get(f"/join/{high}", params={"from": "https://evil.example/t/1"})
    assert "evil.example" not in page.text
    ada.submit(page, f"/join/{high}", **{"from": "https://evil.example/t/1"})
    sent = [e for e in place.world.journal.since(0, "stripe") if "portal/sessions" in e.path]
    assert "evil" not in str(sent[-1].request)


@pytest.mark.usefixtures("place")
def test_A36_nobody_keeps_stripe_busy_with_previews(ada: Browser, high: str) -> None:
    answers = [ada.get(f"/join/{high}").status_code for _ in range(20)]
    assert set(answers[:19]) == {200}
    assert ada.get(f"/join/{high}").status_code == 429
    assert ada.get("/me").status_code == 200


def test_A36_an_open_payment_is_mended_first(place: Place, ada: Browser, high: str) -> None:
    (old,) = running(place)
    fail_payments(place.world, old.customer, times=99)
    advance(place.world, 25 * DAY)
    place.settle()
    page = ada.get(f"/join/{high}")
    assert "Pay for Supporter first" in page.text
    assert "Change Supporter" not in words(ada.get("/me"))
    led = ada.submit(page, "/me/billing")
    assert "/p/session/" in led.headers["Location"]


def test_A36_without_a_preview_stripes_page_tells_what_it_costs(
    place: Place, ada: Browser, high: str
) -> None:
    place.world.faults.add("stripe", "POST /v1/invoices/create_preview", "status", status=403)
    page = ada.get(f"/join/{high}")
    assert "Stripe shows what is due before you confirm" in page.text
    assert "/p/session/" in ada.submit(page, f"/join/{high}").headers["Location"]


def cancel_at_period_end(place: Place) -> Any:
    (old,) = running(place)
    place.stripe.v1.subscriptions.update(old.id, {"cancel_at_period_end": True})
    place.settle()
    return old


def test_A88_what_cannot_be_changed_in_place_is_bought_again_as_the_page_says(
    place: Place, ada: Browser, high: str
) -> None:
    old = cancel_at_period_end(place)
    page = ada.get(f"/join/{high}", params={"from": POST})
    said = words(page)
    assert "It ends as soon as you have paid for Patron & Friends" in said
    assert "The unused time is credited" in said
    gone = ada.submit(page, f"/join/{high}")
    assert "/c/pay/" in gone.headers["Location"]
    place.settle()
    assert len(running(place)) == 1, "nothing ends before it is paid"
    place.pay_at_stripe(gone.headers["Location"])
    place.settle()
    (new,) = running(place)
    assert new.customer == old.customer
    carried = Carried(new.metadata["bridge_replaces"], place.bridge.clock.now())
    word = read_replacement(carried, [place.bridge.settings.secret_key])
    assert word
    assert word[0] == old.id
    assert place.members("patrons") == {"ada"}
    session = place.stripe.v1.checkout.sessions.list().data[0]
    assert "You are in Patrons" in ada.get(str(session.success_url)).text


def test_A88_another_currency_is_another_customer_and_promises_no_credit(
    place: Place, ada: Browser, high: str
) -> None:
    product = place.stripe.v1.prices.retrieve(high).product
    dollars = place.stripe.v1.prices.create(
        {
            "product": str(product),
            "currency": "usd",
            "unit_amount": 5500,
            "recurring": {"interval": "month"},
        }
    ).id
    place.settle()
    page = ada.get(f"/join/{dollars}")
    said = words(page)
    assert "renew, and it ends on" in said
    assert "the unused time cannot be credited" in said
    assert "is credited to your next payments" not in said
    (old,) = running(place)
    place.pay_at_stripe(ada.submit(page, f"/join/{dollars}").headers["Location"])
    place.settle()
    new, kept = running(place)
    assert (kept.id, kept.cancel_at_period_end) == (old.id, True)
    assert new.customer != old.customer
    assert place.members("patrons") == {"ada"}
