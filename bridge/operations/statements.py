"""Statements for members who have none yet."""

from __future__ import annotations

from typing import Literal

from bridge.core.model.actor import Actor
from bridge.errors import Permanent
from bridge.operations.finding import find_user
from bridge.store import changes, messages, statements
from bridge.texts import gettext
from bridge.wiring import Bridge

Sent = Literal["first", "again"]


def without_statement(bridge: Bridge) -> tuple[int, ...]:
    """The users with a customer at Stripe and no statement yet."""
    with bridge.store.read() as connection:
        return statements.never_told(connection)


def write_to_all(bridge: Bridge) -> tuple[int, ...]:
    """Schedule the statements of all members without one; returns those members."""
    now = bridge.clock.now()
    with bridge.store.write() as connection:
        waiting = statements.never_told(connection)
        for user_id in waiting:
            statements.due(connection, user_id, now)
    return waiting


def preview_sending(bridge: Bridge, user_id: int) -> Sent:
    """Whether somebody would get their first statement, or a repeated one.

    Raises: NotFound for an account that is gone, Permanent for one that cannot be written to, and
    for a second time on one day.
    """
    user = find_user(bridge, user_id)
    with bridge.store.read() as connection:
        known = statements.recipient(connection, user_id)
        was_sent = messages.was_sent_again(connection, user_id, bridge.clock.now())
    if known is None or user.state != "active":
        raise Permanent(gettext("the forum does not let this account be written to"))
    if known.place is None:
        return "first"
    if not bridge.discourse.message_alive(known.place.topic_id):
        raise Permanent(
            gettext("staff deleted their statement on the forum: restore that message first")
        )
    if was_sent:
        raise _sent_today()
    return "again"


def _sent_today() -> Permanent:
    return Permanent(gettext("it was already sent again today"))


def send(bridge: Bridge, actor: Actor, user_id: int) -> Sent:
    """Send somebody their statement: a new message, or a new reply in the existing one.

    At most once a day. Raises: as `preview_sending`.
    """
    sent = preview_sending(bridge, user_id)
    now = bridge.clock.now()
    with bridge.store.write() as connection:
        if sent == "first":
            statements.due(connection, user_id, now)
        elif not messages.send_again(connection, user_id, now):
            raise _sent_today()
        changes.log(
            connection,
            "statement_sent",
            now=now,
            user_id=user_id,
            cause=str(actor),
            outcome=sent,
        )
    bridge.hint("tell", str(user_id))
    return sent
