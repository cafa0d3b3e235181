"""A simulated forum and Stripe with the real bridge between them, each on a socket of its own.

The pages are served and the work is done in this process, so that a test can look into the store;
what goes over the wire is all real.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import requests
from werkzeug.serving import WSGIRequestHandler, make_server

from bridge import wiring
from bridge.core.model import Group, Price, Product
from bridge.sandbox.discourse import create_discourse
from bridge.sandbox.discourse import people as forum_people
from bridge.sandbox.discourse.state import Forum
from bridge.sandbox.kernel import Clock, World
from bridge.sandbox.server import serve
from bridge.settings import Settings
from bridge.store import facts, groups, migrate
from bridge.web import create_app
from bridge.wiring import Bridge

CONNECT_SECRET = "a-secret-shared-with-the-forum"
PASSWORD = "correct horse battery staple"
BROWSER = {"Sec-Fetch-Dest": "document", "Sec-Fetch-Mode": "navigate"}


class _Silent(WSGIRequestHandler):
    def log_request(self, *_: Any) -> None:
        """Say nothing."""


class Place:
    """Everything on loopback. The forum is on `localhost`, the bridge on 127.0.0.1: two sites."""

    def __init__(self, world: World, forum: Forum, bridge: Bridge) -> None:
        self.world = world
        self.forum = forum
        self.bridge = bridge
        self.url = bridge.settings.bridge_url
        self.forum_url = forum.address

    def sell(self, *things: Product | Price) -> None:
        """Put products and prices into the catalogue, as if Stripe had told of them."""
        with self.bridge.store.write() as connection:
            facts.save_catalogue(connection, things, self.bridge.clock.now())

    def open_group(self, name: str, full_name: str | None = None) -> Group:
        """A group on the forum that the bridge knows of."""
        made = forum_people.add_group(self.forum, name, self.world.clock.now())
        group = Group(made.id, name, full_name)
        with self.bridge.store.write() as connection:
            groups.save_group(connection, group, self.bridge.clock.now())
        return group

    def person(self, name: str) -> int:
        """A member of the forum; returns the user's id."""
        now = self.world.clock.now()
        email = f"{name}@example.com"
        user = forum_people.add_user(self.forum, name, email, now, password=PASSWORD, trust_level=1)
        return user.id

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

    def log_in(self, user: str) -> None:
        """Log in on the forum, as its own login form does it."""
        forum = self.place.forum_url
        token = self.get(f"{forum}/session/csrf.json").json()["csrf"]
        answer = self.post(
            f"{forum}/session.json",
            data={"login": user, "password": PASSWORD},
            headers={"X-CSRF-Token": token},
        ).json()
        assert "error" not in answer, answer

    def submit(self, page: requests.Response, action: str, **fields: str) -> requests.Response:
        """Press the button of a form on a page; redirects are left to the caller."""
        form = _form(page.text, action)
        data = {**form, **fields}
        return self.post(action, data=data, headers={"Referer": page.url}, allow_redirects=False)


def _form(html: str, action: str) -> dict[str, str]:
    """The hidden fields of the first form with that action."""
    from html.parser import HTMLParser  # noqa: PLC0415 - only here

    class Reader(HTMLParser):
        def __init__(self) -> None:
            super().__init__()
            self.inside = False
            self.found: dict[str, str] = {}
            self.seen = False

        def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
            has = {name: value or "" for name, value in attrs}
            if tag == "form":
                self.inside = has.get("action") == action and not self.seen
                self.seen = self.seen or self.inside
            elif tag in ("input", "button") and self.inside and "name" in has:
                self.found.setdefault(has["name"], has.get("value", ""))

    reader = Reader()
    reader.feed(html)
    assert reader.seen, f"no form to {action} on the page"
    return reader.found


@contextmanager
def open_place(data: Path, **of_forum: Any) -> Iterator[Place]:
    """Start all of it; everything has ended when the block is left."""
    data.mkdir(parents=True, exist_ok=True)
    clock_file = data / "clock"
    world = World(clock=Clock(offset_file=clock_file))
    forum_app = create_discourse(world, connect_secret=CONNECT_SECRET, **of_forum)
    forum: Forum = world.parts["discourse"]
    forum_server = serve(world, "discourse", forum_app, host="localhost")
    forum.url = forum_server.url
    web = make_server("127.0.0.1", 0, lambda *_: [], threaded=True, request_handler=_Silent)
    bridge = wiring.build(_settings(f"http://127.0.0.1:{web.server_port}", forum.address, data))
    migrate.upgrade(bridge.store, bridge.clock.now())
    web.app = create_app(bridge)
    thread = threading.Thread(target=web.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    try:
        yield Place(world, forum, bridge)
    finally:
        web.shutdown()
        thread.join()
        web.server_close()
        forum_server.close()
        world.close()
        bridge.store.close()


def _settings(bridge_url: str, forum_url: str, data: Path) -> Settings:
    return Settings.from_env(
        {
            "STRIPE_API_KEY": "sk_test_sandbox",
            "STRIPE_WEBHOOK_SECRET": "whsec_sandbox",
            "STRIPE_API_BASE": "http://127.0.0.1:9",
            "DISCOURSE_URL": forum_url,
            "DISCOURSE_API_KEY": "the-key-of-the-bridge",
            "DISCOURSE_CONNECT_SECRET": CONNECT_SECRET,
            "BRIDGE_URL": bridge_url,
            "SECRET_KEY": "0123456789abcdef0123456789abcdef",
            "BRIDGE_DATA": str(data),
            "BRIDGE_CLOCK_FILE": str(data / "clock"),
        }
    )
