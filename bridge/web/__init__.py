"""The bridge's pages: joining, signing in, members' statements, and addresses for machines."""

from __future__ import annotations

from datetime import timedelta
from itertools import chain
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from flask import Flask, request
from flask_wtf.csrf import CSRFProtect
from werkzeug.middleware.proxy_fix import ProxyFix
from werkzeug.routing import IntegerConverter, Map

from bridge.core.model.people import LARGEST_ID
from bridge.filters import TEMPLATES
from bridge.late_rule import LateRule
from bridge.web import health, login, moderate, security, site, webhooks
from bridge.web.api import books, calls, standing, v1
from bridge.web.buying import (
    arrival,
    campaigns,
    claim,
    goals,
    join,
    presents,
    refusing,
    several,
    shelf,
)
from bridge.web.buying.costs import CostCache
from bridge.web.buying.posts import PostCache
from bridge.web.buying.several import SeveralConverter
from bridge.web.context import SESSION_HOURS
from bridge.web.limiting import Limiter
from bridge.web.look import LookCache
from bridge.web.me import acts, names, seats
from bridge.web.me import page as me
from bridge.web.me import presents as my_presents
from bridge.web.pages import teach

if TYPE_CHECKING:
    from bridge.wiring import Bridge

# These are signed, need a token, or are public. Their clients may use another host name.
API = (v1, books)  # imported because they register routes
ROUTES = (
    webhooks,
    health,
    site,
    login,
    join,
    several,
    shelf,
    goals,
    arrival,
    campaigns,
    claim,
    presents,
    me,
    seats,
    names,
    acts,
    my_presents,
    standing,
    moderate,
    calls,
)
UNLIMITED = (webhooks, health, site)
FOR_MACHINES = (webhooks.blueprint, health.blueprint, standing.blueprint)
MOST_BYTES = 32 * 1024  # the bridge's forms are far smaller; webhooks have their own limit


class IdConverter(IntegerConverter):
    """An id in an address: a whole number that the databases can hold; anything else is a 404."""

    def __init__(self, url_map: Map) -> None:
        super().__init__(url_map, min=1, max=LARGEST_ID)


def create_app(bridge: Bridge, *, proxy_hops: int = 0, metrics_token: str | None = None) -> Flask:
    """The web application of one bridge.

    `proxy_hops`: how many of your own proxies are in front of it and may say who the client is.
    `metrics_token`: required to read /metrics; without one, only this machine may.
    """
    app = Flask(__name__, static_folder=None, template_folder=str(TEMPLATES / "html"))
    # It would redirect doubled slashes to the host that the client named.
    app.url_map.merge_slashes = False
    app.url_rule_class = LateRule
    app.url_map.converters["id"] = IdConverter
    app.url_map.converters["several"] = SeveralConverter
    app.secret_key = bridge.settings.secret_key
    app.config.update(_cookies(bridge.settings.bridge_url))
    app.config.update(
        WTF_CSRF_TIME_LIMIT=SESSION_HOURS * 3600,
        # This compares Referer with Host, which a proxy may rewrite. The token is proof enough.
        WTF_CSRF_SSL_STRICT=False,
        METRICS_TOKEN=metrics_token,
        # For Flask's own clients. security.py says which Host a request may have.
        SERVER_NAME=urlsplit(bridge.settings.bridge_url).netloc,
    )
    app.extensions["bridge"] = bridge
    app.extensions["readiness"] = health.Readiness()
    app.extensions["look"] = LookCache(
        bridge.discourse.site, bridge.settings.discourse_url, bridge.clock.now
    )
    app.extensions["goals"] = goals.GoalCache(bridge.clock.now)
    app.extensions["posts"] = PostCache(bridge.discourse.find_link, bridge.clock.now)
    app.extensions["costs"] = CostCache(
        bridge.stripe.portal_terms, bridge.stripe.preview_change, bridge.clock.now
    )
    teach(app)
    app.extensions["scripted"] = security.content_policy(bridge.settings, with_scripts=True)
    security.install(app, bridge.settings, any_host=[one.name for one in FOR_MACHINES])
    app.register_error_handler(refusing.Refused, refusing.show)
    app.before_request(_keep_it_small)
    app.before_request(_refuse_nul)
    limiter = _add_routes(app)
    app.extensions["names"] = names.NameCache(
        bridge.discourse.find_names, bridge.clock.now, lambda: limiter.allows("search", "all")
    )
    if proxy_hops:
        app.wsgi_app = ProxyFix(  # type: ignore[method-assign] # Flask's documented way
            app.wsgi_app, x_for=proxy_hops, x_proto=proxy_hops, x_host=0
        )
    return app


def _cookies(bridge_url: str) -> dict[str, object]:
    """One cookie, only for this host, unreadable for scripts and not sent by other sites' forms."""
    is_https = urlsplit(bridge_url).scheme == "https"
    return {
        "SESSION_COOKIE_NAME": "__Host-bridge" if is_https else "bridge",
        "SESSION_COOKIE_SECURE": is_https,
        "SESSION_COOKIE_HTTPONLY": True,
        "SESSION_COOKIE_SAMESITE": "Lax",
        "SESSION_COOKIE_PATH": "/",
        "SESSION_REFRESH_EACH_REQUEST": False,
        "PERMANENT_SESSION_LIFETIME": timedelta(hours=SESSION_HOURS),
    }


def _add_routes(app: Flask) -> Limiter:
    csrf = CSRFProtect(app)
    csrf.exempt(webhooks.blueprint)  # signed by their senders; no browser, no cookie
    csrf.exempt(calls.blueprint)  # a token in a header, which no form on another site can send
    limiter = Limiter()
    app.extensions["limiter"] = limiter
    app.teardown_request(limiter.end_paying)
    for module in ROUTES:
        blueprint = module.blueprint
        if module not in UNLIMITED:
            guard = limiter.guard("login" if module is login else "look")
            app.before_request_funcs.setdefault(blueprint.name, []).append(guard)
        app.register_blueprint(blueprint)
    return limiter


def _keep_it_small() -> None:
    """Refuse a large body before anything reads it."""
    if request.blueprint != webhooks.blueprint.name:
        request.max_content_length = MOST_BYTES


def _refuse_nul() -> None:
    """Refuse NUL in what people send. Webhooks and the like are read by their own views alone."""
    if request.blueprint not in {one.name for one in FOR_MACHINES}:
        fields = (*request.args.items(multi=True), *request.form.items(multi=True))
        security.refuse_nul((request.path, *chain.from_iterable(fields)))
