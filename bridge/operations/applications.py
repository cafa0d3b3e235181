"""Applications for membership: approved or declined, also several at once (A62)."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Literal

from bridge.core.ledger.member_register import Impossible, member_register
from bridge.core.memberships.effects import Effect, What
from bridge.core.model.actor import Actor
from bridge.core.model.rights import Facts
from bridge.core.model.steps import MemberStep
from bridge.errors import Permanent
from bridge.operations import registers
from bridge.operations.preview import effects
from bridge.store import Connection, messages, state, work
from bridge.store import registers as recorded
from bridge.texts import gettext
from bridge.wiring import Bridge

Choice = Literal["approval", "decline"]


@dataclass(frozen=True, slots=True)
class Application:
    """An application that waits: since when, and when it was paid for; None: not yet."""

    user_id: int
    applied_at: datetime
    paid_at: datetime | None


def review(bridge: Bridge, user_ids: Collection[int]) -> tuple[Application, ...]:
    """These people's waiting applications. Raises: Permanent if one does not wait."""
    with bridge.store.read() as connection:
        return _waiting(connection, user_ids, bridge.clock.now())


def preview(bridge: Bridge, choice: Choice, user_ids: Collection[int]) -> tuple[Effect, ...]:
    """What a decision would change. Raises: Permanent if an application does not wait."""
    now = bridge.clock.now()
    found: list[Effect] = []
    for one in review(bridge, user_ids):
        step = MemberStep(
            id="", user_id=one.user_id, kind=choice, at=now, known_at=now, reason="", actor=""
        )
        found += preview_step(bridge, step)
    return tuple(found)


def preview_step(bridge: Bridge, step: MemberStep) -> tuple[Effect, ...]:
    """What recording this step of a membership now would change."""

    def with_step(known: Facts) -> Facts:
        return replace(known, steps=(*known.steps, step))

    return effects(bridge, step.user_id, What(with_step))


def decide(
    bridge: Bridge,
    actor: Actor,
    choice: Choice,
    reviewed: Collection[Application],
    *,
    reason: str,
) -> tuple[MemberStep, ...]:
    """Approve these applications, or decline them; `registers.correct_step` is the reverse.

    A decline refunds nothing: a refund is a separate decision. Raises: Permanent, and does nothing,
    if one no longer waits as it was reviewed.
    """
    now = bridge.clock.now()
    steps = [
        registers.new_step(bridge, actor, one.user_id, now, reason, choice) for one in reviewed
    ]
    with bridge.store.write() as connection:
        state.take_turn_about(connection, [one.user_id for one in reviewed])
        waiting = _waiting(connection, [one.user_id for one in reviewed], now)
        if set(waiting) != set(reviewed):
            raise Permanent(gettext("what waits has changed since you reviewed it: look again"))
        for step in steps:
            registers.append(connection, step)
            approved = choice == "approval"
            messages.application_decided(
                connection, step.user_id, step.id, approved=approved, now=now
            )
    for step in steps:
        bridge.hint("decide", work.user_key(step.user_id))
        bridge.hint("tell", str(step.user_id))
    return tuple(steps)


def _waiting(
    connection: Connection, user_ids: Collection[int], now: datetime
) -> tuple[Application, ...]:
    if not user_ids:
        raise Permanent(gettext("choose at least one application"))
    found = []
    for user_id, steps in sorted(recorded.steps_of(connection, set(user_ids)).items()):
        try:
            entries = member_register(steps, now)
        except Impossible as error:
            raise Permanent(
                gettext("the register has to be corrected first: %(error)s") % {"error": error}
            ) from error
        last = entries[-1] if entries else None
        if last is None or not last.is_open or last.approved_at is not None:
            raise Permanent(
                gettext(
                    "no application of id:%(user)d waits: somebody has decided about it, or "
                    "nobody has recorded it"
                )
                % {"user": user_id},
                "step",
            )
        found.append(Application(user_id, last.applied_at, last.paid_at))
    return tuple(found)
