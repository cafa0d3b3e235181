"""Asking Stripe for something, exactly as it was reviewed, and once."""

from __future__ import annotations

from typing import Literal

from bridge.crashpoints import crashpoint
from bridge.errors import Permanent, Transient
from bridge.store import errands
from bridge.store.errands import Errand
from bridge.texts import gettext
from bridge.wiring import Bridge
from bridge.worker import errands as work
from bridge.worker.errands import Said

Outcome = Literal["done", "later"]
"""What came of it. `later`: Stripe does not answer; the bridge goes on asking, and logs when it is
done."""


def turn(bridge: Bridge, subject: str) -> int:
    """How many acts about a subscription or a payment are over; to be read before Stripe is."""
    with bridge.store.read() as connection:
        return errands.turn(connection, subject)


def ask(bridge: Bridge, errand: Errand) -> Outcome:
    """Have Stripe do it. The same asked twice is done once. Raises as `asked`."""
    return asked(bridge, errand)[0]


def asked(bridge: Bridge, errand: Errand) -> tuple[Outcome, Said]:
    """Have Stripe do it, and what Stripe said. The same asked twice is done once.

    Raises: Permanent where Stripe refuses it, or where somebody has asked for something else
    since it was reviewed.
    """
    with bridge.store.write() as connection:
        kept = errands.begin(connection, errand, work.ALONE)
    if not kept.is_same(errand):
        raise Permanent(
            gettext("somebody else has just decided about %(subject)s: look again")
            % {"subject": errand.subject}
        )
    crashpoint("after_errand_kept")
    try:
        return "done", work.carry_out(bridge, kept)
    except Transient:
        return "later", {}


def refuse_unless_reviewed(number: int, reviewed: int | None) -> None:
    """Raises: Permanent where something else was done about it since it was reviewed."""
    if reviewed is not None and number != reviewed:
        raise Permanent(gettext("something was done about it since you reviewed it: look again"))
