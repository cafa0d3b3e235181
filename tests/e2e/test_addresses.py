"""Every address as each visitor meets it: the table of docs/addresses.md, walked (I7)."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
import requests

from bridge.core.memberships.campaign import Candidate
from bridge.core.model.actor import operator
from bridge.operations import campaigns
from bridge.store import links, presents
from bridge.web import limiting
from tests.addresses import TITLES, Row, table
from tests.e2e.place import Browser, Place, open_place
from tests.e2e.test_presents import wrap

pytestmark = pytest.mark.e2e
ROWS = [row for title in TITLES for row in table(title)]
VISITORS = {"stranger": "zoe", "owner": "ada", "other member": "ben", "moderator": "mia"}
TAKES = {"other member": 0, "moderator": 1}
WORDS = {
    400: "explained",
    403: "refused",
    404: "nothing",
    409: "explained",
    410: "explained",
    422: "explained",
}
_NUMBERS = count(1)


@dataclass
class World:
    """Ada's things, and a browser of each visitor with its form token.

    `kept`: the cookie of a sign-in that has ended.
    """

    place: Place
    has: dict[str, str]
    words: list[str]
    browsers: dict[str, Browser] = field(default_factory=dict)
    tokens: dict[str, str] = field(default_factory=dict)
    kept: str = ""

    def open(self, who: str) -> None:
        """Sign a visitor in, and note the token of their forms."""
        browser = self.browsers[who] = self.place.browser(VISITORS[who])
        page = browser.get("/me").text
        self.tokens[who] = page.partition('csrf_token" value="')[2].partition('"')[0]
        assert self.tokens[who]

    def stranger(self) -> Browser:
        """One whose sign-in has ended: the form's token is still good, so it protects nothing."""
        browser = self.place.browser()
        browser.cookies.set("bridge", self.kept)
        return browser

    def path(self, rule: str, who: str) -> str:
        """The address about ada's things, or about something on offer."""
        if "<word>" in rule:  # each takes one of the presents that ada gives
            return rule.replace("<word>", self.words[TAKES.get(who, 2)])
        made = next((path for start, path in SPECIAL.items() if rule.startswith(start)), None)
        return (made or re.sub(r"<(?:\w+:)?(\w+)>", r"{\1}", rule)).format(**self.has)

    def form(self, rule: str, who: str) -> dict[str, str]:
        """A form that names ada's things. An order's number is new each time."""
        names = ("subscription", "seats_of", "customer", "present", "user")
        named = {name: self.has[name] for name in names}
        order = f"an-order-of-this-walk-{next(_NUMBERS):04d}"
        form = named | {"csrf_token": self.tokens[who], "order": order, "name": "cleo"}
        return form | ({"user": str(self.has["cleo"])} if rule.startswith("/me/seats") else {})


SPECIAL = {
    "/join/<several": "/join/{price}+{gift}",
    "/join/done": "/join/done?order={order}",
    "/give/": "/give/{gift}",
    "/goal/": "/goal/{goal}.svg",
    "/moderate/act/": "/moderate/act/keep-held",
    "/moderate/lists/": "/moderate/lists/held",
    "/moderate/person/<id:user_id>/<": "/moderate/person/{user_id}/grant",
    "/moderate/find": "/moderate/find?q=ben",
}


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """All of it. The walk asks more in its minute than anybody may."""
    folder = tmp_path_factory.mktemp("addresses")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(limiting, "LIMITS", dict.fromkeys(limiting.LIMITS, 10**6))
        yield from _world(folder)


def _world(folder: Path) -> Iterator[World]:
    with open_place(folder) as place:
        place.open_group("patrons", "Patrons")
        for name in ("ada", "ben", "cleo", "mia", "zoe"):
            place.person(name)
        place.forum.users[user_id(place, "mia")].moderator = True
        object.__setattr__(place.bridge.settings, "standing_tokens", ("a-token-of-a-door",))
        made = World(place, *_what_ada_has(place))
        made.open("stranger")
        made.kept = made.browsers["stranger"].cookies.get("bridge") or ""
        place.pass_time(16 * 60)
        yield made


def user_id(place: Place, name: str) -> int:
    found = place.forum.user_named(name)
    assert found
    return found.id


def _sell(place: Place, name: str, amount: int, interval: str | None, **about: str) -> str:
    data = {"discourse_groups": "patrons", **about}
    product = place.stripe.v1.products.create({"name": name, "metadata": data})
    what: Any = {"product": product.id, "currency": "eur", "unit_amount": amount}
    what |= {"recurring": {"interval": interval}} if interval else {}
    return place.stripe.v1.prices.create(what).id


def _what_ada_has(place: Place) -> tuple[dict[str, str], list[str]]:
    """A subscription bought here, a team with seats, and presents to hand over."""
    price = _sell(place, "Patron", 500, "month", discourse_goal="50 members")
    team = _sell(place, "Team", 900, "year")
    gift = _sell(place, "Month", 700, None, discourse_gift="yes", discourse_term="30d")
    place.settle()
    ada = place.browser("ada")
    order = "adas-order-" + "x" * 20
    gone = ada.submit(ada.get(f"/join/{price}"), f"/join/{price}", order=order).headers["Location"]
    place.pay_at_stripe(gone)
    place.settle()
    with place.bridge.store.read() as connection:
        (customer,) = links.customers_of(connection, user_id(place, "ada"))
    (own,) = place.stripe.v1.subscriptions.list({"customer": customer}).data
    (card,) = place.stripe.v1.customers.payment_methods.list(customer).data
    what: Any = {
        "customer": customer,
        "items": [{"price": team, "quantity": 3}],
        "default_payment_method": card.id,
    }
    seats = place.stripe.v1.subscriptions.create(what)
    for _ in range(4):
        wrapped = wrap(ada, gift, to="link", anonymous="yes")
        place.pay_at_stripe(wrapped.headers["Location"])
    place.settle()
    words = re.findall(r'readonly value="[^"]*/present/([^"]+)"', ada.get("/me/presents").text)
    with place.bridge.store.read() as connection:
        *_, present = presents.given_by(connection, user_id(place, "ada"))
    link = place.stripe.v1.payment_links.create({"line_items": [{"price": price, "quantity": 1}]})
    style = re.search(r"/style-([^.]+)\.css", ada.get("/me").text)
    assert style
    has = {
        "price": price,
        "key": price,
        "gift": gift,
        "goal": str(own["items"].data[0].price.product),
        "order": order,
        "session_id": urlsplit(gone).path.rpartition("/")[2],
        "link_id": link.id,
        "subscription": own.id,
        "subscription_id": own.id,
        "seats_of": seats.id,
        "customer": customer,
        "present": present.id,
        "digest": style[1],
        "token": _asked_to_renew(place, gift),
        "name": "Autumn",
        "user_id": str(user_id(place, "ada")),
        "user": "ada",
        "cleo": str(user_id(place, "cleo")),
        "number": str(user_id(place, "ada")),
        "group_id": "1",
        "grant_id": "grant_1",
    }
    return has, words


def _asked_to_renew(place: Place, price: str) -> str:
    """The last part of ada's campaign link."""
    offer = campaigns.offer_of(place.bridge, price)
    named = campaigns.named_in_file(place.bridge, offer, [Candidate("ada")])
    made = campaigns.new_campaign(place.bridge, operator("op"), "Autumn", offer, named)
    return made.sent[0].address.rpartition("/")[2]


# --- the walk ------------------------------------------------------------------------------------


def word_for(world: World, asked: str, answer: requests.Response, browser: Browser) -> str:
    """The table's word for an answer; redirects within the bridge are followed."""
    for _ in range(8):
        if not answer.is_redirect:
            break
        to = answer.headers["Location"]
        to = f"{world.place.url}{to}" if to.startswith("/") else to
        if to.startswith(world.place.forum_url) and "/session/sso_provider" not in to:
            return "forum"
        if not to.startswith((world.place.url, world.place.forum_url)):
            return "Stripe"
        answer = browser.get(to, allow_redirects=False)
    if answer.status_code == 401:
        return "login" if "Log in" in answer.text else "token"
    if answer.status_code == 200:
        return "page" if urlsplit(answer.url).path == urlsplit(asked).path else "onward"
    if asked.startswith("/webhooks/") and answer.status_code == 400:
        return "signature"
    return WORDS.get(answer.status_code, str(answer.status_code))


def test_I7_each_visitor_gets_at_each_address_what_the_table_says(world: World) -> None:
    found = {(row.method, row.rule): walk(world, row) for row in ROWS}
    assert found == {(row.method, row.rule): row.gets for row in ROWS}


def walk(world: World, row: Row) -> dict[str, str]:
    """Visit one address as each visitor, the owner last because their act may succeed."""
    found = {}
    for who in sorted(row.gets, key=lambda one: one == "owner"):
        if who not in world.browsers:
            world.open(who)
        browser = world.stranger() if who == "stranger" else world.browsers[who]
        path = world.path(row.rule, who)
        form = world.form(row.rule, who) if row.method == "POST" else None
        passed_on = {"Via": "1.1 a-proxy"}
        answer = browser.request(
            row.method, path, data=form, headers=passed_on, allow_redirects=False
        )
        found[who] = word_for(world, path, answer, browser)
        if row.rule == "/logout" and who != "stranger":
            del world.browsers[who]
    return found


# --- what somebody might try ---------------------------------------------------------------------


FORMS = [row for row in ROWS if row.method == "POST" and "token" not in row.gets.values()]


def test_I7_csrf_a_form_without_its_token_does_nothing(world: World) -> None:
    forms = [row for row in FORMS if "signature" not in row.gets.values()]
    world.open("owner")
    for row in forms:
        form = world.form(row.rule, "owner")
        for token in ("", "forged", world.tokens.get("moderator", "another")):
            sent = form | {"csrf_token": token}
            answer = world.browsers["owner"].post(
                world.path(row.rule, "owner"), data=sent, allow_redirects=False
            )
            assert answer.status_code == 400, (row.rule, token)
            assert "The page was open for too long" in answer.text


INVENTED = {
    "subscription": "sub_1AbCdEfGhIjKlMnO",
    "subscription_id": "sub_1AbCdEfGhIjKlMnO",
    "seats_of": "sub_1AbCdEfGhIjKlMnO",
    "customer": "cus_AbCdEfGhIjKlMn",
    "present": "a-present-of-nobodys-at-all",
}


def test_I7_enumeration_what_another_member_has_is_answered_like_what_nobody_has(
    world: World,
) -> None:
    world.open("other member")
    nobodys = World(world.place, world.has | INVENTED, world.words, world.browsers, world.tokens)
    rows = [row for row in ROWS if row.rule.startswith("/me/")]
    for row in rows:
        answers = []
        for one in (world, nobodys):
            path, form = one.path(row.rule, "other member"), one.form(row.rule, "other member")
            data = form if row.method == "POST" else None
            answer = one.browsers["other member"].request(
                row.method, path, data=data, allow_redirects=False
            )
            said = answer.text.partition("<main")[2].replace(path, "")
            answers.append((answer.status_code, answer.headers.get("Location"), said))
        assert _without_numbers(answers[0]) == _without_numbers(answers[1]), row.rule


def _without_numbers(answer: tuple[int, str | None, str]) -> tuple[int, str, str]:
    """Without parts that change each time: request number, form token, times in addresses."""
    status, location, said = answer
    return (
        status,
        re.sub(r"\d{10,}", "", location or ""),
        re.sub(r'class="number">\w+<|value="[^"]*"|at=\d+', "", said),
    )


@pytest.mark.parametrize(
    "elsewhere",
    ["https://evil.example/t/1", "//evil.example", "/\\evil.example", "https:evil.example"],
)
def test_I7_open_redirect_no_address_leads_to_another_site(world: World, elsewhere: str) -> None:
    world.open("other member")
    browser = world.browsers["other member"]
    said = dict.fromkeys(("next", "from", "back", "return_to", "url"), elsewhere)
    for row in ROWS:
        if row.method == "GET" and row.rule not in ("/login/callback", "/present/<word>"):
            path = world.path(row.rule, "other member")
            answer = browser.get(path, params=said, allow_redirects=False)
            place = answer.headers.get("Location", "")
            assert "evil" not in re.sub(r"[?&]sso=[^&]*", "", place), (row.rule, place)
            assert "evil" not in answer.text, row.rule
