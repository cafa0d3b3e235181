"""Ends at Stripe what its payer has bought another step for: A38's guarantees, and one bill.

It is done from what a reading shows, after it was decided on, and looked for again until a reading
shows that it is done: so dying anywhere, twice or in another order changes nothing.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from datetime import datetime, timedelta

import structlog

from bridge.core.model.rights import Facts
from bridge.core.rights.switching import IN_FORCE, Ending, endings, running
from bridge.core.signed.reference import read_replacement
from bridge.errors import BridgeError, Forbidden
from bridge.store import Connection, catalogue, users
from bridge.stripe_api.reader import REPLACES
from bridge.wiring import Bridge

log = structlog.get_logger()
AGAIN = timedelta(minutes=15)


def left_over(
    bridge: Bridge,
    connection: Connection,
    user_id: int,
    known: Facts,
    vanished: Collection[str],
) -> tuple[Ending, ...]:
    """What a user still pays for though they bought something in its place."""
    own = [one for one in running(known) if one.id not in vanished]
    replaces = {}
    for one in own:
        word = one.metadata.get(REPLACES)
        if word is None or one.status not in IN_FORCE:
            continue
        said = read_replacement(word, [bridge.settings.secret_key])
        if said is None or users.present_account(connection, said[1]) != user_id:
            log.warning("replace.foreign_word", subscription=one.id, user_id=user_id)
            continue
        replaces[one.id] = said[0]
    if not replaces:
        return ()
    prices = {price.id: price for price in catalogue.load(connection)[1]}
    return tuple(endings(own, replaces, prices, bridge.rulebook.rules(connection)))


def look_again_at(at: datetime | None, left: Collection[Ending], now: datetime) -> datetime | None:
    """When the clock alone asks for another reading: sooner while something is to be ended."""
    return min(at or now + AGAIN, now + AGAIN) if left else at


def end(bridge: Bridge, user_id: int | None, left: Iterable[Ending]) -> None:
    """End it at Stripe. Whatever comes of it, nobody loses a group; the next reading sees it."""
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
