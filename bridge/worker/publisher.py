"""The publisher: each member's statement as one private message, written once, edited in place.

Its external id identifies the message after any crash. Edits notify nobody; the bridge edits a
message only when its content changed. Receipts are replies in the same message.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta

import structlog

from bridge.core.model.discourse import User
from bridge.core.telling import statement as core
from bridge.core.telling.of_member import statement_input
from bridge.crashpoints import crashpoint
from bridge.errors import BridgeError, NoRequestLeft, NotFound, Permanent
from bridge.render import (
    answers_markdown,
    present_markdown,
    seat_markdown,
    statement_fingerprint,
    statement_markdown,
)
from bridge.store import (
    Connection,
    leases,
    member,
    messages,
    presents,
    state,
    statements,
    users,
    work,
)
from bridge.store.leases import Lease
from bridge.store.statements import Place, Recipient
from bridge.wiring import Bridge
from bridge.worker.turns import Backoff, work_through

log = structlog.get_logger()
AGAIN = Backoff(10.0, 3600.0)
# Short enough for a receipt to be tried again, after a crash, while Discourse still takes the same
# text for the same post (120 s).
LEASE_SECONDS = 60


def external_id(user_id: int) -> str:
    """The message's own name on the forum."""
    return f"bridge-statement-{user_id}"


def work_on(bridge: Bridge, user_id: int) -> bool:
    """Write what is due for a user; False if another process does, or it has to wait."""
    return work_through(
        bridge,
        lambda: [f"tell:{user_id}"],
        lambda held: _write(bridge, held[0], user_id),
        lambda error: _put_off(bridge, user_id, error),
        lease_seconds=LEASE_SECONDS,
    )


def _write(bridge: Bridge, lease: Lease, user_id: int) -> bool:
    with bridge.store.read() as connection:
        row = statements.recipient(connection, user_id)
    if row is None or row.state != "active":
        return False
    if row.due_at is not None and row.due_at <= bridge.clock.now():
        _tell(bridge, lease, row)
    _send_receipts(bridge, lease, user_id)
    return False


def _tell(bridge: Bridge, lease: Lease, row: Recipient) -> None:
    with bridge.store.read() as connection:
        made = core.build(_input(bridge, connection, row.user_id))
    fingerprint = statement_fingerprint(made)
    place = row.place
    if place is not None and row.fingerprint == fingerprint:
        _written(bridge, lease, row, place, fingerprint)
        return
    title, body = statement_markdown(made)
    if place is None:
        place, fingerprint = _begin(bridge, row, title, body, fingerprint)
        _written(bridge, lease, row, place, fingerprint)
        return
    if bridge.discourse.message_alive(place.topic_id):
        crashpoint("before_message_edit")
        bridge.discourse.edit_message(place.post_id, body)
        crashpoint("after_message_edit")
    else:
        # Staff deleted the message, so the bridge does not write it again.
        log.info("statement.deleted_on_forum", user_id=row.user_id, topic_id=place.topic_id)
    _written(bridge, lease, row, place, fingerprint)


def _input(bridge: Bridge, connection: Connection, user_id: int) -> core.StatementInput:
    known = member.load(connection, user_id, with_money=True)
    law = bridge.rulebook.law(connection)
    return statement_input(known, law, bridge.addresses, bridge.clock.now())


def _begin(
    bridge: Bridge, row: Recipient, title: str, body: str, fingerprint: str
) -> tuple[Place, str]:
    crashpoint("before_message_create")
    name = row.username or _look_up(bridge, row.user_id).username
    try:
        ref = bridge.discourse.create_message(name, title, body, external_id(row.user_id))
    except Permanent:
        # Refused under that name: the user was renamed since.
        renamed = _look_up(bridge, row.user_id).username
        if renamed == name:
            raise
        ref = bridge.discourse.create_message(renamed, title, body, external_id(row.user_id))
    crashpoint("after_message_create")
    # A message from before has an older text: compare it again immediately.
    return Place(ref.topic_id, ref.post_id), fingerprint if ref.created else ""


def _written(bridge: Bridge, lease: Lease, row: Recipient, place: Place, fingerprint: str) -> None:
    now = bridge.clock.now()
    quiet = timedelta(seconds=bridge.policy.statement_quiet_seconds)
    with bridge.store.write() as connection:
        state.take_turn_about(connection, [row.user_id])
        leases.check(connection, lease, now)
        statements.written(
            connection,
            row.user_id,
            place=place,
            fingerprint=fingerprint,
            due_at=row.due_at,
            now=now,
        )
        if row.place is None and messages.told_in_statement(connection, row.user_id, now):
            _decide_again(connection, row.user_id, now)
        # What moved while it was written is in no message yet. Asked for after `written`, which
        # makes whoever moves something wait: so none of it is overlooked.
        present = statement_fingerprint(core.build(_input(bridge, connection, row.user_id)))
        if fingerprint != present:
            statements.due(connection, row.user_id, now + quiet if fingerprint else now)
    is_new = row.place is None
    log.info("statement.written", user_id=row.user_id, topic_id=place.topic_id, new=is_new)


def _decide_again(connection: Connection, user_id: int, now: datetime) -> None:
    """A member was told about a failed payment: from now on they have time to pay (A110)."""
    work.mark_dirty(connection, work.user_key(user_id), now=now, due_at=now, cause="told")


# --- receipts -------------------------------------------------------------------------------------


def _send_receipts(bridge: Bridge, lease: Lease, user_id: int) -> None:
    """Reply in the message for each purchase after the first, and for each failed payment."""
    with bridge.store.read() as connection:
        row = statements.recipient(connection, user_id)
        keys = messages.waiting_receipts(connection, user_id)
        answers = _answers(bridge, connection, user_id, keys) if keys else {}
    if row is None or row.place is None:
        return
    for key in keys:
        # What was paid meanwhile is no longer owed.
        if key in answers:
            crashpoint("before_receipt")
            # The same text within two minutes is the same post: a crash before the record does not
            # double it (Discourse, posts_controller: identical creates within 120 s).
            bridge.discourse.reply(row.place.topic_id, answers[key])
            crashpoint("after_receipt")
        now = bridge.clock.now()
        with bridge.store.write() as connection:
            leases.check(connection, lease, now)
            messages.receipt_sent(connection, key, now)
            if key.startswith(messages.UNPAID):
                _decide_again(connection, user_id, now)


def _answers(
    bridge: Bridge, connection: Connection, user_id: int, keys: Iterable[str]
) -> dict[str, str]:
    given = _input(bridge, connection, user_id)
    asked = list(keys)
    found = answers_markdown(asked, given)
    for key in asked:
        kind, _, about = key.partition(":")
        if kind == "seat":
            subscription_id, giver_id, _ = about.split(":")
            text = seat_markdown(subscription_id, _name(connection, int(giver_id)), given)
            found |= {key: text} if text else {}
        elif kind == "present" and (present := presents.get(connection, about)):
            giver = None if present.is_anonymous else _name(connection, present.giver_id)
            found[key] = present_markdown(present.source_id or "", giver, present.note, given)
    return found


def _name(connection: Connection, user_id: int) -> str | None:
    known = statements.recipient(connection, user_id)
    return known.username if known else None


def _look_up(bridge: Bridge, user_id: int) -> User:
    user = bridge.discourse.user(user_id)
    with bridge.store.write() as connection:
        users.see(connection, user, bridge.clock.now())
    return user


def _put_off(bridge: Bridge, user_id: int, error: BridgeError) -> None:
    now = bridge.clock.now()
    with bridge.store.write() as connection:
        if isinstance(error, NotFound):
            users.mark(connection, user_id, "gone", now)
            return
        row = statements.recipient(connection, user_id)
        wait = AGAIN.seconds(row.attempts if row is not None else 0, error)
        failed = not isinstance(error, NoRequestLeft)
        statements.postpone(connection, user_id, now + timedelta(seconds=wait), failed=failed)
    log.info("statement.put_off", user_id=user_id, error=type(error).__name__)
