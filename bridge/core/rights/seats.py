"""Whether somebody can be given a seat of a subscription, and why not."""

from __future__ import annotations

from collections.abc import Collection
from typing import Literal

from bridge.core.model.stripe import Subscription
from bridge.core.rights.sharing import places
from bridge.errors import Permanent
from bridge.texts import gettext

Why = Literal["own", "full", "declined", "inactive", "not_yours"]


class SeatRefused(Permanent):
    """A seat that cannot be given, or is not the buyer's to give; `why` is stable."""

    def __init__(self, why: Why, message: str) -> None:
        super().__init__(message)
        self.why = why


def has_seat(
    subscription: Subscription,
    user_id: int,
    payer_ids: Collection[int | None],
    taken: Collection[int],
) -> bool:
    """Whether the user has a seat already. Raises: SeatRefused if they cannot get one."""
    if user_id in payer_ids:
        raise SeatRefused(
            "own",
            gettext("id:%(user_id)s pays for %(subscription)s and already has a seat")
            % {"user_id": user_id, "subscription": subscription.id},
        )
    if user_id in taken:
        return True
    if len(taken) >= places(subscription):
        raise SeatRefused(
            "full",
            gettext(
                "%(taken)s of the %(seats)s seats of %(subscription)s are taken, besides "
                "the buyer’s: raise its quantity at Stripe, or take a seat back"
            )
            % {
                "taken": len(taken),
                "seats": places(subscription),
                "subscription": subscription.id,
            },
        )
    return False
