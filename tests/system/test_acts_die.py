"""A moderator's acts in processes that die at each step: done once or not at all, and logged so.

There is one world: every act at every moment has its own member, so that what the
bridge repairs after the crashes is repaired for all of them together.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import func, select

from bridge.core.model.actor import moderator
from bridge.core.rights.paid_by_hand import Bought, Payment
from bridge.errors import Permanent
from bridge.operations import (
    applications,
    changing,
    grants,
    holds,
    links,
    payments,
    refunding,
    registers,
    statements,
    stopping,
)
from bridge.operations.stopping import Choice
from bridge.store import hand_grants, money
from bridge.store import links as stored
from bridge.store import registers as recorded
from bridge.store.schema.forum import changes, memberships
from bridge.store.schema.work import messages
from bridge.wiring import Bridge
from tests.harness import POLICY, System, system
from tests.system import acts
from tests.system.dying import Killed, Moment, dying

MIA = moderator(1, "console")
WHY = "Because"
SWEPT = 130  # seconds after which what was left open has been taken up

Do = Callable[[Bridge], object]


@dataclass(frozen=True)
class Ready:
    """A member for whom an act can be done, and whether it is: how often, as seen outside."""

    user_id: int
    do: Do
    times: Callable[[], int]


class Town:
    """One world with many members."""

    def __init__(self, world: System) -> None:
        self.world, self.bridge = world, world.bridge
        ladder = {"discourse_ladder": "level"}
        self.low = world.price("supporters", amount=1000, discourse_rank="1", **ladder)
        self.high = world.price("patrons", amount=3000, discourse_rank="2", **ladder)
        world.settle()

    def payer(self, name: str) -> tuple[int, Any]:
        customer = self.world.customer(name)
        return self.world.user(name), self.world.subscribe(customer, self.low)

    def given(self, name: str) -> tuple[int, str]:
        user_id = self.world.user(name)
        done = grants.grant(self.bridge, MIA, user_id, "guests", until_at=None, reason="Before")
        return user_id, done.grant.id

    def subscription(self, id_: str) -> Any:
        return self.world.sdk.v1.subscriptions.retrieve(id_)

    def in_force(self, user_id: int) -> int:
        with self.bridge.store.read() as connection:
            return len(hand_grants.in_force(connection, user_id))


def grant(town: Town, name: str) -> Ready:
    user_id = town.world.user(name)
    do = partial(_grant, user_id=user_id)
    return Ready(user_id, do, lambda: town.in_force(user_id))


def _grant(bridge: Bridge, *, user_id: int) -> None:
    grants.grant(bridge, MIA, user_id, "guests", until_at=None, reason=WHY)


def revoke(town: Town, name: str) -> Ready:
    user_id, grant_id = town.given(name)
    return Ready(
        user_id,
        lambda bridge: grants.revoke(bridge, MIA, grant_id, reason=WHY),
        lambda: 1 - town.in_force(user_id),
    )


def link(town: Town, name: str) -> Ready:
    user_id, customer = town.world.user(name), town.world.customer(None)
    return Ready(
        user_id,
        lambda bridge: links.link(bridge, MIA, customer, user_id, reason=WHY),
        lambda: _is_linked(town, customer),
    )


def unlink(town: Town, name: str) -> Ready:
    user_id, customer = town.world.user(name), town.world.customer(name)
    return Ready(
        user_id,
        lambda bridge: links.unlink(bridge, MIA, customer, reason=WHY),
        lambda: 1 - _is_linked(town, customer),
    )


def _is_linked(town: Town, customer: str) -> int:
    with town.bridge.store.read() as connection:
        return int(stored.user_of(connection, customer) is not None)


def _pay(bridge: Bridge, user_id: int, token: uuid.UUID) -> Any:
    paid = Payment(
        amount_minor=900, currency="eur", what="Tea", method="cash", at=bridge.clock.now()
    )
    bought = Bought("guests", None)
    return payments.record_payment(bridge, MIA, user_id, paid, bought, token=token, again=True)


def record_payment(town: Town, name: str) -> Ready:
    user_id, token = town.world.user(name), uuid.uuid4()
    return Ready(
        user_id, lambda bridge: _pay(bridge, user_id, token), lambda: _lines(town, user_id)
    )


def reverse_payment(town: Town, name: str) -> Ready:
    user_id = town.world.user(name)
    line = _pay(town.bridge, user_id, uuid.uuid4()).line.id
    return Ready(
        user_id,
        lambda bridge: payments.reverse_payment(bridge, MIA, line, reason=WHY),
        lambda: _lines(town, user_id) - 1,
    )


def _lines(town: Town, user_id: int) -> int:
    with town.bridge.store.read() as connection:
        return len(money.of_user(connection, user_id))


def refund(town: Town, name: str) -> Ready:
    user_id, subscription = town.payer(name)
    invoice = str(subscription.latest_invoice)
    (charge,) = town.world.sdk.v1.charges.list({"customer": subscription.customer}).data

    def do(bridge: Bridge) -> None:
        found = refunding.find_payment(bridge, invoice, user_id)
        refunding.refund(bridge, MIA, found, 400, None, reason=WHY)

    refunds = town.world.sdk.v1.refunds
    return Ready(user_id, do, lambda: len(refunds.list({"charge": charge.id}).data))


def _stop(town: Town, name: str, act: stopping.Act, is_so: Callable[[Any], bool]) -> Ready:
    user_id, subscription = town.payer(name)

    def do(bridge: Bridge) -> None:
        running = stopping.find_running(bridge, subscription.id, user_id)
        stopping.do(bridge, MIA, running, Choice(act), reason=WHY)

    return Ready(user_id, do, lambda: int(is_so(town.subscription(subscription.id))))


def cancel(town: Town, name: str) -> Ready:
    return _stop(town, name, "cancelled", lambda it: bool(it.cancel_at_period_end))


def pause(town: Town, name: str) -> Ready:
    return _stop(town, name, "paused", lambda it: it.pause_collection is not None)


def keep(town: Town, name: str) -> Ready:
    made = _stop(town, name, "kept", lambda it: not it.cancel_at_period_end)
    (one,) = town.world.sdk.v1.subscriptions.list({"customer": _customer(town, made)}).data
    town.world.sdk.v1.subscriptions.update(one.id, {"cancel_at_period_end": True})
    return made


def resume(town: Town, name: str) -> Ready:
    made = _stop(town, name, "resumed", lambda it: it.pause_collection is None)
    (one,) = town.world.sdk.v1.subscriptions.list({"customer": _customer(town, made)}).data
    town.world.sdk.v1.subscriptions.update(one.id, {"pause_collection": {"behavior": "void"}})
    return made


def _customer(town: Town, made: Ready) -> str:
    with town.bridge.store.read() as connection:
        (found,) = stored.customers_of(connection, made.user_id)
    return found


def change_plan(town: Town, name: str) -> Ready:
    user_id, subscription = town.payer(name)

    def do(bridge: Bridge) -> None:
        switch = changing.find_switch(bridge, user_id, town.high)
        number = changing.turn_of(bridge, user_id, switch)
        changing.change(bridge, MIA, user_id, switch, number=number, reason=WHY)

    invoices = town.world.sdk.v1.invoices
    about = {"customer": str(subscription.customer)}
    return Ready(user_id, do, lambda: len(invoices.list(about).data) - 1)  # type: ignore[arg-type] # a dict of its fields


def statement(town: Town, name: str) -> Ready:
    user_id, _ = town.payer(name)

    def sent() -> int:
        asked = select(func.count()).where(
            messages.c.user_id == user_id, messages.c.key.startswith("statement:")
        )
        with town.bridge.store.read() as connection:
            return connection.scalar(asked) or 0

    return Ready(user_id, lambda bridge: statements.send(bridge, MIA, user_id), sent)


def lift(town: Town, name: str) -> Ready:
    user_id, _ = town.given(name)

    def kept_out() -> bool:
        asked = select(memberships.c.override).where(memberships.c.user_id == user_id)
        with town.bridge.store.read() as connection:
            return connection.scalar(asked) is not None

    return Ready(
        user_id,
        lambda bridge: holds.lift(bridge, MIA, user_id, "guests", reason=WHY),
        lambda: int(not kept_out()),
    )


def approve(town: Town, name: str) -> Ready:
    user_id = town.world.user(name)
    now = town.bridge.clock.now()
    applied = registers.new_step(town.bridge, MIA, user_id, now, "Form", "application")
    with town.bridge.store.write() as connection:
        registers.append(connection, applied)

    def do(bridge: Bridge) -> None:
        reviewed = applications.review(bridge, [user_id])
        applications.decide(bridge, MIA, "approval", reviewed, reason=WHY)

    def approved() -> int:
        with town.bridge.store.read() as connection:
            steps = recorded.steps_of(connection, [user_id])[user_id]
        return sum(one.kind == "approval" for one in steps)

    return Ready(user_id, do, approved)


ACTS: dict[str, Callable[[Town, str], Ready]] = {
    "granted": grant,
    "revoked": revoke,
    "linked": link,
    "unlinked": unlink,
    "payment_recorded": record_payment,
    "payment_reversed": reverse_payment,
    "refunded": refund,
    "cancelled": cancel,
    "kept": keep,
    "paused": pause,
    "resumed": resume,
    "change_asked": change_plan,
    "statement_sent": statement,
    "lifted": lift,
    "member_approval": approve,
}
"""The action that the log names -> the act."""
MOMENTS = {
    **dict.fromkeys(ACTS, 2),
    # These look the user up first, and keep the name that the forum gives.
    **dict.fromkeys(("granted", "linked", "payment_recorded", "statement_sent"), 4),
    **dict.fromkeys(("refunded", "cancelled", "kept", "paused", "resumed", "change_asked"), 6),
}
"""How many steps each has: before and after each commit, and each change at Stripe."""


@pytest.fixture
def town(tmp_path: Path) -> Iterator[Town]:
    policy = replace(POLICY, refunds=True, removal_limit_min=1000, removal_mass_min=1000)
    with system(tmp_path, policy=policy, per_minute=5000) as world:
        world.group("guests")
        world.sandbox.forum.requests_per_minute = 5000
        yield Town(world)


def logged(town: Town, action: str, user_id: int, since: int) -> int:
    asked = select(func.count()).where(
        changes.c.action == action, changes.c.user_id == user_id, changes.c.id > since
    )
    with town.bridge.store.read() as connection:
        return connection.scalar(asked) or 0


Cases = dict[tuple[str, int], Ready]


def gather(town: Town) -> Cases:
    """A member for each act at each of its steps."""
    cases = {
        (action, number): act(town, f"{action.replace('_', '')}{number}")
        for action, act in ACTS.items()
        for number in range(1, MOMENTS[action] + 1)
    }
    town.world.settle(rounds=200)
    for number in range(1, MOMENTS["lifted"] + 1):
        acts.staff_remove(town.world, "guests", f"lifted{number}")
    pass_time(town, 700)
    return cases


def pass_time(town: Town, seconds: int = SWEPT) -> None:
    town.world.advance(seconds)
    town.world.settle(rounds=200)


def last_line(town: Town) -> int:
    with town.bridge.store.read() as connection:
        return connection.scalar(select(func.max(changes.c.id))) or 0


def try_again(town: Town, case: tuple[str, int], one: Ready) -> None:
    """As its moderator would; it may be refused only because it is done."""
    was = one.times()
    try:
        one.do(town.bridge)
    except Permanent:
        assert was == 1, case


def test_each_act_is_done_once_or_not_at_all_wherever_its_process_dies(town: Town) -> None:
    cases = gather(town)
    since = last_line(town)
    for (action, number), one in cases.items():
        assert one.times() == 0, action
        moment = Moment(number)
        with pytest.raises(Killed):
            one.do(dying(town.bridge, moment))
        assert moment.met
    pass_time(town)
    for case, one in cases.items():
        times = one.times()
        assert times <= 1, case
        assert logged(town, case[0], one.user_id, since) == times, case
    for case, one in cases.items():
        try_again(town, case, one)
    pass_time(town)
    for case, one in cases.items():
        times = one.times()
        # Of a payment of which a part was refunded, another part can be: that is another act.
        assert times == 1 or (case[0] == "refunded" and times == 2), case
        assert logged(town, case[0], one.user_id, since) == times, case


def test_each_step_of_each_act_is_met_and_there_is_none_beyond(town: Town) -> None:
    ready = {action: act(town, f"{action.replace('_', '')}all") for action, act in ACTS.items()}
    pass_time(town)
    acts.staff_remove(town.world, "guests", "liftedall")
    pass_time(town, 700)
    for action, one in ready.items():
        moment = Moment(1000)
        one.do(dying(town.bridge, moment))
        assert len(moment.seen) == MOMENTS[action], (action, moment.seen)
