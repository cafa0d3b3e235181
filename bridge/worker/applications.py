"""Records that somebody applied and paid, where people apply by paying (A62)."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime

from bridge.core.model.actor import BRIDGE
from bridge.core.model.rights import Grant
from bridge.core.model.steps import MemberStep
from bridge.core.rights.approval import DueStep
from bridge.store import Connection, catalogue, registers

WORDS = {"application": "ordered {what}", "payment": "paid for {what}"}


def record(
    connection: Connection,
    user_id: int,
    due: Sequence[DueStep],
    verdicts: Iterable[Grant],
    now: datetime,
) -> None:
    """Append the steps that are due; the reason of each names what was paid for."""
    if not due:
        return
    bought = {one.source_id: one.product_id for one in verdicts if one.product_id}
    products, _ = catalogue.load_of(connection, set(bought.values()))
    names = {product.id: product.name for product in products}
    for step in due:
        what = names.get(bought.get(step.source_id, ""), "a membership")
        registers.record_step(
            connection,
            MemberStep(
                id=registers.new_step_id(),
                user_id=user_id,
                kind=step.kind,
                at=step.at,
                known_at=now,
                reason=WORDS[step.kind].format(what=what),
                actor=str(BRIDGE),
            ),
            source=step.source_id,
        )
