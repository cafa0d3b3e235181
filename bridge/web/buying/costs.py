"""What a change of plan costs today, by Stripe's own preview, for the cards of the offers."""

from __future__ import annotations

import threading
from collections.abc import Callable, Collection, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, wait
from datetime import datetime, timedelta
from typing import Any, cast

import structlog
from flask import current_app

from bridge.core.rights.switch_costs import Preview, Today, due_today, only_stripe_knows, terms_of
from bridge.core.rights.switching import PortalTerms, Switch
from bridge.core.telling.shelf import Card
from bridge.errors import BridgeError

log = structlog.get_logger(__name__)
# The amount changes by the hour, and the page of the change asks again.
FRESH = timedelta(minutes=1)
TERMS_FRESH = timedelta(minutes=10)
# Without an answer: a Stripe that is down is not asked at each look.
ASK_AGAIN = timedelta(seconds=5)
# A page waits so long for the terms, and again for the previews; then it shows no amounts.
WAIT_SECONDS = 0.8
MOST_AT_ONCE = 4
MOST_KEPT = 500
Asked = Future[Any]
UNANSWERED = object()


class CostCache:
    """Caches previews and the portal's terms; asks Stripe for a few at once in the background."""

    def __init__(
        self,
        terms: Callable[[], PortalTerms | None],
        preview: Callable[[Switch, PortalTerms], Preview],
        now: Callable[[], datetime],
    ) -> None:
        self._terms = terms
        self._preview = preview
        self._now = now
        self._pool = ThreadPoolExecutor(MOST_AT_ONCE, thread_name_prefix="costs")
        self._free = threading.Semaphore(2 * MOST_AT_ONCE)
        self._kept: dict[object, tuple[datetime, Asked]] = {}
        self._lock = threading.Lock()

    def of(self, switches: Sequence[Switch]) -> dict[str, Today]:
        """Price -> what changing to it costs today, as far as Stripe says so soon enough."""
        terms: PortalTerms | None = None
        if any(one.way == "in_place" for one in switches):
            terms = _answer(self._ask("terms", TERMS_FRESH, self._terms))
        begun = {
            one.target.id: self._begin(one, terms) for one in only_stripe_knows(switches, terms)
        }
        wait([one for one in begun.values() if one], WAIT_SECONDS)
        found = {
            one.target.id: due_today(one, terms, _answer(begun.get(one.target.id), 0))
            for one in switches
        }
        return {price_id: today for price_id, today in found.items() if today is not None}

    def _begin(self, switch: Switch, terms: PortalTerms | None) -> Asked | None:
        on = terms_of(switch, terms)
        key = switch.move, switch.current.id
        return self._ask(key, FRESH, lambda: self._preview(switch, on)) if on else None

    def _ask(self, key: object, fresh: timedelta, ask: Callable[[], Any]) -> Asked | None:
        """The answer, perhaps to come; None while too many others are asked for."""
        with self._lock:
            begun_at, kept = self._kept.get(key, (self._now(), None))
            if kept is not None and self._now() < begun_at + _lasts(kept, fresh):
                return kept
            if not self._free.acquire(blocking=False):
                return None
            begun = self._pool.submit(self._answered, ask)
            self._kept.pop(key, None)
            self._kept[key] = self._now(), begun
            while len(self._kept) > MOST_KEPT:
                del self._kept[next(iter(self._kept))]
            return begun

    def _answered(self, ask: Callable[[], Any]) -> Any:
        """The answer, or UNANSWERED if Stripe cannot be asked or the key may not ask."""
        try:
            return ask()
        except BridgeError as error:
            log.info("costs.unread", why=str(error))
            return UNANSWERED
        finally:
            self._free.release()


def _lasts(asked: Asked, fresh: timedelta) -> timedelta:
    """How long an answer counts from its question on; none at all counts for seconds."""
    return ASK_AGAIN if asked.done() and asked.result() is UNANSWERED else fresh


def _answer(asked: Asked | None, seconds: float = WAIT_SECONDS) -> Any:
    """What was answered; None if nothing was so far."""
    if asked is None:
        return None
    wait([asked], seconds)
    return asked.result() if asked.done() and asked.result() is not UNANSWERED else None


def costs_of(cards: Collection[Card]) -> dict[str, Today]:
    """Price -> what changing to it costs today, for the cards that offer a change."""
    found = [tag.switch for card in cards for tag in card.tags if tag.switch]
    return cast("CostCache", current_app.extensions["costs"]).of(found) if found else {}
