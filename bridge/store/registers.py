"""What moderators recorded in the registers of shares and of members. Append-only."""

from __future__ import annotations

from dataclasses import asdict, fields

from sqlalchemy import Connection, insert, select

from bridge.core.ledger.member_register import MemberStep
from bridge.core.ledger.share_register import ShareAct
from bridge.store.schema.ledger import member_steps, share_acts

_ACT = tuple(share_acts.c[one.name] for one in fields(ShareAct))
_STEP = tuple(member_steps.c[one.name] for one in fields(MemberStep))


def record_act(connection: Connection, act: ShareAct) -> None:
    """Append an act on shares."""
    connection.execute(insert(share_acts).values(asdict(act)))


def acts(connection: Connection) -> list[ShareAct]:
    """All acts on shares, in the order in which they were recorded."""
    rows = connection.execute(select(*_ACT).order_by(share_acts.c.number))
    return [ShareAct(**row) for row in rows.mappings()]


def record_step(connection: Connection, step: MemberStep) -> None:
    """Append a step of somebody's membership."""
    connection.execute(insert(member_steps).values(asdict(step)))


def steps(connection: Connection) -> list[MemberStep]:
    """All steps of everybody's membership, in the order in which they were recorded."""
    rows = connection.execute(select(*_STEP).order_by(member_steps.c.number))
    return [MemberStep(**row) for row in rows.mappings()]
