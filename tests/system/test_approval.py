"""Approval before a payment counts (A62), from the payment to the group, on both databases."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest

from bridge.answers.person import person
from bridge.answers.worklists import lists
from bridge.core.memberships.effects import Effect
from bridge.core.model.actor import moderator
from bridge.core.model.reasons import Reason
from bridge.core.model.steps import MemberStep
from bridge.core.rights.paid_by_hand import Bought, Payment
from bridge.operations import applications, grants, payments, undoing
from bridge.store import changes, member, registers
from bridge.web import create_app
from tests.harness import OPERATOR, System, system
from tests.system.acts import checkout, confirm
from tests.system.typing_commands import asked, typed

WHY = ("--reason", "as the board decided", "--by", "mod")
SINCE = "2026-01-01"


@pytest.fixture
def world(tmp_path: Path, database_url: str) -> Iterator[System]:
    with system(tmp_path, database_url=database_url) as it:
        yield it


def a_share(world: System, **metadata: str) -> str:
    said = {"discourse_kind": "share", "discourse_approval": SINCE, **metadata}
    return world.price("members", interval=None, amount=15000, **said)


def buys(world: System, who: str, price: str) -> None:
    checkout(world, who, price, mode="payment")
    world.settle()


def is_in(world: System, who: str) -> bool:
    return who in world.members("members")


def why(world: System, who: str) -> str:
    """The reason of their only purchase."""
    with world.bridge.store.read() as connection:
        found = member.load(connection, world.user(who))
        law = world.bridge.rulebook.law(connection)
    return found.verdicts(law, world.bridge.clock.now())[-1].reason


def steps(world: System, who: str) -> list[MemberStep]:
    with world.bridge.store.read() as connection:
        return registers.steps_of(connection, [world.user(who)])[world.user(who)]


def logged(world: System, who: str) -> list[str]:
    with world.bridge.store.read() as connection:
        lines = changes.page(connection, user_id=world.user(who))
    return [one.action for one in reversed(lines) if one.action.startswith("member_")]


def test_A62_who_pays_waits_and_is_in_once_a_moderator_approves(world: System) -> None:
    price = a_share(world)
    buys(world, "ann", price)
    assert not is_in(world, "ann")
    assert why(world, "ann") == Reason.APPROVAL_WAITS
    assert [(one.kind, one.actor) for one in steps(world, "ann")] == [
        ("application", "bridge"),
        ("payment", "bridge"),
    ]
    assert steps(world, "ann")[0].reason == "ordered Membership members"
    assert person(world.bridge, world.user("ann")).applied_at == steps(world, "ann")[0].at
    assert "gains members" in typed(world, "register", "approve", "ann", *WHY, "--preview")
    assert logged(world, "ann") == ["member_application", "member_payment"]
    typed(world, "register", "approve", "ann", *WHY)
    world.settle()
    assert is_in(world, "ann")
    assert person(world.bridge, world.user("ann")).applied_at is None
    (entry,) = asked(world, "register", "members")
    assert entry["state"] == "member"
    assert entry["applied_at"] <= entry["paid_at"] < entry["approved_at"]
    buys(world, "ann", price)
    assert why(world, "ann") == Reason.BOUGHT, "one approval is enough"
    assert len(steps(world, "ann")) == 3


def test_A62_an_approval_before_the_payment_lets_them_in_at_once(world: System) -> None:
    price = a_share(world)
    world.user("ben")
    typed(world, "register", "step", "ben", "applied", *WHY)
    typed(world, "register", "approve", "ben", *WHY)
    world.advance(60)
    buys(world, "ben", price)
    assert is_in(world, "ben")
    assert [one.kind for one in steps(world, "ben")] == ["application", "approval", "payment"]


def test_A62_a_decline_lets_nobody_in_and_can_be_undone(world: System) -> None:
    buys(world, "cat", a_share(world))
    done = asked(world, "register", "decline", "cat", *WHY)
    world.settle()
    assert (is_in(world, "cat"), why(world, "cat")) == (False, Reason.APPROVAL_DECLINED)
    assert asked(world, "register", "members")[0]["state"] == "declined"
    assert "no application of id:" in typed(world, "register", "approve", "cat", *WHY, code=1)
    with world.bridge.store.read() as connection:
        line = changes.page(connection, user_id=world.user("cat"), action="member_decline")[0]
        told = changes.find(connection, line.id)
    assert told is not None
    assert told.detail == {"step": done[0]["id"], "before": "paid", "after": "declined"}
    assert "gains" not in typed(world, "undo", str(line.id), *WHY, "--preview")
    typed(world, "undo", str(line.id), *WHY)
    world.settle()
    assert why(world, "cat") == Reason.APPROVAL_WAITS
    typed(world, "register", "approve", "cat", *WHY)
    world.settle()
    assert is_in(world, "cat")


def test_A62_who_paid_before_the_day_never_waits_and_keeps_what_they_have(world: System) -> None:
    price = a_share(world, discourse_approval="no")
    buys(world, "dan", price)
    assert is_in(world, "dan")
    product = world.sdk.v1.prices.retrieve(price).product
    tomorrow = f"{world.bridge.clock.now().year + 1}-01-01"
    for day in (tomorrow, SINCE):
        world.sdk.v1.products.update(str(product), {"metadata": {"discourse_approval": day}})
        world.settle()
        world.advance(61)
        world.settle()
        assert is_in(world, "dan"), day
    assert why(world, "dan") == Reason.APPROVAL_WAITS, "the day is before their payment"
    typed(world, "register", "approve", "dan", *WHY)
    world.settle()
    assert (is_in(world, "dan"), why(world, "dan")) == (True, Reason.BOUGHT)


def test_A62_somebody_who_gives_a_seat_reads_that_it_waits(world: System) -> None:
    price = world.price("members", discourse_approval=SINCE)
    world.subscribe(world.customer("ida"), price, items=[{"price": price, "quantity": 3}])
    world.settle()
    client = create_app(world.bridge).test_client()
    with client.session_transaction() as session:
        session["user_id"], session["username"] = world.user("ida"), "ida"
        session["signed_in_at"] = world.bridge.clock.now().isoformat()
    page = client.get("/me/seats").text
    assert "access once a moderator has approved them" in page
    assert "immediate access" not in page


def test_A62_a_payment_by_hand_waits_too_and_its_preview_says_so(world: System) -> None:
    a_share(world)
    world.settle()
    gus = world.user("gus")
    cash = Payment(
        amount_minor=15000,
        currency="eur",
        what="Share",
        method="cash",
        at=world.bridge.clock.now(),
    )
    bought = Bought("members", None)
    assert payments.preview_payment(world.bridge, gus, cash, bought) == ()
    assert payments.waits_for_approval(world.bridge, gus, cash, bought)
    assert not payments.waits_for_approval(world.bridge, gus, cash, None)
    payments.record_payment(world.bridge, OPERATOR, gus, cash, bought)
    world.settle()
    assert [one.kind for one in steps(world, "gus")] == ["application", "payment"]
    assert not is_in(world, "gus")
    waits = lists.WORKLISTS["applications"].page(world.bridge, "waiting", "").rows
    assert [(one.user_id, one.about, one.amount) for one in waits] == [(gus, "Share", "€150.00")]
    reviewed = applications.review(world.bridge, [gus])
    applications.decide(world.bridge, OPERATOR, "approval", reviewed, reason="Known to all")
    world.settle()
    assert is_in(world, "gus")


def test_A62_what_was_decided_meanwhile_is_refused_and_nothing_is_half_done(
    world: System,
) -> None:
    price = a_share(world)
    for who in ("eve", "fay"):
        buys(world, who, price)
    both = applications.review(world.bridge, [world.user("eve"), world.user("fay")])
    applications.decide(world.bridge, OPERATOR, "approval", both[:1], reason="first")
    with pytest.raises(Exception, match="no application of id:"):
        applications.decide(world.bridge, OPERATOR, "decline", both, reason="second")
    assert [one.kind for one in steps(world, "fay")] == ["application", "payment"]
    with world.bridge.store.read() as connection:
        waiting = registers.applicants(connection, "application", None, 10)
        declined = registers.applicants(connection, "decline", None, 10)
        count, since_at = registers.waiting(connection)
    assert [(one.user_id, one.at) for one in waiting] == [(both[1].user_id, since_at)]
    assert (declined, count) == ([], 1)


def test_A62_what_a_guest_paid_stands_beside_their_application(world: System) -> None:
    share = a_share(world)
    checkout(world, "eva", share, mode="payment", customer_creation="if_required")
    world.settle()
    read = lists.WORKLISTS["applications"].page
    (waiting,) = read(world.bridge, "waiting", "").rows
    typed(world, "register", "decline", "eva", *WHY)
    (declined,) = read(world.bridge, "declined", "").rows
    assert (waiting.amount, declined.amount) == ("€150.00", "€150.00")
    assert any(link.startswith("https://dashboard.stripe.com/") for _, link in declined.links)


def test_A62_a_declined_subscription_can_be_cancelled_also_where_its_payment_is_disputed(
    world: System,
) -> None:
    monthly = world.price("members", discourse_approval=SINCE)
    checkout(world, "fay", monthly, card="pm_card_createDispute")
    world.settle()
    typed(world, "register", "decline", "fay", *WHY)
    world.advance(3600)
    world.settle()
    (row,) = lists.WORKLISTS["applications"].page(world.bridge, "declined", "").rows
    assert row.amount == "", "the bank has the money"
    assert [todo.act for todo in row.todo] == ["cancel"]


def test_A62_a_corrected_payment_stands_beside_no_application(world: System) -> None:
    mia, gus = moderator(world.user("mia"), "console"), world.user("gus")
    bridge, now = world.bridge, world.bridge.clock.now()
    a_share(world)
    world.settle()
    typed(world, "register", "step", "gus", "applied", *WHY)
    paid = Payment(amount_minor=15000, currency="eur", what="Share", method="cash", at=now)
    line = payments.record_payment(bridge, mia, gus, paid, None).line
    read = lists.WORKLISTS["applications"].page
    (waiting,) = read(bridge, "waiting", "").rows
    assert waiting.amount == "€150.00"
    payments.reverse_payment(bridge, mia, line.id, reason="Typed twice")
    (corrected,) = read(bridge, "waiting", "").rows
    typed(world, "register", "decline", "gus", *WHY)
    (declined,) = read(bridge, "declined", "").rows
    assert (corrected.amount, declined.amount) == ("", "")


def test_A62_each_decision_and_its_undoing_does_what_its_preview_says(world: System) -> None:
    monthly = world.price("members", discourse_approval=SINCE)
    bridge, ends = world.bridge, {}
    for who in ("paid", "lapsed"):
        ends[who] = checkout(world, who, monthly).subscription
    for who in ("unpaid", "given"):
        world.user(who)
        typed(world, "register", "step", who, "applied", *WHY)
    given = world.user("given")
    grants.grant(bridge, OPERATOR, given, "members", until_at=None, reason="Speaker")
    world.settle()
    world.sdk.v1.subscriptions.cancel(str(ends["lapsed"]))
    confirm(world)
    everybody = ("paid", "lapsed", "unpaid", "given")
    for choice in ("decline", "approval"):
        for is_undone in (False, True):
            _do_as_previewed(world, everybody, choice, is_undone=is_undone)


def _do_as_previewed(
    world: System, everybody: Sequence[str], choice: applications.Choice, *, is_undone: bool
) -> None:
    """Decide about each of them, or undo that, and compare with what was previewed."""
    bridge, told, was = world.bridge, {}, {}
    for who in everybody:
        user_id = world.user(who)
        was[who] = is_in(world, who)
        if is_undone:
            with bridge.store.read() as connection:
                (line, *_) = changes.page(connection, user_id=user_id, action=f"member_{choice}")
            reverse = undoing.reverse_of(bridge, line.id)
            told[who] = turn_of(reverse.preview(), was=was[who])
            reverse.do(OPERATOR, "A mix-up")
        else:
            reviewed = applications.review(bridge, [user_id])
            told[who] = turn_of(applications.preview(bridge, choice, [user_id]), was=was[who])
            applications.decide(bridge, OPERATOR, choice, reviewed, reason="As agreed")
    confirm(world)
    assert told == {who: turn(was[who], is_in(world, who)) for who in everybody}


def turn(was: bool, is_so: bool) -> str:  # noqa: FBT001 - before and after
    if is_so:
        return "stays in" if was else "gains"
    return "loses" if was else "stays out"


def turn_of(told: tuple[Effect, ...], *, was: bool) -> str:
    return next((one.turn for one in told if one.group == "members"), turn(was, was))
