"""Bank transfers: matched by the reference that members write on them, never guessed."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from bridge.core.ledger.bank_file import BankRow, Columns, read_bank_file
from bridge.core.ledger.references import users_named_in
from bridge.core.model.actor import Actor
from bridge.core.model.words import checked_words
from bridge.core.rights.paid_by_hand import Payment
from bridge.errors import NotFound, Permanent
from bridge.operations.payments import record_payment
from bridge.store import bank as store
from bridge.store import changes, users
from bridge.texts import gettext
from bridge.wiring import Bridge

State = Literal["matched", "proposed", "open", "known", "outgoing"]
WHAT = gettext("Bank transfer")
LARGEST_FILE = 20 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class Transfer:
    """A row of a file and how it was matched.

    `matched`: its reference names this user. `proposed`: only the payer's name fits, so a person
    has to agree. `open`: nobody fits. `known`: it was read before. `outgoing`: a debit.
    """

    row: BankRow
    state: State
    user_id: int | None = None
    username: str | None = None


def preview_import(bridge: Bridge, data: bytes) -> tuple[Transfer, ...]:
    """What `import_file` would do. Raises the same errors."""
    if len(data) > LARGEST_FILE:
        raise Permanent(
            gettext("the file has %(count)s bytes, more than %(most)s: split it")
            % {"count": len(data), "most": LARGEST_FILE}
        )
    said = bridge.policy.bank
    rows = read_bank_file(data, Columns(**said) if said else None)
    with bridge.store.read() as connection:
        before = store.known(connection, [row.id for row in rows])
        found = []
        for row in rows:
            state, user_id = _judge(bridge, row, before, store.users_called(connection, row.payer))
            name = users.username_of(connection, user_id) if user_id else None
            found.append(Transfer(row, state, user_id, name))
    return tuple(found)


def _judge(
    bridge: Bridge, row: BankRow, before: set[str], called: Sequence[int]
) -> tuple[State, int | None]:
    if row.id in before:
        return "known", None
    if row.amount_minor <= 0:
        return "outgoing", None
    named = users_named_in(row.text)
    if len(named) == 1:
        (user_id,) = named
        try:
            return "matched", bridge.discourse.user(user_id).id
        except NotFound:
            return "open", None
    if not named and len(called) == 1:
        return "proposed", called[0]
    return "open", None


def import_file(bridge: Bridge, actor: Actor, data: bytes) -> tuple[Transfer, ...]:
    """Record matched transfers, and store the others for a person.

    The same file twice changes nothing. Raises: Permanent for a file that is cut off or not
    understood; then nothing is recorded.
    """
    found = preview_import(bridge, data)
    now = bridge.clock.now()
    for one in found:
        if one.state in ("known", "outgoing"):
            continue
        with bridge.store.write() as connection:
            store.keep(connection, one.row, actor=str(actor), now=now)
        if one.state == "matched" and one.user_id is not None:
            _record(bridge, actor, one.row, one.user_id)
    return found


def assign(
    bridge: Bridge, actor: Actor, row_id: str, user_id: int, *, reason: str | None = None
) -> str:
    """Assign a waiting transfer to a user; returns the id of its line.

    `reverse_payment` is the reverse. Raises: NotFound if no such transfer waits.
    """
    return _record(bridge, actor, _waiting(bridge, row_id), user_id, reason)


def ignore(bridge: Bridge, actor: Actor, row_id: str, *, reason: str) -> None:
    """Record that a waiting transfer is not a member's, and why. Raises NotFound."""
    words = checked_words(gettext("reason"), reason)
    _waiting(bridge, row_id)
    with bridge.store.write() as connection:
        store.ignore(connection, row_id, words)
        changes.log(
            connection,
            "transfer_ignored",
            now=bridge.clock.now(),
            cause=str(actor),
            outcome=words,
            detail={"transfer": row_id},
        )


def _waiting(bridge: Bridge, row_id: str) -> BankRow:
    with bridge.store.read() as connection:
        found = store.waiting(connection, row_id)
    if not found:
        raise NotFound(
            gettext("no transfer %(transfer)s waits for a decision") % {"transfer": row_id},
            "transfers",
        )
    return found[0]


def _record(
    bridge: Bridge, actor: Actor, row: BankRow, user_id: int, reason: str | None = None
) -> str:
    paid = Payment(
        amount_minor=row.amount_minor, currency=row.currency, what=WHAT, method="bank", at=row.at
    )
    # If the process was killed in between, the same transfer gives the same line, once.
    token = uuid.uuid5(uuid.NAMESPACE_OID, row.id)
    done = record_payment(bridge, actor, user_id, paid, again=True, token=token, reason=reason)
    with bridge.store.write() as connection:
        store.assign(connection, row.id, user_id, done.line.id)
    return done.line.id
