"""The pages over real sockets, with a simulated forum: their content for each reader."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from html import unescape
from pathlib import Path

import pytest
import requests
from sqlalchemy import insert, text, update

from bridge.core.ledger.lines import MoneyLine, MoneyPart
from bridge.core.model.rights import HandGrant
from bridge.core.model.stripe import PendingPayment, Price, Product
from bridge.store import catalogue, checkouts, hand_grants, links, money, purchases, schema
from bridge.store.checkouts import Ordered
from bridge.web import create_app
from tests.e2e.place import Place, link, open_place

pytestmark = pytest.mark.e2e
ONEBOX = {"User-Agent": "Discourse Forum Onebox v3.5.0", "Accept": "*/*"}
PATRON = Product(
    "prod_patron",
    "Patron",
    description="Keeps this place open.",
    image="https://files.example.com/patron.png",
    metadata={"discourse_groups": "patrons"},
)
YEARLY = Price("price_year", "prod_patron", "eur", 2500, "year", lookup_key="patron")
MONTHLY = Price("price_month", "prod_patron", "eur", 300, "month")


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    with open_place(tmp_path_factory.mktemp("place")) as opened:
        opened.open_group("patrons", "Patrons")
        opened.sell(PATRON, YEARLY, MONTHLY)
        for name in ("ada", "eve"):
            opened.person(name)
        yield opened


def meta(page: requests.Response) -> dict[str, str]:
    """The page's meta tags by name or property."""
    tags = {}
    for tag in page.text.split("<meta ")[1:]:
        parts = tag.split('"')
        if 'content="' in tag:
            tags[parts[1]] = unescape(parts[3])
    return tags


# --- the card in a post -------------------------------------------------------------------------


def test_A98_a_bare_link_is_a_card_for_the_forum_s_fetcher(place: Place) -> None:
    page = requests.get(f"{place.url}/join/patron", headers=ONEBOX, timeout=20)
    assert page.status_code == 200
    assert not page.history, "a fetcher is never sent to a login"
    assert "Set-Cookie" not in page.headers
    tags = meta(page)
    assert tags["og:title"] == "Patron"
    assert tags["og:description"] == "Keeps this place open."
    assert tags["og:image"] == "https://files.example.com/patron.png"
    assert tags["og:site_name"] == "A Community"
    assert tags["og:url"] == f"{place.url}/join/patron"
    assert (tags["twitter:label1"], tags["twitter:data1"]) == ("Price", "€25.00 a year")


def test_A98_a_card_is_current_within_a_day(place: Place) -> None:
    address = f"{place.url}/join/changing"
    changing = Price("price_changing", "prod_patron", "eur", 100, "year", lookup_key="changing")
    place.sell(changing)
    first = requests.get(address, headers=ONEBOX, timeout=20)
    dearer = Price("price_changing", "prod_patron", "eur", 200, "year", lookup_key="changing")
    place.sell(dearer)
    assert meta(first)["twitter:data1"] == "€1.00 a year"
    assert meta(requests.get(address, headers=ONEBOX, timeout=20))["twitter:data1"] == (
        "€2.00 a year"
    )
    lifetime = int(first.headers["Cache-Control"].rpartition("max-age=")[2])
    assert lifetime < 24 * 3600
    place.sell(Price("price_changing", "prod_patron", "eur", 200, "year", active=False))


def test_A98_a_product_with_several_prices_names_the_lowest(place: Place) -> None:
    page = requests.get(f"{place.url}/join/prod_patron", headers=ONEBOX, timeout=20)
    assert meta(page)["twitter:data1"] == "from €3.00 a month"


def test_names_from_stripe_are_text_and_never_markup(place: Place) -> None:
    hostile = '"><script>alert(1)</script>'
    place.sell(
        Product(
            "prod_hostile",
            hostile,
            description=hostile,
            metadata={"discourse_offer": "yes"},
        ),
        Price("price_hostile", "prod_hostile", "eur", 100),
    )
    page = requests.get(f"{place.url}/join/price_hostile", headers=ONEBOX, timeout=20)
    assert "<script" not in page.text
    assert meta(page)["og:title"] == hostile


# --- the way back ---------------------------------------------------------------------------------


@pytest.mark.parametrize("said", ["https://evil.example/t/1", "//evil.example", "javascript:x"])
def test_A82_the_way_back_is_only_ever_on_the_forum(place: Place, said: str) -> None:
    browser = place.browser("ada")
    page = browser.get("/join/patron", params={"from": said})
    assert "Back to the post" not in page.text
    assert "evil.example" not in page.text.partition("<main")[2]
    referred = browser.get("/join/patron", headers={"Referer": said})
    assert "Back to the post" not in referred.text


def test_A82_the_post_is_known_by_the_link_or_by_the_browser_s_word(place: Place) -> None:
    post = f"{place.forum_url}/t/join-us/12/3"
    browser = place.browser("ada")
    assert link(browser.get("/join/patron?from=/t/join-us/12/3"), "← Back to the post") == post
    referred = browser.get("/join/patron", headers={"Referer": post})
    assert link(referred, "← Back to the post") == post
    bare = browser.get("/join/patron", headers={"Referer": f"{place.forum_url}/"})
    assert "Back to the post" not in bare.text


# --- what is whose ------------------------------------------------------------------------------


def pay(place: Place, user_id: int, customer_id: str, amount_minor: int) -> None:
    """A payment on record."""
    now = place.bridge.clock.now()
    line = MoneyLine(
        f"in_{customer_id}", customer_id, "paid", now, amount_minor, "eur", f"Of {customer_id}"
    )
    with place.bridge.store.write() as connection:
        assert links.link(
            connection,
            customer_id,
            user_id,
            proof="made for them",
            actor="join",
            now=now,
            has_nothing=True,
        )
        money.save(connection, [line], now)


def test_I7_everyone_sees_their_own_statement_and_nobody_else_s(tmp_path: Path) -> None:
    with open_place(tmp_path) as place:
        pay(place, place.person("ada"), "cus_of_ada", 1111)
        pay(place, place.person("eve"), "cus_of_eve", 2222)
        ada, eve = place.browser("ada").get("/me"), place.browser("eve").get("/me")
        assert "€11.11" in ada.text
        assert "€22.22" not in ada.text
        assert "cus_of_eve" not in ada.text
        assert "€22.22" in eve.text
        stranger = place.browser().get("/me")
        assert stranger.status_code == 401
        assert "€" not in stranger.text
        eves = place.browser("eve")
        page = eves.get("/me")
        refused = eves.submit(page, "/me/billing", customer="cus_of_ada")
        assert refused.status_code == 403
        assert "belongs to another member" in refused.text


def test_A101_the_parts_of_a_payment_and_what_is_pending_are_text_on_the_page(
    tmp_path: Path,
) -> None:
    hostile = '"><script>alert(1)</script>'
    with open_place(tmp_path) as place:
        user_id, now = place.person("ada"), place.bridge.clock.now()
        pay(place, user_id, "cus_of_ada", 1111)
        parts = (MoneyPart(hostile, 600), MoneyPart("The rest", 400))
        line = MoneyLine("in_2", "cus_of_ada", "paid", now, 1000, "eur", hostile, parts=parts)
        waits = PendingPayment("cs_1", hostile, 1200, "eur", now)
        with place.bridge.store.write() as connection:
            money.save(connection, [line], now)
            purchases.save(connection, "cus_of_ada", [], [waits], now)
        page = place.browser("ada").get("/me")
        assert "<script" not in page.text
        assert unescape(page.text).count(hostile) == 3
        assert "Pending: " in page.text


def order(place: Place, user_id: int, order_id: str, price_id: str = "price_year") -> str:
    with place.bridge.store.write() as connection:
        checkouts.begin(
            connection,
            order_id,
            user_id=user_id,
            ordered=[Ordered(price_id)],
            return_to=f"{place.forum_url}/t/1",
            now=place.bridge.clock.now(),
        )
    return f"/join/done?order={order_id}"


def test_I7_another_member_s_order_is_refused(place: Place) -> None:
    ada = place.forum.user_named("ada")
    assert ada
    address = order(place, ada.id, "an-order-of-ada-00000001")
    assert place.browser("ada").get(address).status_code == 200
    assert place.browser("eve").get(address).status_code == 403
    assert place.browser().get(address).status_code == 401
    assert place.browser("ada").get("/join/done?order=unknown").status_code == 404


def test_A82_the_waiting_page_tells_how_far_it_is_and_ends_at_the_post(tmp_path: Path) -> None:
    with open_place(tmp_path) as place:
        group = place.open_group("patrons", "Patrons")
        place.sell(PATRON, YEARLY)
        user_id = place.person("ada")
        browser = place.browser("ada")
        browser.get("/me")
        address = order(place, user_id, "an-order-of-ada-00000002")
        waiting = browser.get(address)
        assert "Waiting for your payment to be confirmed…" in waiting.text
        assert 'http-equiv="refresh" content="1; url=/join/done?order=' in waiting.text
        membership = {"user_id": user_id, "group_id": group.id, "sources": ["grant_1"]}
        now = place.bridge.clock.now()
        given = HandGrant("grant_1", user_id, group.id, now, None, "As if it was paid", "test")
        with place.bridge.store.write() as connection:
            hand_grants.give(connection, given, now)
            connection.execute(
                insert(schema.forum.memberships).values(**membership, wanted=True, actual=False)
            )
        assert "Adding you to" in browser.get(address).text
        with place.bridge.store.write() as connection:
            connection.execute(update(schema.forum.memberships).values(actual=True))
        arrived = browser.get(address)
        assert "You are in Patrons" in arrived.text
        assert f'content="3; url={place.forum_url}/t/1"' in arrived.text


def test_a_form_without_our_token_does_nothing(place: Place) -> None:
    browser = place.browser("ada")
    browser.get("/me")
    order_id = "x" * 24
    refused = browser.post("/join/price_year", data={"order": order_id})
    assert refused.status_code == 400
    token_of_eve = (
        place.browser("eve").get("/join/price_year").text.partition('csrf_token" value="')
    )
    forged = {"order": order_id, "csrf_token": token_of_eve[2].partition('"')[0]}
    assert browser.post("/join/price_year", data=forged).status_code == 400
    with place.bridge.store.read() as connection:
        assert checkouts.get(connection, order_id) is None


# --- when something is wrong --------------------------------------------------------------------


def test_what_is_not_sold_is_said_in_plain_words_with_a_number_to_ask_by(place: Place) -> None:
    page = requests.get(f"{place.url}/join/nothing", timeout=20)
    assert page.status_code == 404
    assert "We don’t know this offer" in page.text
    assert page.headers["X-Request-Id"] in page.text


def test_what_was_deleted_at_stripe_is_not_sold_any_more(place: Place) -> None:
    place.sell(Price("price_gone", "prod_patron", "eur", 100, lookup_key="gone"))
    assert requests.get(f"{place.url}/join/gone", timeout=20).status_code == 200
    with place.bridge.store.write() as connection:
        catalogue.drop(connection, "price_gone", place.bridge.clock.now())
    assert requests.get(f"{place.url}/join/gone", timeout=20).status_code == 404


def test_nobody_pays_for_what_a_broken_mapping_rule_should_lead_to(place: Place) -> None:
    metadata = {"discourse_groups": "patrons"}
    club = Product("prod_club", "Club", metadata=metadata)
    place.sell(club, Price("price_club", "prod_club", "eur", 500, "month"))
    browser = place.browser("ada")
    page = browser.get("/join/price_club")
    assert "Continue to payment" in page.text
    metadata["discourse_groups"] = "patrons,no-such-group"
    place.sell(club)
    refused = browser.submit(page, "/join/price_club")
    assert refused.status_code == 503
    assert "set up incorrectly" in refused.text
    assert "set up incorrectly" in browser.get("/join/prod_club").text
    metadata["discourse_groups"] = "patrons"
    place.sell(club)
    assert "Continue to payment" in browser.get("/join/price_club").text


def test_stripe_being_away_is_a_page_that_says_when_to_come_back(place: Place) -> None:
    browser = place.browser("ada")
    page = browser.get("/join/price_year")
    place.world.faults.add("stripe", "POST /v1/*", "status", times=None, status=503)
    refused = browser.submit(page, "/join/price_year")
    place.world.faults.clear()
    assert refused.status_code == 503
    assert "Try again" in refused.text
    assert int(refused.headers["Retry-After"]) > 0


def test_a_body_larger_than_any_form_of_ours_is_refused(place: Place) -> None:
    huge = requests.post(f"{place.url}/logout", data={"a": "x" * 200_000}, timeout=20)
    assert huge.status_code == 413


def test_every_answer_carries_the_protections(place: Place) -> None:
    for path in ("/join/patron", "/me", "/nothing", "/healthz", "/login/callback"):
        answer = requests.get(f"{place.url}{path}", timeout=20, allow_redirects=False)
        policy = answer.headers["Content-Security-Policy"]
        assert "default-src 'none'" in policy
        assert "frame-ancestors 'none'" in policy
        assert "script-src" not in policy, "nothing runs in our pages"
        assert answer.headers["X-Content-Type-Options"] == "nosniff"
        assert answer.headers["Referrer-Policy"] == "same-origin"


def test_an_encrypted_bridge_has_a_cookie_that_only_it_can_set_and_read(place: Place) -> None:
    settings = replace(place.bridge.settings, bridge_url="https://bridge.example.org")
    client = create_app(replace(place.bridge, settings=settings)).test_client()
    answer = client.get("/login", base_url="https://bridge.example.org")
    cookie = answer.headers["Set-Cookie"]
    assert cookie.startswith("__Host-bridge=")
    for part in ("Secure", "HttpOnly", "SameSite=Lax", "Path=/"):
        assert part in cookie
    assert "Domain" not in cookie
    assert answer.headers["Strict-Transport-Security"]


def test_one_client_cannot_keep_everybody_busy(place: Place) -> None:
    client = create_app(place.bridge).test_client()
    answers = [
        client.get("/login", environ_base={"REMOTE_ADDR": "203.0.113.5"}) for _ in range(121)
    ]
    assert {answer.status_code for answer in answers[:120]} == {303}
    assert answers[120].status_code == 429
    assert answers[120].headers["Retry-After"] == "60"
    assert "One moment" in answers[120].text
    other = client.get("/login", environ_base={"REMOTE_ADDR": "203.0.113.6"})
    assert other.status_code == 303


def test_only_a_declared_proxy_may_say_who_the_client_is(place: Place) -> None:
    plain = create_app(place.bridge).test_client()
    behind = create_app(place.bridge, proxy_hops=1).test_client()
    said = {"X-Forwarded-For": "203.0.113.9"}
    for _ in range(120):
        plain.get("/login", headers=said)
        behind.get("/login", headers=said)
    assert plain.get("/login").status_code == 429
    assert behind.get("/login").status_code == 303


def test_A102_the_stylesheet_wears_the_forum_s_palette(place: Place) -> None:
    page = requests.get(f"{place.url}/join/patron", timeout=20)
    sheet = page.text.partition('rel="stylesheet" href="')[2].partition('"')[0]
    style = requests.get(f"{place.url}{sheet}", timeout=20)
    assert "immutable" in style.headers["Cache-Control"]
    site = place.bridge.discourse.site()
    assert site.light["tertiary"]
    light, _, dark = style.text.partition("@media (prefers-color-scheme: dark)")
    assert f"--tertiary:{site.light['tertiary']};" in light
    if site.dark:
        assert f"--secondary:{site.dark['secondary']};" in dark


# --- for machines -------------------------------------------------------------------------------


def test_ready_means_that_webhooks_can_be_stored(tmp_path: Path) -> None:
    with open_place(tmp_path) as place:
        ready = requests.get(f"{place.url}/readyz", timeout=20)
        assert ready.status_code == 200
        assert ready.json()["status"] == "degraded", "there is no Redis here"
        with place.bridge.store.write() as connection:
            connection.execute(text("DELETE FROM alembic_version"))
        behind = create_app(place.bridge).test_client().get("/readyz")
        assert behind.status_code == 503
        assert "migrate" in behind.get_json()["database"]
        assert requests.get(f"{place.url}/healthz", timeout=20).status_code == 200
