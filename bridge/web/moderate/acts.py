"""What a moderator can do about one person: each act with its fields, its preview and its deed.

The console only collects the words; operations do the rest, as for commands.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, time

from bridge.core.ledger.amounts import to_minor
from bridge.core.model.actor import Actor
from bridge.core.model.roles import Right
from bridge.errors import Permanent
from bridge.operations import grants, holds, links, payments, reading
from bridge.operations.payments import Bought, Method, Payment
from bridge.operations.preview import Effect
from bridge.wiring import Bridge

Form = Mapping[str, str]
METHODS: Mapping[str, Method] = {one: one for one in ("cash", "cheque", "bank", "other")}
NOON = time(12, tzinfo=UTC)
LAST_MOMENT = time(23, 59, 59, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Act:
    """One thing to do. `fields`: what the form asks for; `does`: the words of the button."""

    name: str
    title: str
    does: str
    fields: tuple[str, ...]
    right: Right
    preview: Callable[[Bridge, int, Form], Iterable[Effect]]
    do: Callable[[Bridge, Actor, int, Form], str]
    needs_reason: bool = False


def checksum(effects: Iterable[Effect]) -> str:
    """What was reviewed, so that nothing else is done."""
    said = json.dumps([asdict(one) for one in effects], sort_keys=True)
    return hashlib.sha256(said.encode()).hexdigest()[:16]


def _until(form: Form) -> datetime | None:
    """The last moment of the day in the form; None for good."""
    text = form.get("until", "").strip()
    if not text:
        return None
    try:
        return datetime.combine(datetime.strptime(text, "%Y-%m-%d").date(), LAST_MOMENT)  # noqa: DTZ007
    except ValueError as error:
        raise Permanent(f"{text!r} is not a day: write it as 2027-03-31") from error


def _paid_on(form: Form, now: datetime) -> datetime:
    text = form.get("date", "").strip()
    if not text:
        return now
    try:
        day = datetime.strptime(text, "%Y-%m-%d").date()  # noqa: DTZ007
    except ValueError as error:
        raise Permanent(f"{text!r} is not a day: write it as 2027-03-31") from error
    return min(now, datetime.combine(day, NOON))


def _payment(bridge: Bridge, form: Form) -> tuple[Payment, Bought | None]:
    currency = form.get("currency", "").strip().lower()
    try:
        amount = to_minor(form.get("amount", "").replace(",", "."), currency)
    except ValueError as error:
        raise Permanent(str(error)) from error
    method = METHODS.get(form.get("method", ""))
    if method is None:
        raise Permanent("choose how it was paid")
    paid = Payment(
        amount_minor=amount,
        currency=currency,
        what=form.get("what", ""),
        method=method,
        at=_paid_on(form, bridge.clock.now()),
    )
    group = form.get("group", "").strip()
    return paid, Bought(group, _until(form)) if group else None


def _grant(bridge: Bridge, actor: Actor, user_id: int, form: Form) -> str:
    done = grants.grant(
        bridge, actor, user_id, form["group"], until_at=_until(form), reason=form["reason"]
    )
    return f"{done.user.username} gets {done.group.name}." if done.is_new else "It was so already."


def _revoke(bridge: Bridge, actor: Actor, _user_id: int, form: Form) -> str:
    grants.revoke(bridge, actor, form["grant"])
    return "The grant has been taken back."


def _lift(bridge: Bridge, actor: Actor, user_id: int, form: Form) -> str:
    return f"{holds.lift(bridge, actor, user_id, form['group']).group.name} follows payments again."


def _keep(bridge: Bridge, actor: Actor, user_id: int, form: Form) -> str:
    done = holds.keep(bridge, actor, user_id, form["group"], until_at=_until(form))
    return f"{done.user.username} keeps {done.group.name}."


def _let_go(bridge: Bridge, actor: Actor, user_id: int, form: Form) -> str:
    return f"{holds.let_go(bridge, actor, user_id, form['group']).group.name} will end."


def _record(bridge: Bridge, actor: Actor, user_id: int, form: Form) -> str:
    paid, bought = _payment(bridge, form)
    again = form.get("again") == "yes"
    payments.record_payment(bridge, actor, user_id, paid, bought, again=again)
    return "The payment is recorded, and the member gets a receipt."


def _link(bridge: Bridge, actor: Actor, user_id: int, form: Form) -> str:
    links.link(bridge, actor, form["customer"].strip(), user_id)
    return f"{form['customer'].strip()} is linked."


def _unlink(bridge: Bridge, actor: Actor, _user_id: int, form: Form) -> str:
    links.unlink(bridge, actor, form["customer"].strip())
    return f"{form['customer'].strip()} is linked to nobody now."


def _read_again(bridge: Bridge, actor: Actor, user_id: int, _form: Form) -> str:
    reading.sync_user(bridge, actor, user_id)
    return "Everything about this person is being read again."


ACTS: Mapping[str, Act] = {
    act.name: act
    for act in (
        Act(
            "grant",
            "Give a group",
            "Give the group",
            ("group", "until", "reason"),
            "decide",
            lambda bridge, user_id, form: grants.preview_grant(
                bridge, user_id, form["group"], until_at=_until(form)
            ),
            _grant,
            needs_reason=True,
        ),
        Act(
            "revoke",
            "Take a grant back",
            "Take it back",
            ("grant",),
            "decide",
            lambda bridge, _, form: grants.preview_revoke(bridge, form["grant"]),
            _revoke,
        ),
        Act(
            "lift",
            "Let in again",
            "Let them in again",
            ("group",),
            "decide",
            lambda bridge, user_id, form: holds.preview_lift(bridge, user_id, form["group"]),
            _lift,
        ),
        Act(
            "keep",
            "Keep a membership that waits",
            "Keep it",
            ("group", "until"),
            "decide",
            lambda bridge, user_id, form: holds.preview_keep(
                bridge, user_id, form["group"], until_at=_until(form)
            ),
            _keep,
        ),
        Act(
            "let-go",
            "Let a membership end that waits",
            "Let it end",
            ("group",),
            "decide",
            lambda bridge, user_id, form: holds.preview_let_go(bridge, user_id, form["group"]),
            _let_go,
        ),
        Act(
            "record-payment",
            "Record a payment",
            "Record the payment",
            ("amount", "currency", "method", "what", "date", "group", "until", "again"),
            "money",
            lambda bridge, user_id, form: payments.preview_payment(
                bridge, user_id, *_payment(bridge, form)
            ),
            _record,
        ),
        Act(
            "link",
            "Link a customer",
            "Link the customer",
            ("customer",),
            "decide",
            lambda bridge, user_id, form: links.preview_link(
                bridge, form["customer"].strip(), user_id
            ),
            _link,
        ),
        Act(
            "unlink",
            "Unlink a customer",
            "Unlink the customer",
            ("customer",),
            "decide",
            lambda bridge, _, form: links.preview_unlink(bridge, form["customer"].strip()),
            _unlink,
        ),
        Act(
            "read-again",
            "Read everything again",
            "Read again now",
            (),
            "decide",
            lambda _bridge, _user_id, _form: (),
            _read_again,
        ),
    )
}
