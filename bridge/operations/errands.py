"""Sends a request to Stripe exactly as it was reviewed, and once."""

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
"""The result.

`later`: Stripe does not answer; the bridge keeps trying, and logs when it is done.
"""


def turn(bridge: Bridge, subject: str) -> int:
    """How many acts about a subscription or payment have ended; read it before reading Stripe."""
    with bridge.store.read() as connection:
        return errands.turn(connection, subject)


def ask(bridge: Bridge, errand: Errand) -> Outcome:
    """Have Stripe do it. A repeated request is done once. Raises as `asked` does."""
    return asked(bridge, errand)[0]


def asked(bridge: Bridge, errand: Errand) -> tuple[Outcome, Said]:
    """Have Stripe do it, and return its answer.

    A repeated request is done once. Raises: Permanent if Stripe refuses it, or somebody has asked
    for something else since it was reviewed.
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
    """Raises: Permanent if something else was done about it since it was reviewed."""
    if reviewed is not None and number != reviewed:
        raise Permanent(gettext("something was done about it since you reviewed it: look again"))
