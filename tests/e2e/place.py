"""A simulated forum and Stripe with the real bridge between them, each on a socket of its own.

The pages are served and the work is done in this process, so that tests can look into the store;
all requests are real.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from html import unescape
from html.parser import HTMLParser
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import requests
import stripe
from werkzeug.serving import WSGIRequestHandler, make_server

from bridge import wiring
from bridge.core.model.discourse import Group
from bridge.core.model.stripe import Price, Product
from bridge.sandbox import run
from bridge.sandbox.discourse import people
from bridge.sandbox.stripe import account_of, add_webhook, checkout_payment, delivery
from bridge.settings import Settings
from bridge.store import groups, migrate
from bridge.web import create_app
from bridge.wiring import Bridge
from bridge.worker import sweeper
from bridge.worker.intake import note_catalogue
from tests.databases import compile_once, with_tables
from tests.harness import open_sandbox

PASSWORD = "correct horse battery staple"
BROWSER = {"Sec-Fetch-Dest": "document", "Sec-Fetch-Mode": "navigate"}


class _Silent(WSGIRequestHandler):
    def log_request(self, *_: Any) -> None:
        """Say nothing."""


class Place:
    """Everything on loopback. The forum is on `localhost`, the bridge on 127.0.0.1: two sites."""

    def __init__(self, sandbox: run.Sandbox, bridge: Bridge) -> None:
        self.sandbox = sandbox
        self.world = sandbox.world
        self.forum = sandbox.forum
        self.bridge = bridge
        self.url = bridge.settings.bridge_url
        self.forum_url = bridge.settings.discourse_url
        self.stripe = stripe.StripeClient(
            sandbox.info["stripe_key"], base_addresses={"api": sandbox.info["stripe_url"]}
        )

    def sell(self, *things: Product | Price) -> None:
        """Put products and prices into the catalogue, as if they were read from Stripe."""
        with self.bridge.store.write() as connection:
            note_catalogue(connection, things, self.bridge.clock.now())

    def sell_at_stripe(self, name: str, group: str, amount: int, interval: str | None) -> str:
        """A product with one price at Stripe that leads to a group; returns the price's id."""
        metadata = {"discourse_groups": group}
        product = self.stripe.v1.products.create({"name": name, "metadata": metadata})
        what: Any = {"product": product.id, "currency": "eur", "unit_amount": amount}
        if interval:
            what["recurring"] = {"interval": interval}
        return self.stripe.v1.prices.create(what).id

    def open_group(self, name: str, full_name: str | None = None) -> Group:
        """A group on the forum that the bridge knows of."""
        made = people.add_group(self.forum, name, self.world.clock.now())
        made.full_name = full_name
        group = Group(made.id, name, full_name)
        with self.bridge.store.write() as connection:
            groups.save_group(connection, group, self.bridge.clock.now())
        return group

    def person(self, name: str) -> int:
        """A member of the forum; returns the user's id."""
        now = self.world.clock.now()
        email = f"{name}@example.com"
        return people.add_user(self.forum, name, email, now, password=PASSWORD, trust_level=1).id

    def post(self, raw: str, **more: str | int) -> dict[str, Any]:
        """Write on the forum: a topic with a title, or an answer with a topic_id."""
        settings = self.bridge.settings
        key = {"Api-Key": settings.discourse_api_key, "Api-Username": "siteadmin"}
        answer = requests.post(
            f"{self.forum_url}/posts.json", json={"raw": raw, **more}, headers=key, timeout=20
        )
        assert answer.status_code == 200, answer.text
        made: dict[str, Any] = answer.json()
        return made

    def members(self, group: str) -> set[str]:
        """Who is in a group on the forum, by name."""
        found = self.forum.groups[self.forum.group_id_by_name[group]]
        return {self.forum.users[user_id].username for user_id in found.members}

    def pay_at_stripe(self, address: str, card: str = "pm_card_visa") -> None:
        """Press the button on Stripe's page."""
        account = account_of(self.world)
        session_id = urlsplit(address).path.rpartition("/")[2]
        with self.world.lock:
            session = account.get("checkout.session", session_id)
            assert session is not None
            checkout_payment.complete(account, session, {"token": card, "country": "DE"})

    def settle(self) -> None:
        """Let events arrive and the bridge do everything that is due."""
        for _ in range(50):
            delivery.wait_until_idle(self.world)
            self.pass_time(1.1)
            if sweeper.tick(self.bridge) == 0:
                return
        raise AssertionError("the bridge does not come to rest")

    def pass_time(self, seconds: float) -> None:
        """Move the time of all of them."""
        self.world.clock.advance(seconds)

    def browser(self, user: str | None = None) -> Browser:
        """A browser without scripts, of somebody logged in to the forum or of a stranger."""
        made = Browser(self)
        if user:
            made.log_in(user)
        return made


class Browser(requests.Session):
    """Follows redirects and keeps cookies as a browser does; runs nothing."""

    def __init__(self, place: Place) -> None:
        super().__init__()
        self.place = place
        self.headers.update(BROWSER)
        self.trust_env = False

    def request(self, method: Any, url: Any, *args: Any, **kwargs: Any) -> requests.Response:
        whole = f"{self.place.url}{url}" if str(url).startswith("/") else url
        kwargs.setdefault("timeout", 20)
        return super().request(method, whole, *args, **kwargs)

    def log_in(self, user: str, password: str = PASSWORD) -> None:
        """Log in on the forum, as its own login form does it."""
        forum = self.place.forum_url
        token = self.get(f"{forum}/session/csrf.json").json()["csrf"]
        answer = self.post(
            f"{forum}/session.json",
            data={"login": user, "password": password},
            headers={"X-CSRF-Token": token},
        ).json()
        assert "error" not in answer, answer

    def submit(self, page: requests.Response, action: str, **fields: str) -> requests.Response:
        """Press the button of a form on a page; redirects are left to the caller."""
        form = _Form(action)
        form.feed(page.text)
        assert form.seen, f"no form to {action} on the page"
        data = {**form.fields, **fields}
        return self.post(action, data=data, headers={"Referer": page.url}, allow_redirects=False)


def link(page: requests.Response, words: str) -> str:
    """The address of the link with these words."""
    before = page.text.partition(f">{words}<")[0]
    assert before != page.text, f"no link {words!r}"
    return unescape(before.rpartition('href="')[2].partition('"')[0])


class _Form(HTMLParser):
    """The hidden fields of the first form with an action."""

    def __init__(self, action: str) -> None:
        super().__init__()
        self.action = action
        self.seen = self.inside = False
        self.fields: dict[str, str] = {}

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        has = {name: value or "" for name, value in attrs}
        if tag == "form":
            self.inside = has.get("action") == self.action and not self.seen
            self.seen = self.seen or self.inside
        elif tag == "input" and self.inside and "name" in has:
            self.fields[has["name"]] = has.get("value", "")


@contextmanager
def open_place(data: Path, **of_sandbox: Any) -> Iterator[Place]:
    """Start all of it; everything has ended when the block is left."""
    data.mkdir(parents=True, exist_ok=True)
    sandbox = open_sandbox(data / "clock", **of_sandbox)
    web = make_server("127.0.0.1", 0, lambda *_: [], threaded=True, request_handler=_Silent)
    url = f"http://127.0.0.1:{web.server_port}"
    bridge = wiring.build(_settings(url, sandbox, data))
    compile_once(bridge.store)
    migrate.upgrade(bridge.store, bridge.clock.now())
    bridge.limiter.prepare()
    web.app = create_app(bridge)
    thread = threading.Thread(target=web.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    secret = sandbox.info["stripe_webhook_secret"]
    add_webhook(sandbox.world, f"{url}/webhooks/stripe", secret=secret)
    try:
        yield Place(sandbox, bridge)
    finally:
        web.shutdown()
        thread.join()
        web.server_close()
        sandbox.close()
        bridge.store.close()


@contextmanager
def open_patrons(data: Path, *people: str) -> Iterator[Place]:
    """A place with the group Patrons, in which nobody is, and these people on the forum."""
    with open_place(data) as opened:
        opened.open_group("patrons", "Patrons")
        for name in people:
            opened.person(name)
        yield opened


def _settings(url: str, sandbox: run.Sandbox, data: Path) -> Settings:
    config = data / "bridge.toml"  # where the test has written one
    return Settings.from_env(
        {
            **({"BRIDGE_CONFIG": str(config)} if config.exists() else {}),
            **sandbox.settings(),
            "BRIDGE_URL": url,
            "SECRET_KEY": "0123456789abcdef0123456789abcdef",
            "BRIDGE_DATA": str(data),
            "DATABASE_URL": with_tables(data / "bridge.sqlite3"),
            "BRIDGE_CLOCK_FILE": str(data / "clock"),
        }
    )
