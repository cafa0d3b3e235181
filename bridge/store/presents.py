"""Gifts: who gave what to whom, and what became of them."""

from __future__ import annotations

from dataclasses import dataclass, fields
from datetime import datetime

from sqlalchemy import Connection, select, update

from bridge.store.inserts import insert_for
from bridge.store.schema.buying import presents
from bridge.store.schema.work import messages

PRESENT = "present:"
"""Before a gift's id: the message to its receiver."""
NOBODY = 0
"""The owner of a gift that nobody has accepted yet; no user of the forum has this id."""


@dataclass(frozen=True, slots=True)
class Present:
    """A gift. `receiver_id`: None until its link is used."""

    id: str
    giver_id: int
    receiver_id: int | None
    by_link: bool
    price_id: str
    note: str
    is_anonymous: bool
    begins_at: datetime | None
    created_at: datetime
    link_number: int = 1
    link_ends_at: datetime | None = None
    session_id: str | None = None
    url: str | None = None
    payer_id: str | None = None
    source_id: str | None = None
    arrived_at: datetime | None = None
    taken_at: datetime | None = None


_COLUMNS = tuple(presents.c[field.name] for field in fields(Present))


def get(connection: Connection, present_id: str) -> Present | None:
    """A gift of any user: the caller compares the users."""
    row = connection.execute(select(*_COLUMNS).where(presents.c.id == present_id)).one_or_none()
    return Present(*row) if row else None


def given_by(connection: Connection, user_id: int) -> list[Present]:
    """A member's gifts, also unfinished ones, the newest first."""
    asked = select(*_COLUMNS).where(presents.c.giver_id == user_id)
    rows = connection.execute(asked.order_by(presents.c.created_at.desc(), presents.c.id))
    return [Present(*row) for row in rows]


def begin(connection: Connection, wanted: Present) -> Present:
    """This gift, new or from an earlier click on the same button."""
    values = {field.name: getattr(wanted, field.name) for field in fields(Present)}
    connection.execute(insert_for(connection)(presents).values(values).on_conflict_do_nothing())
    return get(connection, wanted.id) or wanted


def save_session(connection: Connection, present_id: str, session_id: str, url: str) -> None:
    """Store the address of its Stripe page, for the next click on the button."""
    row = presents.c.id == present_id
    connection.execute(update(presents).where(row).values(session_id=session_id, url=url))


def arrive(
    connection: Connection, present_id: str, *, payer_id: str, source_id: str, now: datetime
) -> bool:
    """Note that the gift is paid; True the first time."""
    done = connection.execute(
        update(presents)
        .where(presents.c.id == present_id, presents.c.arrived_at.is_(None))
        .values(arrived_at=now, payer_id=payer_id, source_id=source_id)
    )
    return done.rowcount == 1


def take(connection: Connection, present: Present, user_id: int, now: datetime) -> bool:
    """Give it to the user of its link; False if somebody was quicker, or the link was replaced."""
    done = connection.execute(
        update(presents)
        .where(
            presents.c.id == present.id,
            presents.c.receiver_id.is_(None),
            presents.c.link_number == present.link_number,
        )
        .values(receiver_id=user_id, taken_at=now)
    )
    return done.rowcount == 1


def renew_link(connection: Connection, present: Present, ends_at: datetime) -> bool:
    """Replace the link; False if the gift was accepted meanwhile."""
    done = connection.execute(
        update(presents)
        .where(presents.c.id == present.id, presents.c.receiver_id.is_(None))
        .values(link_number=present.link_number + 1, link_ends_at=ends_at)
    )
    return done.rowcount == 1


def tell(connection: Connection, present_id: str, user_id: int, now: datetime) -> None:
    """Schedule a reply in the receiver's message."""
    connection.execute(
        insert_for(connection)(messages)
        .values(key=f"{PRESENT}{present_id}", user_id=user_id, due_at=now)
        .on_conflict_do_nothing()
    )
