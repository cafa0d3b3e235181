"""Records that somebody applied and paid, where people apply by paying (A62)."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime

from bridge.core.model.actor import BRIDGE
from bridge.core.model.rights import Grant
from bridge.core.model.steps import MemberStep
from bridge.core.rights.approval import DueStep
from bridge.store import Connection, catalogue, registers

WORDS = {
    "own": {"application": "ordered {what}", "payment": "paid for {what}"},
    "gift": {"application": "took the gift of {what}", "payment": "{what} was paid for them"},
    "seat": {"application": "took a seat in {what}", "payment": "{what} was paid for them"},
}


def record(
    connection: Connection,
    user_id: int,
    due: Sequence[DueStep],
    verdicts: Iterable[Grant],
    now: datetime,
) -> None:
    """Append the steps that are due, each with what was paid for as its reason.

    They were found in this transaction, which has the user's turn: no moderator writes meanwhile.
    """
    if not due:
        return
    bought = {one.source_id: one for one in verdicts}
    products, _ = catalogue.load_of(connection, {one.product_id for one in bought.values()})
    names = {product.id: product.name for product in products}
    for step in due:
        verdict = bought[step.source_id]
        what = names.get(verdict.product_id or "", "a membership")
        registers.record_step(
            connection,
            MemberStep(
                id=registers.new_step_id(),
                user_id=user_id,
                kind=step.kind,
                at=step.at,
                known_at=now,
                reason=WORDS[verdict.share][step.kind].format(what=what),
                actor=str(BRIDGE),
            ),
            source=step.source_id,
        )
