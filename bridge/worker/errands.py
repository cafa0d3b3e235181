"""Carries out moderators' requests at Stripe exactly once, even if the process dies.

The request is stored first. Then it is sent with an idempotency key, and its result is logged with
the errand's end. If a crash or an outage leaves an errand open, the sweeper sends it again with the
same key.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from typing import Any

import structlog

from bridge.core.rights.refunding import Asked
from bridge.core.rights.switching import Move
from bridge.core.rules.amending import amendment
from bridge.core.rules.keys import METADATA_PREFIX
from bridge.crashpoints import crashpoint
from bridge.errors import Permanent, Transient
from bridge.store import changes, errands, users, work
from bridge.store.errands import Errand
from bridge.texts import gettext
from bridge.wiring import Bridge
from bridge.worker.intake import mapped_thing, note_catalogue
from bridge.worker.turns import Backoff

log = structlog.get_logger()
ALONE = timedelta(seconds=60)
"""How long nobody else carries out a new errand."""
# Stripe forgets a key after at least 24 hours, and would then do the same thing again.
# Source: https://docs.stripe.com/api/idempotent_requests
REMEMBERED = timedelta(hours=20)
AGAIN = Backoff(60.0, 900.0)
REFUSED, UNKNOWN = "refused", "unknown"
DONE = "done"

_NEEDS = {"refunded": ("read", "purchases", "money")}
"""What is read afterwards, besides subscriptions."""
Said = Mapping[str, Any]


def carry_out(bridge: Bridge, errand: Errand) -> Said:
    """Send the request, log it, and return Stripe's answer. An errand that has ended is left alone.

    Raises: Permanent where Stripe refuses it, Transient where Stripe does not answer: then it is
    tried again.
    """
    if errand.done_at is not None:
        return {}
    try:
        after = _KINDS[errand.kind](bridge, errand)
    except Permanent as error:
        _over(bridge, errand, f"{errand.kind}_{REFUSED}", {"why": str(error)[:300]})
        raise
    except Transient as error:
        wait = timedelta(seconds=AGAIN.seconds(errand.attempts, error))
        with bridge.store.write() as connection:
            errands.put_off(connection, errand, bridge.clock.now() + wait)
        raise
    crashpoint("after_errand_at_stripe")
    _over(bridge, errand, errand.kind, after)
    crashpoint("after_errand_logged")
    return after


def go_on(bridge: Bridge) -> None:
    """Carry out the errands that were left open."""
    now = bridge.clock.now()
    with bridge.store.read() as connection:
        found = errands.due(connection, now)
    for errand in found:
        if errand.asked_at + REMEMBERED <= now:
            _give_up(bridge, errand, now)
            continue
        about = {"kind": errand.kind, "subject": errand.subject}
        try:
            carry_out(bridge, errand)
        except (Permanent, Transient) as error:
            log.warning("errand.failed", **about, message=str(error)[:300])
        else:
            log.info("errand.done", **about)


def _give_up(bridge: Bridge, errand: Errand, now: datetime) -> None:
    """Give up: Stripe has not answered for so long that another request might repeat the action."""
    log.error("errand.given_up", kind=errand.kind, subject=errand.subject, asked_at=errand.asked_at)
    why = f"Stripe has not answered since {errand.asked_at:%Y-%m-%d %H:%M}: look there"
    _over(bridge, errand, f"{errand.kind}_{UNKNOWN}", {"why": why, "until": now.isoformat()})


def _over(bridge: Bridge, errand: Errand, action: str, after: Said) -> None:
    """Store and log the end of an errand, both or neither, and mark its customer dirty."""
    now = bridge.clock.now()
    outcome = DONE if action == errand.kind else action
    with bridge.store.write() as connection:
        if not errands.finish(connection, errand, outcome, now):
            return
        changes.log(
            connection,
            action,
            now=now,
            user_id=errand.user_id and users.present_account(connection, errand.user_id),
            customer_id=errand.customer_id,
            cause=errand.actor,
            outcome=errand.reason,
            detail={"about": errand.subject, **errand.params, **after},
        )
        if errand.customer_id is not None:
            work.mark_dirty(
                connection,
                errand.customer_id,
                now=now,
                due_at=now,
                cause=f"{errand.kind} by {errand.actor}"[:255],
                needs=_NEEDS.get(errand.kind, ("read",)),
            )
    if errand.customer_id is not None:
        bridge.hint("decide", errand.customer_id)


def _refund(bridge: Bridge, errand: Errand) -> Said:
    asked = Asked(**errand.params["refund"])
    return {"refund_id": bridge.stripe.refund(asked, errand.key)}


def _cancel(bridge: Bridge, errand: Errand) -> Said:
    bridge.stripe.cancel_at_period_end(errand.subject)
    return {}


def _keep(bridge: Bridge, errand: Errand) -> Said:
    is_by_period = bool(errand.params["cancel_at_period_end"])
    bridge.stripe.keep(errand.subject, is_by_period=is_by_period)
    return {}


def _pause(bridge: Bridge, errand: Errand) -> Said:
    until = errand.params["until"]
    bridge.stripe.pause_collection(errand.subject, datetime.fromisoformat(until) if until else None)
    return {}


def _go_on(bridge: Bridge, errand: Errand) -> Said:
    bridge.stripe.go_on_collecting(errand.subject)
    return {}


def _change(bridge: Bridge, errand: Errand) -> Said:
    changed = bridge.stripe.change(Move(**errand.params["move"]), errand.key)
    return {"pending": changed.is_pending, "pay_url": changed.pay_url}


def _say(bridge: Bridge, errand: Errand) -> Said:
    """Write a value of the mapping, unless somebody has written another one meanwhile."""
    wanted = errand.params
    change = amendment(wanted["thing"], wanted["key"], wanted["after"])
    thing = mapped_thing(bridge, change.thing_id)
    now_said = thing.metadata.get(METADATA_PREFIX + change.key, "")
    if now_said not in (wanted["before"], change.value):
        raise Permanent(
            gettext("%(key)s of %(thing_id)s is %(now_said)s by now")
            % {"key": change.key, "thing_id": change.thing_id, "now_said": now_said or "empty"}
        )
    saved = bridge.stripe.say(thing, change.metadata)
    with bridge.store.write() as connection:
        note_catalogue(connection, [saved], bridge.clock.now())
    return {}


_KINDS: Mapping[str, Callable[[Bridge, Errand], Said]] = {
    "refunded": _refund,
    "cancelled": _cancel,
    "kept": _keep,
    "paused": _pause,
    "resumed": _go_on,
    "change_asked": _change,
    "mapping_changed": _say,
}
"""The request as its action in the log."""
