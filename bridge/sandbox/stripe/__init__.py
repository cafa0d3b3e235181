"""A simulated Stripe: the wire formats of one API version over a state that lives in the World."""

from __future__ import annotations

from functools import partial

from flask import Flask

from bridge.late_rule import LateRule, SharedMap
from bridge.sandbox.kernel import World
from bridge.sandbox.sending import Courier
from bridge.sandbox.stripe.account import Account, account_of
from bridge.sandbox.stripe.app import add_api
from bridge.sandbox.stripe.checkout_pages import create_checkout_pages
from bridge.sandbox.stripe.courier import send_next
from bridge.sandbox.stripe.dashboard import create_dashboard
from bridge.sandbox.stripe.errors import IN_USE, LOCK_TIMEOUT, RATE_LIMIT
from bridge.sandbox.stripe.loading import load
from bridge.sandbox.stripe.portal_pages import create_portal_pages
from bridge.sandbox.stripe.timeline import advance, tick
from bridge.sandbox.stripe.webhooks import add_endpoint

__all__ = [
    "Account",
    "accept",
    "account_of",
    "add_webhook",
    "advance",
    "conflict",
    "create_stripe",
    "fail_payments",
    "load",
    "restrict",
    "tick",
    "too_many_requests",
]


_RULES = SharedMap()


def create_stripe(world: World) -> Flask:
    """The application to serve, and the thread that sends webhooks until the world is closed."""
    app = Flask(__name__, static_folder=None)
    app.url_rule_class, app.url_map = LateRule, _RULES
    account_of(world)
    add_api(app, world)
    app.register_blueprint(create_checkout_pages(world))
    app.register_blueprint(create_portal_pages(world))
    app.register_blueprint(create_dashboard(world))
    _RULES.is_whole = True
    courier = Courier("stripe-courier", partial(send_next, world), pause=0.005, timeout=10)
    world.on_close(courier.stop)
    return app


def fail_payments(
    world: World, customer: str, times: int = 1, decline_code: str = "generic_decline"
) -> None:
    """The customer's next payments are declined, whatever the card; 0 lets them succeed again."""
    with world.lock:
        account_of(world).failing[customer] = [decline_code] * times


def too_many_requests(
    world: World, match: str = "*", times: int | None = 1, *, lock_timeout: bool = False
) -> None:
    """Answer the next matching requests ("METHOD /path" with `*`) with Stripe's 429."""
    body = LOCK_TIMEOUT if lock_timeout else RATE_LIMIT
    world.faults.add("stripe", match, "status", times=times, status=429, body=body)


def conflict(world: World, match: str = "*", times: int | None = 1) -> None:
    """Answer the next matching requests with 409: the same idempotency key is still in use."""
    world.faults.add("stripe", match, "status", times=times, status=409, body=IN_USE)


def add_webhook(
    world: World,
    url: str,
    enabled_events: list[str] | None = None,
    *,
    api_version: str | None = None,
    secret: str | None = None,
    thin: bool = False,
) -> tuple[str, str]:
    """Send events to a loopback address; answers the endpoint's id and signing secret."""
    with world.lock:
        endpoint = add_endpoint(
            account_of(world),
            url,
            enabled_events or ["*"],
            api_version,
            secret=secret,
            thin_events=thin,
        )
        return str(endpoint["id"]), str(endpoint["_secret"])


def restrict(world: World, rights: set[str], key: str | None = None) -> str:
    """Accept a restricted key, a new one or the given, with `customers:read` and the like."""
    with world.lock:
        account = account_of(world)
        key = key or account.ids.new("rk_test", 24)
        account.restricted[key] = set(rights)
        return key


def accept(world: World, key: str | None = None) -> str:
    """Accept a key with all rights, a new one or the given; no key that was not named is taken."""
    with world.lock:
        account = account_of(world)
        key = key or account.ids.new("sk_test", 24)
        account.keys.add(key)
        return key
