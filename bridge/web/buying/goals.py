"""The progress of goals: for offers, and as a picture for posts.

Computed from stored data, at most once a minute for each goal; Stripe is never asked.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import cast

from flask import Blueprint, Response, current_app, render_template

from bridge.core.rights.offers import Offer
from bridge.core.rules.goals import Goal
from bridge.core.telling.goals import Progress, bought, groups_of, progress, renewing
from bridge.store import goals
from bridge.texts import gettext
from bridge.web.buying.sale import offers_of
from bridge.web.context import law_in_force, the_bridge, the_look
from bridge.web.security import Stop

blueprint = Blueprint("goal", __name__)

FRESH = timedelta(seconds=60)
# The picture contains its colours and loads nothing.
POLICY = "default-src 'none'; style-src 'unsafe-inline'"


class GoalCache:
    """Keeps each goal's progress for a minute; the first request computes it."""

    def __init__(self, now: Callable[[], datetime]) -> None:
        self._now = now
        self._known: dict[tuple[str, Goal], tuple[datetime, Progress]] = {}
        self._lock = threading.Lock()

    def of(self, offer: Offer, goal: Goal) -> Progress:
        """The progress, at most a minute old."""
        key = offer.product.id, goal
        with self._lock:
            known = self._known.get(key)
            if known is None or self._now() >= known[0] + FRESH:
                known = self._now(), measure(offer, goal)
                self._known[key] = known
            return known[1]


def measure(offer: Offer, goal: Goal) -> Progress:
    """Compute it from stored data."""
    product_id = offer.product.id
    with the_bridge().store.read() as connection:
        if goal.currency is None:
            reached = goals.members_in(connection, groups_of(offer.rule) if offer.rule else ())
        elif goal.per is not None:
            prices = law_in_force(connection).catalogue.prices
            paying = goals.subscriptions_to(connection, product_id)
            reached = renewing(paying, product_id, prices, goal.currency, goal.per)
        else:
            once = goals.purchases_of(connection, product_id)
            reached = bought(once, product_id, goal.currency)
            reached += goals.renewals_of(connection, product_id, goal.currency)
    return progress(goal, reached)


def progress_of(offers: list[Offer]) -> Progress | None:
    """How far the goal of a product is, if it has one."""
    cache = cast("GoalCache", current_app.extensions["goals"])
    for offer in offers:
        if offer.rule and offer.rule.sale.goal:
            return cache.of(offer, offer.rule.sale.goal)
    return None


@blueprint.get("/goal/<key>.svg")
def picture(key: str) -> Response:
    """The goal of an offer as a picture for any post, in the forum's colours."""
    offers = offers_of(key)
    found = progress_of(offers)
    if found is None:
        raise Stop(404, gettext("No goal"), gettext("This offer has no goal."))
    text = render_template(
        "goal.svg.jinja", name=offers[0].product.name, progress=found, palette=the_look().palette
    )
    response = Response(text, mimetype="image/svg+xml")
    response.headers["Cache-Control"] = f"public, max-age={int(FRESH.total_seconds())}"
    response.headers["Content-Security-Policy"] = POLICY
    return response
