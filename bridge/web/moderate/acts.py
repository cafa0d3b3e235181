"""A moderator's acts for one person, each with fields, preview and effect.

The console only collects the input; operations do the rest, like for commands.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime, time

from bridge.core.ledger.amounts import format_minor
from bridge.core.ledger.typed_amounts import typed_to_minor
from bridge.core.memberships.effects import Effect
from bridge.core.model.actor import Actor
from bridge.core.model.days import day_of
from bridge.core.model.stripe import FailedPayment
from bridge.core.rights.paid_by_hand import Bought, Method, Payment
from bridge.core.telling.declines import decline_words
from bridge.core.telling.money import METHODS as WORDS_OF_METHODS
from bridge.errors import NotFound, Permanent
from bridge.operations import adopting, grants, holds, links, payments, reading, reminders
from bridge.store import links as customer_links
from bridge.store.additions import Addition
from bridge.texts import gettext
from bridge.web.limiting import asks_stripe
from bridge.web.moderate import about
from bridge.web.moderate.act import Act, Facts, Form, Ground, Words, until_of
from bridge.web.moderate.money_acts import ABOUT_MONEY
from bridge.web.moderate.paying_acts import ABOUT_PAYING
from bridge.wiring import Bridge

METHODS: Mapping[str, Method] = {one: one for one in ("cash", "cheque", "bank", "other")}
NOON = time(12, tzinfo=UTC)


def _paid_on(form: Form, now: datetime) -> datetime:
    text = form.get("date", "").strip()
    if not text or day_of(text) == now.date():
        return now
    return datetime.combine(day_of(text), NOON)


def _payment(bridge: Bridge, form: Form) -> tuple[Payment, Bought | None]:
    currency = form.get("currency", "").strip().lower()
    try:
        amount = typed_to_minor(form.get("amount", ""), currency)
    except ValueError as error:
        raise Permanent(str(error)) from error
    method = METHODS.get(form.get("method", ""))
    if method is None:
        raise Permanent(gettext("choose how it was paid"))
    paid = Payment(
        amount_minor=amount,
        currency=currency,
        what=form.get("what", ""),
        method=method,
        at=_paid_on(form, bridge.clock.now()),
    )
    group = form.get("group", "").strip()
    until_at = until_of(form)
    if until_at and not group:
        raise Permanent(gettext("choose the group that is paid for until that day"))
    return paid, Bought(group, until_at) if group else None


def _grant(bridge: Bridge, actor: Actor, user_id: int, form: Form) -> str:
    done = grants.grant(
        bridge, actor, user_id, form["group"], until_at=until_of(form), reason=form["reason"]
    )
    if not done.is_new:
        return gettext("Nothing had to change.")
    names = {"name": done.user.username, "group": done.group.name}
    return gettext("%(name)s gets %(group)s.") % names


def _preview_grant(bridge: Bridge, user_id: int, form: Form) -> Iterable[Effect]:
    until_at = until_of(form)
    about.refuse_handing_out(bridge, form["group"])
    if known := grants.in_force(bridge, user_id, form["group"], until_at):
        until = f"{known.until_at:%-d %B %Y}" if known.until_at else None
        words = (
            gettext("somebody has given them %(group)s until %(day)s already: choose a later day")
            if until
            else gettext("somebody has given them %(group)s for good already")
        )
        raise Permanent(words % {"group": form["group"], "day": until})
    return grants.preview_grant(bridge, user_id, form["group"], until_at=until_at)


def _membership(bridge: Bridge, user_id: int, form: Form) -> Facts:
    return about.of_membership(bridge, user_id, form["group"])


def _customer(bridge: Bridge, _user_id: int, form: Form) -> Facts:
    return about.of_customer(bridge, form["customer"].strip())


def _amount(bridge: Bridge, _user_id: int, form: Form) -> Words:
    paid, _ = _payment(bridge, form)
    return {"amount": format_minor(paid.amount_minor, paid.currency)}


def _revoke(bridge: Bridge, actor: Actor, _user_id: int, form: Form) -> str:
    grants.revoke(bridge, actor, form["grant"], reason=form["reason"])
    return gettext("The grant has been taken back.")


def _lift(bridge: Bridge, actor: Actor, user_id: int, form: Form) -> str:
    done = holds.lift(bridge, actor, user_id, form["group"], reason=form["reason"])
    return gettext("%(group)s follows payments again.") % {"group": done.group.name}


def _keep(bridge: Bridge, actor: Actor, user_id: int, form: Form) -> str:
    done = holds.keep(
        bridge, actor, user_id, form["group"], until_at=until_of(form), reason=form["reason"]
    )
    return f"{done.user.username} keeps {done.group.name}."


def _let_go(bridge: Bridge, actor: Actor, user_id: int, form: Form) -> str:
    done = holds.let_go(bridge, actor, user_id, form["group"], reason=form["reason"])
    return gettext("%(group)s will end.") % {"group": done.group.name}


def _usual_currency(bridge: Bridge, _user_id: int, _form: Form) -> Ground:
    return Ground(filled={"currency": (payments.usual_currency(bridge) or "").upper()})


def _about_payment(bridge: Bridge, user_id: int, form: Form) -> Facts:
    paid, bought = _payment(bridge, form)
    said = {
        "amount": format_minor(abs(paid.amount_minor), paid.currency),
        "how": WORDS_OF_METHODS[paid.method],
    }
    is_refund = paid.amount_minor < 0
    if form.get("again") != "yes":
        payments.refuse_repeated(bridge, user_id, paid)
    waits = payments.waits_for_approval(bridge, user_id, paid, bought)
    return {
        gettext("Paid back") if is_refund else gettext("Paid"): (
            gettext("%(amount)s %(how)s") % said
        ),
        gettext("Paid twice"): (
            gettext("Yes, the same payment came twice") if form.get("again") == "yes" else ""
        ),
        gettext("Approval"): (
            gettext("The group waits until a moderator approves their application.")
            if waits
            else ""
        ),
    }


def _preview_payment(bridge: Bridge, user_id: int, form: Form) -> Iterable[Effect]:
    paid, bought = _payment(bridge, form)
    about.refuse_handing_out(bridge, *([bought.group_name] if bought else []))
    return payments.preview_payment(bridge, user_id, paid, bought)


def _record(bridge: Bridge, actor: Actor, user_id: int, form: Form) -> str:
    paid, bought = _payment(bridge, form)
    again = form.get("again") == "yes"
    payments.record_payment(bridge, actor, user_id, paid, bought, again=again)
    return gettext("The payment is recorded, and the member gets a receipt.")


def _preview_link(bridge: Bridge, user_id: int, form: Form) -> Iterable[Effect]:
    asks_stripe("ask")
    return links.preview_link(bridge, form["customer"].strip(), user_id)


def _link(bridge: Bridge, actor: Actor, user_id: int, form: Form) -> str:
    links.link(bridge, actor, form["customer"].strip(), user_id, reason=form["reason"])
    return gettext("%(customer)s is linked.") % {"customer": form["customer"].strip()}


def _preview_unlink(bridge: Bridge, user_id: int, form: Form) -> Iterable[Effect]:
    customer_id = form["customer"].strip()
    with bridge.store.read() as connection:
        owner = customer_links.user_of(connection, customer_id)
    if owner not in (None, user_id):
        names = {"customer": customer_id, "user": user_id}
        raise NotFound(gettext("%(customer)s is not a customer of id:%(user)s") % names)
    return links.preview_unlink(bridge, customer_id)


def _unlink(bridge: Bridge, actor: Actor, _user_id: int, form: Form) -> str:
    links.unlink(bridge, actor, form["customer"].strip(), reason=form["reason"])
    customer = {"customer": form["customer"].strip()}
    return gettext("%(customer)s is no longer linked.") % customer


def _read_again(bridge: Bridge, actor: Actor, user_id: int, _form: Form) -> str:
    reading.sync_user(bridge, actor, user_id)
    return gettext("Stripe and the forum are being read again for this person.")


def _forgotten(bridge: Bridge, user_id: int, form: Form) -> tuple[Addition, ...]:
    found = tuple(adopting.unknown_additions(bridge, form["group"], user_id))
    if not found:
        raise NotFound(gettext("the bridge did not add them there, or it has been taken over"))
    return found


def _adopt(bridge: Bridge, actor: Actor, user_id: int, form: Form) -> str:
    found = _forgotten(bridge, user_id, form)
    (one, *_) = adopting.adopt(bridge, actor, found, reason=form["reason"])
    words = gettext("The bridge manages this membership of %(group)s again.")
    return words % {"group": one.group}


def _owed(bridge: Bridge, user_id: int, form: Form) -> Facts:
    asks_stripe("ask")
    return _of_failed(reminders.look_at(bridge, user_id, form["invoice"]))


def _still_owed(bridge: Bridge, user_id: int, form: Form) -> Ground:
    """The same, with the link to pay, for somebody who was reminded already."""
    return Ground(_of_failed(reminders.owed(bridge, user_id, form["invoice"])))


def _of_failed(found: FailedPayment) -> Facts:
    again = found.payment.next_try_at
    return {
        gettext("Owed"): format_minor(found.payment.amount_minor, found.payment.currency),
        gettext("For"): found.payment.what,
        gettext("Why it failed"): decline_words(found.code, found.message),
        gettext("Attempts so far"): str(found.payment.attempts),
        gettext("Next attempt"): f"{again:%-d %B %Y}" if again else gettext("none"),
        gettext("Page where it can be paid"): found.pay_url or "",
    }


def _remind(bridge: Bridge, actor: Actor, user_id: int, form: Form) -> str:
    reminders.remind(bridge, actor, user_id, form["invoice"])
    return gettext("The reminder is on its way, with a link to pay.")


ACTS: Mapping[str, Act] = {
    act.name: act
    for act in (
        Act(
            "grant",
            gettext("Give a group"),
            gettext("Give %(group)s to %(who)s"),
            ("group", "until", "reason"),
            "decide",
            _preview_grant,
            _grant,
        ),
        Act(
            "revoke",
            gettext("Take a grant back"),
            gettext("Take %(group)s back from %(who)s"),
            ("grant", "reason"),
            "decide",
            lambda bridge, _user_id, form: grants.preview_revoke(bridge, form["grant"]),
            _revoke,
            given=("grant",),
            facts=lambda bridge, user_id, form: about.of_grant(bridge, user_id, form["grant"]),
            words=lambda bridge, _user_id, form: {
                "group": about.group_of_grant(bridge, form["grant"])
            },
        ),
        Act(
            "lift",
            gettext("Let back in"),
            gettext("Let %(who)s back into %(group)s"),
            ("group", "reason"),
            "decide",
            lambda bridge, user_id, form: holds.preview_lift(bridge, user_id, form["group"]),
            _lift,
            given=("group",),
            facts=_membership,
        ),
        Act(
            "keep",
            gettext("Keep a held membership"),
            gettext("Let %(who)s keep %(group)s"),
            ("group", "until", "reason"),
            "decide",
            lambda bridge, user_id, form: holds.preview_keep(
                bridge, user_id, form["group"], until_at=until_of(form)
            ),
            _keep,
            given=("group",),
            facts=_membership,
        ),
        Act(
            "let-go",
            gettext("Let a held membership end"),
            gettext("Let %(group)s end for %(who)s"),
            ("group", "reason"),
            "decide",
            lambda bridge, user_id, form: holds.preview_let_go(bridge, user_id, form["group"]),
            _let_go,
            given=("group",),
            facts=_membership,
        ),
        Act(
            "record-payment",
            gettext("Record a payment"),
            gettext("Record %(amount)s for %(who)s"),
            ("amount", "currency", "method", "what", "date", "group", "until", "again"),
            "money",
            _preview_payment,
            _record,
            optional=("date", "group", "until", "again"),
            told=("amount", "currency", "method", "again"),
            ground=_usual_currency,
            facts=_about_payment,
            words=_amount,
        ),
        Act(
            "link",
            gettext("Link a customer"),
            gettext("Link %(customer)s to %(who)s"),
            ("customer", "reason"),
            "decide",
            _preview_link,
            _link,
            facts=_customer,
            told=("customer",),
        ),
        Act(
            "unlink",
            gettext("Unlink a customer"),
            gettext("Unlink %(customer)s from %(who)s"),
            ("customer", "reason"),
            "decide",
            _preview_unlink,
            _unlink,
            given=("customer",),
            facts=_customer,
        ),
        Act(
            "read-again",
            gettext("Read everything again"),
            gettext("Read everything about %(who)s again"),
            (),
            "decide",
            lambda _bridge, _user_id, _form: (),
            _read_again,
        ),
        Act(
            "remind",
            gettext("Remind them of a failed payment"),
            gettext("Remind %(who)s"),
            ("invoice",),
            "money",
            lambda _bridge, _user_id, _form: (),
            _remind,
            given=("invoice",),
            ground=_still_owed,
            facts=_owed,
        ),
        Act(
            "adopt",
            gettext("Take over a membership"),
            gettext("Take over %(group)s of %(who)s"),
            ("group", "reason"),
            "decide",
            lambda bridge, user_id, form: adopting.preview_adopt(
                bridge, _forgotten(bridge, user_id, form)
            ),
            _adopt,
            given=("group",),
            facts=_membership,
        ),
        *ABOUT_PAYING,
        *ABOUT_MONEY,
    )
}
