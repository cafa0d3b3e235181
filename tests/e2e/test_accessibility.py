"""Every page in every state, in light and dark: axe-core finds nothing, and nothing is too wide.

axe-core is found as build/axe.min.js (`.ci/run` puts it there). A picture of each is left in
screenshots/, where that folder is.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from playwright.sync_api import Browser
from sqlalchemy import insert, update

from bridge.core.model.stripe import Price, Product, Purchase
from bridge.sandbox.stripe import advance, fail_payments
from bridge.store import checkouts, links, purchases, schema
from bridge.store.checkouts import Ordered
from tests.e2e.chromium import AXE, CHROMIUM, faults, log_in, looks
from tests.e2e.place import Place, open_place

IN_CI = os.environ.get("CI") == "true"
pytestmark = [
    pytest.mark.e2e,
    pytest.mark.skipif(CHROMIUM is None and not IN_CI, reason="no chromium is installed here"),
    pytest.mark.skipif(
        not AXE.exists() and not IN_CI, reason="axe-core is not at build/axe.min.js"
    ),
]
MONTH = 31 * 86_400
# Where pages go on their own.
REFRESHED = re.compile(r"/join/done\?.*\bn=|/me/back\?.*again=yes")

# State -> who looks, and where. Nobody: a stranger.
STATES = {
    "login": ("", "/me"),
    "login-failed": ("", "/login/callback"),
    "logged-out": ("", "/logout"),
    "offer-to-stranger": ("", "/join/monthly?signed_in=no&from=/t/join-us/12/3"),
    "offer": ("nina", "/join/monthly?from=/t/join-us/12/3"),
    "offer-once": ("nina", "/join/coffee"),
    "offer-beside": ("ada", "/join/monthly"),
    "offers-stranger": ("", "/join?signed_in=no&from=/t/join-us/12/3"),
    "offers-new": ("nina", "/join"),
    "offers": ("ada", "/join?from=/t/join-us/12/3"),
    "offers-unpaid": ("lars", "/join"),
    "offers-held": ("kim", "/join"),
    "choice": ("nina", "/join/prod_choice"),
    "not-on-offer": ("nina", "/join/nothing"),
    "owned": ("ada", "/join/low"),
    "owned-unpaid": ("lars", "/join/low"),
    "change": ("ada", "/join/high"),
    "change-anew": ("ada", "/join/dollars"),
    "change-after-payment": ("lars", "/join/high"),
    "me": ("ada", "/me"),
    "me-empty": ("nina", "/me"),
    "me-payment-failed": ("lars", "/me"),
    "me-paying-twice": ("tom", "/me"),
    "me-held": ("kim", "/me"),
    "me-ending": ("vera", "/me"),
    "me-ended": ("olga", "/me"),
    "me-cancel": ("ada", "/me/cancel/{ada}"),
    "me-back": ("vera", "/me/back"),
    "me-shares": ("dora", "/me"),
    "done-in": ("ada", "/join/done?order=of-ada-1-a-long-order-id"),
    "done-adding": ("nina", "/join/done?order=of-nina-1-a-long-order-id"),
    "done-held": ("kim", "/join/done?order=of-kim-1-a-long-order-id"),
    "done-waiting": ("eve", "/join/done?order=of-eve-1-a-long-order-id"),
    "done-slow": ("eve", "/join/done?order=of-eve-2-a-long-order-id"),
    "done-open": ("eve", "/join/done?order=of-eve-open-a-long-order-id"),
    "done-expired": ("eve", "/join/done?order=of-eve-expired-a-long-order-id"),
    "done-pending": ("eve", "/join/done?order=of-eve-pending-a-long-order-id"),
    "done-unseen": ("eve", "/join/done?order=of-eve-unseen-a-long-order-id"),
    "done-thanks": ("dora", "/join/done?order=of-dora-1-a-long-order-id"),
    "not-yours": ("nina", "/join/done?order=of-ada-1-a-long-order-id"),
}


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    with open_place(tmp_path_factory.mktemp("place")) as opened:
        opened.open_group("patrons", "Patrons")
        opened.open_group("friends", "Friends of the house")
        for name in ("ada", "lars", "tom", "kim", "dora", "nina", "eve", "vera", "olga"):
            opened.person(name)
        _sell(opened)
        _buy(opened)
        _put_in_their_states(opened)
        yield opened


def _sell(place: Place) -> None:
    """A ladder of two steps, a group beside it, and a product without a group."""
    steps: tuple[dict[str, Any], ...] = (
        {"name": "Patron", "key": "low", "rank": "1", "amount": 1000, "currency": "eur"},
        {"name": "Great patron", "key": "high", "rank": "2", "amount": 2500, "currency": "eur"},
        {"name": "Dollar patron", "key": "dollars", "rank": "3", "amount": 9900, "currency": "usd"},
        {"name": "Friend of the house", "key": "monthly", "amount": 500, "currency": "eur"},
        {"name": "Sponsor", "key": "sponsor", "amount": 700, "currency": "eur"},
    )
    for step in steps:
        about = {"discourse_groups": "patrons" if "rank" in step else "friends"}
        if "rank" in step:
            about |= {"discourse_ladder": "level", "discourse_rank": step["rank"]}
        said = "For everybody who wants this place to stay open, independent and without ads."
        product = place.stripe.v1.products.create(
            {"name": step["name"], "description": said, "metadata": about}
        )
        what: Any = {"product": product.id, "lookup_key": step["key"]}
        what |= {"currency": step["currency"], "unit_amount": step["amount"]}
        what["recurring"] = {"interval": "month"}
        place.stripe.v1.prices.create(what)
    place.sell(
        Product("prod_choice", "Supporter", metadata={"discourse_groups": "friends"}),
        Price("price_m", "prod_choice", "eur", 300, "month", nickname="Monthly"),
        Price("price_q", "prod_choice", "eur", 800, "month", 3),
        Price("price_y", "prod_choice", "eur", 2500, "year", nickname="Yearly"),
        Product("prod_coffee", "Coffee for the team", metadata={"discourse_kind": "donation"}),
        Price("price_c", "prod_coffee", "eur", 500, lookup_key="coffee"),
        Product("prod_share", "Share", metadata={"discourse_kind": "supporter_share"}),
        Price("price_s", "prod_share", "eur", 10_000),
    )
    portal = place.stripe.v1.billing_portal.configurations
    (default,) = portal.list({"is_default": True}).data
    changing: Any = {"enabled": True, "proration_behavior": "always_invoice"}
    portal.update(default.id, {"features": {"subscription_update": changing}})
    place.settle()


def _buy(place: Place) -> None:
    """Ada, Lars, Kim and Tom pay for a month; the next payment of Lars fails."""
    bought = {
        "ada": ["low"],
        "lars": ["low"],
        "kim": ["monthly"],
        "tom": ["monthly", "sponsor"],
        "vera": ["monthly"],
        "olga": ["sponsor"],
    }
    for name, keys in bought.items():
        for key in keys:
            _pay(place, name, key)
    fail_payments(place.world, _customer_of(place, "lars"), times=9)
    advance(place.world, MONTH + 2 * 3600)
    place.settle()
    subscriptions = place.stripe.v1.subscriptions
    subscriptions.update(_subscription_of(place, "vera"), {"cancel_at_period_end": True})
    subscriptions.cancel(_subscription_of(place, "olga"))
    place.settle()


def _subscription_of(place: Place, name: str) -> str:
    (found,) = place.stripe.v1.subscriptions.list({"customer": _customer_of(place, name)}).data
    return found.id


def _pay(place: Place, name: str, key: str) -> None:
    browser = place.browser(name)
    (price,) = place.stripe.v1.prices.list({"lookup_keys": [key]}).data
    offer = browser.get(f"/join/{price.id}")
    place.pay_at_stripe(browser.submit(offer, f"/join/{price.id}").headers["Location"])
    place.settle()


def _customer_of(place: Place, name: str) -> str:
    with place.bridge.store.read() as connection:
        (customer,) = links.customers_of(connection, _id_of(place, name))
    return customer


def _id_of(place: Place, name: str) -> int:
    user = place.forum.user_named(name)
    assert user
    return user.id


def _put_in_their_states(place: Place) -> None:
    now = place.bridge.clock.now()
    kim, nina, dora = (_id_of(place, name) for name in ("kim", "nina", "dora"))
    friends = place.forum.group_id_by_name["friends"]
    mine = schema.forum.memberships
    thanks = [
        Purchase("cs_1:li_1", "cus_dora", "price_s", "prod_share", 2, now, 20_000, "eur"),
        Purchase("cs_2:li_1", "cus_dora", "price_c", "prod_coffee", 1, now, 500, "eur"),
    ]
    with place.bridge.store.write() as connection:
        connection.execute(
            update(mine)
            .where(mine.c.user_id == kim)
            .values(override="staff", override_at=now, actual=False)
        )
        coming = {"user_id": nina, "group_id": friends, "sources": ["sub_1"]}
        connection.execute(insert(mine).values(**coming, wanted=True, actual=False))
        links.link(connection, "cus_dora", dora, proof="manual", actor="kim", now=now)
        purchases.save(connection, "cus_dora", thanks, [], now)
    (low,) = place.stripe.v1.prices.list({"lookup_keys": ["low"]}).data
    (monthly,) = place.stripe.v1.prices.list({"lookup_keys": ["monthly"]}).data
    bought = {"ada": low.id, "nina": monthly.id, "kim": monthly.id, "dora": "price_c"}
    for name, price in bought.items():
        _order(place, f"of-{name}-1-a-long-order-id", name, price)
    _order(place, "of-eve-1-a-long-order-id", "eve", monthly.id)
    _order(place, "of-eve-2-a-long-order-id", "eve", monthly.id, timedelta(minutes=-5))
    for seen in ("open", "expired", "pending", None):
        _looked_at(place, f"of-eve-{seen or 'unseen'}-a-long-order-id", monthly.id, seen)


def _order(
    place: Place, order_id: str, name: str, price: str, since: timedelta = timedelta()
) -> None:
    at = place.bridge.clock.now() + since
    with place.bridge.store.write() as connection:
        checkouts.begin(
            connection,
            order_id,
            user_id=_id_of(place, name),
            ordered=[Ordered(price)],
            return_to=None,
            now=at,
        )
        checkouts.complete(connection, order_id, at)


def _looked_at(place: Place, order_id: str, price: str, seen: checkouts.Seen | None) -> None:
    """An order about which Stripe was asked as often as it may be, and said this."""
    _order(place, order_id, "eve", price)
    with place.bridge.store.write() as connection:
        checkouts.save_session(connection, order_id, "cs_1", "https://stripe.example/pay", None)
        orders = schema.buying.checkouts
        known = {"looks": 6, "looked_at": place.bridge.clock.now(), "seen": seen}
        connection.execute(update(orders).where(orders.c.id == order_id).values(**known))


def test_A127_axe_finds_nothing_on_any_page_in_any_state(browser: Browser, place: Place) -> None:
    found: list[str] = []
    for who in dict.fromkeys(name for name, _ in STATES.values()):
        with browser.new_context() as context:
            context.route(REFRESHED, lambda route: route.fulfill(status=204))  # the page stays
            page = context.new_page()
            if who:
                page.goto(f"{place.forum_url}/login")
                log_in(page, who)
            for state, (name, path) in STATES.items():
                if name == who:
                    page.goto(place.url + path.replace("{ada}", _subscription_of(place, "ada")))
                    seen = looks(page, state)
                    found += [f"{look}: {fault}" for look in seen for fault in faults(page)]
    assert not found, "\n".join(found)
