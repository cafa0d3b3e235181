"""A process that dies at a chosen moment: around a commit, or around a writing request to Stripe.

The real store and the real client do the work; these only end it like a power
failure. A transaction that was not committed is rolled back, as the database does then.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import Any, cast

from bridge.store import Connection, Store
from bridge.stripe_api.client import StripeApi
from bridge.wiring import Bridge

CHANGES = (
    "refund",
    "cancel_at_period_end",
    "keep",
    "pause_collection",
    "go_on_collecting",
    "change",
    "say",
)


class Killed(BaseException):
    """Nobody catches it, as nobody catches a kill -9."""


@dataclass
class Moment:
    """The moment of death: the n-th one that comes by. `met`: it came."""

    number: int
    met: bool = False
    seen: list[str] = field(default_factory=list)

    def pass_by(self, what: str) -> None:
        self.seen.append(what)
        if len(self.seen) == self.number:
            self.met = True
            raise Killed(what)


class DyingStore:
    """The store of a process that dies just before or just after a commit."""

    def __init__(self, store: Store, moment: Moment) -> None:
        self._store, self._moment = store, moment

    @contextmanager
    def write(self) -> Iterator[Connection]:
        with self._store.write() as connection:
            yield connection
            self._moment.pass_by("before a commit")
        self._moment.pass_by("after a commit")

    def __getattr__(self, name: str) -> Any:
        return getattr(self._store, name)


class DyingStripe:
    """A client whose process dies before it asks Stripe for a change, or before the answer."""

    def __init__(self, stripe: StripeApi, moment: Moment) -> None:
        self._stripe, self._moment = stripe, moment

    def __getattr__(self, name: str) -> Any:
        found = getattr(self._stripe, name)
        if name not in CHANGES:
            return found

        def asked(*args: Any, **kwargs: Any) -> Any:
            self._moment.pass_by(f"before {name}")
            answer = found(*args, **kwargs)
            self._moment.pass_by(f"after {name}")
            return answer

        return asked


def dying(bridge: Bridge, moment: Moment) -> Bridge:
    """The same bridge in a process that dies at this moment."""
    return replace(
        bridge,
        store=cast("Store", DyingStore(bridge.store, moment)),
        stripe=cast("StripeApi", DyingStripe(bridge.stripe, moment)),
    )
