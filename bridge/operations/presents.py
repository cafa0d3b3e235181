"""Gifts: bought by one member for another, by name or with a link to pass on."""

from __future__ import annotations

from datetime import timedelta
from typing import Literal

from bridge.core.memberships.owned import already_owned
from bridge.core.model.discourse import User
from bridge.core.rights.offers import Offer
from bridge.core.rights.switching import OVER
from bridge.core.signed.present import read_present, sign_present
from bridge.core.telling.outcomes import STATES
from bridge.errors import NotFound, Permanent
from bridge.operations.finding import find_person, find_user
from bridge.store import Connection, member, presents, purchases, subscriptions, users, work
from bridge.store.presents import Present
from bridge.texts import gettext
from bridge.wiring import Bridge

LINK_LIVES = timedelta(days=90)
LONGEST_NOTE = 300
LATEST_BEGIN = timedelta(days=366)
Why = Literal["nobody", "self", "inactive", "has_it", "unknown", "not_paid", "over", "taken"]


class PresentRefused(Permanent):
    """A gift that cannot be given to somebody, or be accepted by them; `why` is stable."""

    def __init__(self, why: Why, message: str) -> None:
        super().__init__(message)
        self.why = why


def receiver(bridge: Bridge, giver_id: int, said: str, offer: Offer) -> User:
    """The user with a forum name, if they can be given this. Raises: PresentRefused."""
    try:
        user = find_person(bridge, said)
    except Permanent as error:  # a name that is nobody's, or none at all
        raise PresentRefused(
            "nobody", gettext("nobody has the name %(said)s") % {"said": repr(said[:60])}
        ) from error
    refuse(bridge, giver_id, user, offer)
    return user


def refuse(bridge: Bridge, giver_id: int, user: User, offer: Offer) -> None:
    """Raises: PresentRefused if this user cannot be given this."""
    if user.id == giver_id:
        raise PresentRefused("self", gettext("a gift is for somebody else"))
    if user.state != "active":
        raise PresentRefused(
            "inactive",
            gettext("the account of %(user)s is not active (%(state)s)")
            % {"user": user.username, "state": STATES[user.state]},
        )
    with bridge.store.read() as connection:
        known = member.load(connection, user.id)
    if already_owned(offer, known.facts, known.memberships) is not None:
        has = gettext("%(user)s already has %(product)s")
        named = {"user": user.username, "product": offer.product.name}
        raise PresentRefused("has_it", has % named)


def address(bridge: Bridge, present: Present) -> str:
    """The link to pass on."""
    word = sign_present(present.id, present.link_number, bridge.settings.secret_key)
    return f"{bridge.settings.bridge_url}/present/{word}"


def opened(bridge: Bridge, word: str) -> Present:
    """The gift of a link, while it can be accepted. Raises: PresentRefused."""
    read = read_present(word, [bridge.settings.secret_key])
    with bridge.store.read() as connection:
        found = presents.get(connection, read[0]) if read else None
        is_over = found is not None and has_ended(connection, found)
    if read is None or found is None or not found.by_link:
        raise PresentRefused("unknown", gettext("there is no gift with this link"))
    if found.receiver_id is not None:
        raise PresentRefused("taken", gettext("gift %(found)s was taken") % {"found": found.id})
    ends_at = found.link_ends_at or bridge.clock.now()
    if is_over or found.link_number != read[1] or bridge.clock.now() >= ends_at:
        raise PresentRefused(
            "over", gettext("the link of gift %(found)s is no longer valid") % {"found": found.id}
        )
    if found.arrived_at is None:
        raise PresentRefused(
            "not_paid", gettext("gift %(found)s is not paid yet") % {"found": found.id}
        )
    return found


def has_ended(connection: Connection, present: Present) -> bool:
    """Whether it was refunded, or the subscription has ended."""
    source_id = present.source_id or ""
    running = subscriptions.last_read(connection, source_id)
    bought = purchases.known(connection, [source_id]).get(source_id)
    if bought is not None:
        return 0 < bought.payment_minor <= bought.refunded_minor or bought.disputed == "lost"
    return running is not None and running.status in OVER


def take(bridge: Bridge, word: str, user_id: int, offer: Offer) -> Present:
    """Give the gift to the user of its link, once. Raises: PresentRefused."""
    found = opened(bridge, word)
    refuse(bridge, found.giver_id, find_user(bridge, user_id), offer)
    now = bridge.clock.now()
    with bridge.store.write() as connection:
        if not presents.take(connection, found, user_id, now):
            raise PresentRefused("taken", gettext("gift %(found)s was taken") % {"found": found.id})
        # The giver's customer is read again, and the purchase moves to the receiver.
        key = found.payer_id or work.user_key(found.giver_id)
        cause = f"gift taken by user {user_id}"
        work.mark_dirty(
            connection, key, now=now, due_at=now, cause=cause, needs=("read", "purchases")
        )
    bridge.hint("decide", key)
    return found


def renew_link(bridge: Bridge, giver_id: int, present_id: str) -> None:
    """Replace the link of a gift. Raises: NotFound, PresentRefused."""
    with bridge.store.write() as connection:
        found = presents.get(connection, present_id)
        if found is None or not found.by_link or not _is_of(bridge, found, giver_id):
            raise NotFound(
                gettext("id:%(giver_id)s has no gift %(present_id)s with a link")
                % {"giver_id": giver_id, "present_id": repr(present_id[:40])}
            )
        if not presents.renew_link(connection, found, bridge.clock.now() + LINK_LIVES):
            raise PresentRefused(
                "taken", gettext("gift %(present_id)s was taken") % {"present_id": present_id}
            )


def _is_of(bridge: Bridge, present: Present, giver_id: int) -> bool:
    with bridge.store.read() as connection:
        return users.present_account(connection, present.giver_id) == giver_id
