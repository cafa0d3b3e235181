"""Ends a subscription whose payer bought another step, or the same thing in another tab.

It acts on a reading after the decision, and reads again until Stripe shows that the subscription
has ended. So crashes, repetitions and reordered events change nothing, and the member gets one bill
(A38).
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Sequence
from datetime import datetime, timedelta

import structlog

from bridge.core.model.carried import Carried
from bridge.core.model.rights import Facts, Grant
from bridge.core.model.stripe import Subscription
from bridge.core.rights.approval import withheld
from bridge.core.rights.double_payments import doubles, still_twice
from bridge.core.rights.switching import IN_FORCE, Ending, endings, running
from bridge.core.signed.reference import read_buyer, read_replacement
from bridge.errors import BridgeError, Forbidden
from bridge.store import Connection, catalogue, paid_twice, users
from bridge.stripe_api.reader import REFERENCE, REPLACES
from bridge.wiring import Bridge

log = structlog.get_logger()
AGAIN = timedelta(minutes=15)


def left_over(
    bridge: Bridge,
    connection: Connection,
    user_id: int,
    known: Facts,
    verdicts: Collection[Grant],
    vanished: Collection[str],
) -> tuple[Ending, ...]:
    """Subscriptions that a user still pays for despite a replacement or a double purchase.

    What they pay for twice and nobody ends is kept for moderators; `verdicts`: on all they have.
    """
    own = [one for one in running(known) if one.id not in vanished]
    # What waits for approval gives nothing yet, so it takes the place of nothing (A62).
    waits = {source_id.partition(":")[0] for source_id in withheld(verdicts)}
    replaced = _replaced(bridge, connection, user_id, [one for one in own if one.id not in waits])
    left = (*replaced, *_doubles(bridge, connection, user_id, own))
    if len(own) > 1:
        going = {one.subscription_id for one in left}
        stay = [one for one in own if one.id not in going]
        paid_twice.keep(connection, user_id, still_twice(stay, verdicts), bridge.clock.now())
    return left


def _replaced(
    bridge: Bridge, connection: Connection, user_id: int, own: Sequence[Subscription]
) -> Iterator[Ending]:
    replaces = {}
    for one in own:
        word = one.metadata.get(REPLACES)
        if word is None or one.status not in IN_FORCE:
            continue
        said = read_replacement(Carried(word, one.created_at), [bridge.settings.secret_key])
        if said is None or users.present_account(connection, said[1]) != user_id:
            log.warning("replace.foreign_word", subscription=one.id, user_id=user_id)
            continue
        replaces[one.id] = said[0]
    if replaces:
        prices = {price.id: price for price in catalogue.load(connection)[1]}
        yield from endings(own, replaces, prices, bridge.rulebook.rules(connection))


def _doubles(
    bridge: Bridge, connection: Connection, user_id: int, own: Sequence[Subscription]
) -> Iterator[Ending]:
    """Orders that were paid in several tabs; a moderator is told about each."""
    sold = {one.id for one in own if _buyer(bridge, connection, one) == user_id}
    for ending in doubles(own, sold):
        paid_twice.note(connection, user_id, ending, bridge.clock.now())
        yield ending


def _buyer(bridge: Bridge, connection: Connection, one: Subscription) -> int | None:
    word = Carried(one.metadata.get(REFERENCE, ""), one.created_at)
    named = read_buyer(word, [bridge.settings.secret_key])
    return None if named is None else users.present_account(connection, named)


def look_again_at(at: datetime | None, left: Collection[Ending], now: datetime) -> datetime | None:
    """When the clock alone causes another reading: sooner while a subscription is to be ended."""
    return min(at or now + AGAIN, now + AGAIN) if left else at


def end(bridge: Bridge, user_id: int | None, left: Iterable[Ending]) -> None:
    """End it at Stripe.

    Whatever happens, nobody loses a group, and the next reading shows the result.
    """
    for ending in left:
        about = {"subscription": ending.subscription_id, "replaced_by": ending.replaced_by}
        try:
            bridge.stripe.end(ending)
        except BridgeError as error:
            hint = "the key lacks Subscriptions: write" if isinstance(error, Forbidden) else None
            log.error(  # noqa: TRY400 - no news in a traceback
                "replace.failed", **about, user_id=user_id, message=str(error)[:300], hint=hint
            )
        else:
            log.info("replace.ended", **about, user_id=user_id, how=ending.how)
