"""The registers of shares and of members: shown as of a date, and what is decided by hand."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import asdict
from datetime import UTC, datetime, time
from typing import Any, TypeVar

import click
from rich.markup import escape

from bridge.commands.common import Moment, as_json, ready_bridge, show
from bridge.commands.deciding import How, actor_of, by, look_now, previewed
from bridge.commands.tables import print_members, print_shares
from bridge.core.ledger.register_acts import Issue, Numbers
from bridge.core.ledger.share_register import ShareAct, ShareClass
from bridge.core.ledger.typed_amounts import typed_to_minor
from bridge.core.model.steps import MemberStep, StepKind
from bridge.operations import applications, registers
from bridge.operations.applications import Choice
from bridge.operations.finding import find_user_id
from bridge.store import work
from bridge.wiring import Bridge

Command = TypeVar("Command", bound=Callable[..., None])
SHARE_CLASSES: dict[str, ShareClass] = {"share": "share", "supporter-share": "supporter share"}
STEPS: dict[str, StepKind] = {
    "applied": "application",
    "approved": "approval",
    "declined": "decline",
    "paid": "payment",
    "ceased": "cessation",
}
NOON = time(12, tzinfo=UTC)

of_class = click.option(
    "--class",
    "share_class",
    type=click.Choice(list(SHARE_CLASSES)),
    default="share",
    show_default=True,
)
reason = click.option("--reason", required=True, help="Why; kept in the register.")
on = click.option("--date", "at", type=Moment(NOON), help="When it counts from; now if left out.")


def as_of(command: Command) -> Command:
    """Add --as-of and --known to a command that shows a register."""
    known = click.option(
        "--known", "known_at", type=Moment(time.max), help="Only what was recorded by then."
    )
    moment = click.option("--as-of", "as_of_at", type=Moment(time.max), help="Now if left out.")
    return moment(known(command))


class NumberRange(click.ParamType[tuple[int, int]]):
    """Numbers of shares: `7`, or `3-5`."""

    name = "numbers"

    def convert(self, value: Any, param: Any, ctx: Any) -> tuple[int, int]:
        """Read it."""
        if isinstance(value, tuple):
            return value
        found = re.fullmatch(r"([0-9]{1,9})(?:-([0-9]{1,9}))?", value)
        if found is None:
            self.fail(f"{value!r} are no numbers; write 7, or 3-5", param, ctx)
        return int(found[1]), int(found[2] or found[1])


@click.group()
def register() -> None:
    """Who holds which shares, and who is a member, as of any date."""


@register.command()
@as_of
@as_json
def shares(*, as_of_at: datetime | None, known_at: datetime | None, as_json: bool) -> None:
    """Every share: class, numbers, holder, dates, price, and the total in issue."""
    with ready_bridge() as bridge:
        found = registers.shares(bridge, as_of_at, known_at)
    show(asdict(found), as_json=as_json, for_people=lambda out: print_shares(out, found))


@register.command()
@as_of
@as_json
def members(*, as_of_at: datetime | None, known_at: datetime | None, as_json: bool) -> None:
    """Every member: when they applied, were approved, paid and ceased."""
    with ready_bridge() as bridge:
        found = registers.members(bridge, as_of_at, known_at)
    rows = [asdict(one) | {"state": one.state, "member_since": one.member_since} for one in found]
    show(rows, as_json=as_json, for_people=lambda out: print_members(out, found))


@register.command()
@click.argument("user")
@click.option("--count", type=int, required=True, help="How many.")
@click.option("--price", required=True, help="Of all of them together, as 150.00.")
@click.option("--currency", required=True, help="Three letters, as eur.")
@of_class
@on
@reason
@by
@as_json
def issue(  # noqa: PLR0913 - the options of a command
    *,
    user: str,
    count: int,
    price: str,
    currency: str,
    share_class: str,
    at: datetime | None,
    reason: str,
    by: str,
    as_json: bool,
) -> None:
    """Issue shares to USER that no payment in the ledger issued, as those of an older register."""
    try:
        minor = typed_to_minor(price, currency)
    except ValueError as error:
        raise click.UsageError(str(error)) from error
    with ready_bridge() as bridge:
        user_id = find_user_id(bridge, user)
        what = Issue(SHARE_CLASSES[share_class], user_id, count, minor, currency)
        actor, when = actor_of(bridge, by), _when(bridge, at)
        done = registers.issue(bridge, actor, what, at=when, reason=reason)
        found = registers.shares(bridge)
    (run,) = (one for one in found.holdings if one.source_id == done.id)
    _show_act(done, f"Issued as {run.share_class} {run.first}-{run.last}.", as_json=as_json)


@register.command()
@click.argument("numbers", type=NumberRange())
@click.argument("user")
@of_class
@on
@reason
@by
@as_json
def transfer(
    *,
    numbers: tuple[int, int],
    user: str,
    share_class: str,
    at: datetime | None,
    reason: str,
    by: str,
    as_json: bool,
) -> None:
    """Transfer the shares NUMBERS (7, or 3-5) to USER; they keep their numbers."""
    with ready_bridge() as bridge:
        actor, when = actor_of(bridge, by), _when(bridge, at)
        what, to_user = Numbers(SHARE_CLASSES[share_class], *numbers), find_user_id(bridge, user)
        done = registers.transfer(bridge, actor, what, to_user, at=when, reason=reason)
    _show_act(done, "Transferred.", as_json=as_json)


@register.command()
@click.argument("numbers", type=NumberRange())
@of_class
@on
@reason
@by
@as_json
def withdraw(
    *,
    numbers: tuple[int, int],
    share_class: str,
    at: datetime | None,
    reason: str,
    by: str,
    as_json: bool,
) -> None:
    """Withdraw the shares NUMBERS for good. Pay the money back at Stripe, or record it by hand."""
    with ready_bridge() as bridge:
        actor, when = actor_of(bridge, by), _when(bridge, at)
        what = Numbers(SHARE_CLASSES[share_class], *numbers)
        done = registers.withdraw(bridge, actor, what, at=when, reason=reason)
    _show_act(done, "Withdrawn.", as_json=as_json)


@register.command()
@click.argument("user")
@click.argument("step", type=click.Choice(list(STEPS)))
@on
@reason
@by
@as_json
def step(*, user: str, step: str, at: datetime | None, reason: str, by: str, as_json: bool) -> None:
    """Record a step of a membership: USER applied, was approved or declined, paid, or ceased."""
    with ready_bridge() as bridge:
        actor, user_id = actor_of(bridge, by), find_user_id(bridge, user)
        when = _when(bridge, at)
        done = registers.record_step(bridge, actor, user_id, STEPS[step], at=when, reason=reason)
    _show_act(done, "Recorded.", as_json=as_json)


@register.command()
@click.argument("users", nargs=-1, required=True)
@reason
@by
@previewed
def approve(*, users: tuple[str, ...], reason: str, by: str, how: How) -> None:
    """Approve the applications of USERS: what they have paid counts, or will once they pay."""
    _decide("approval", users, reason, by, how)


@register.command()
@click.argument("users", nargs=-1, required=True)
@reason
@by
@previewed
def decline(*, users: tuple[str, ...], reason: str, by: str, how: How) -> None:
    """Decline the applications of USERS. Nothing is paid back: refund it in the console."""
    _decide("decline", users, reason, by, how)


def _decide(choice: Choice, users: tuple[str, ...], reason: str, by: str, how: How) -> None:
    with ready_bridge() as bridge:
        actor = actor_of(bridge, by)
        reviewed = applications.review(bridge, {find_user_id(bridge, user) for user in users})
        ids = [one.user_id for one in reviewed]
        if not how.goes_ahead(lambda: applications.preview(bridge, choice, ids)):
            return
        done = applications.decide(bridge, actor, choice, reviewed, reason=reason)
        for one in done:
            look_now(bridge, work.user_key(one.user_id))
    told = {"approval": "Approved", "decline": "Declined"}[choice]
    show(
        [asdict(one) for one in done],
        as_json=how.as_json,
        for_people=lambda out: out.print(
            *(f"{told}: user {one.user_id} ({one.id})." for one in done), sep="\n"
        ),
    )


@register.command()
@click.argument("act")
@reason
@by
@as_json
def correct(*, act: str, reason: str, by: str, as_json: bool) -> None:
    """Take back what was recorded wrongly as ACT (act:… or step:…). Nothing is edited."""
    with ready_bridge() as bridge:
        done = _correct(bridge, act, by, reason)
    _show_act(done, f"{act} counts no more.", as_json=as_json)


def _when(bridge: Bridge, at: datetime | None) -> datetime:
    """Of a day, noon; of today, this moment: noon may be still to come."""
    now = bridge.clock.now()
    return now if at is None or at.date() == now.date() else at


def _correct(bridge: Bridge, act: str, by: str, reason: str) -> ShareAct | MemberStep:
    actor = actor_of(bridge, by)
    if act.startswith("step:"):
        return registers.correct_step(bridge, actor, act, reason=reason)
    return registers.correct_act(bridge, actor, act, reason=reason)


def _show_act(done: ShareAct | MemberStep, words: str, *, as_json: bool) -> None:
    back = "" if done.corrects else f" `bridge register correct {done.id}` takes it back."
    show(
        asdict(done),
        as_json=as_json,
        for_people=lambda out: out.print(f"{escape(words)} ({done.id}).{back}"),
    )
