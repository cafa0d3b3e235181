"""A moderator's acts at Stripe for one person: refund, cancel, keep, pause, resume."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable

from bridge.core.ledger.amounts import format_minor, plain_amount
from bridge.core.ledger.typed_amounts import typed_to_minor
from bridge.core.memberships.effects import Effect
from bridge.core.model.actor import Actor
from bridge.core.model.stripe import Price, Subscription
from bridge.core.telling.words import LOCALE, price_words
from bridge.errors import Permanent
from bridge.operations import changing, refunding, statements, stopping
from bridge.operations.errands import refuse_unless_reviewed
from bridge.operations.refunding import Found
from bridge.operations.stopping import Choice, Running
from bridge.texts import gettext, ngettext
from bridge.web.limiting import asks_stripe
from bridge.web.moderate.act import TURN, Act, Facts, Form, Ground, Seen, told, until_of
from bridge.wiring import Bridge


def _nothing(_bridge: Bridge, _user_id: int, _form: Form) -> Iterable[Effect]:
    return ()


# --- refunds --------------------------------------------------------------------------------------


def _payment(bridge: Bridge, user_id: int, form: Form) -> Found:
    asks_stripe("ask")
    return refunding.find_payment(bridge, form["payment"], user_id)


def _amount(found: Found, form: Form) -> int | None:
    text = form["amount"].strip()
    if not text:
        return None
    try:
        return typed_to_minor(text, found.payment.currency)
    except ValueError as error:
        raise Permanent(str(error)) from error


def _of_payment(found: Found) -> Facts:
    payment = found.payment
    return {
        gettext("Payment"): f"{found.line.what}, {found.line.at:%-d %B %Y}",
        gettext("Paid"): format_minor(payment.paid_minor, payment.currency),
        gettext("Refunded so far"): (
            format_minor(payment.refunded_minor, payment.currency) if payment.refunded_minor else ""
        ),
        gettext("Left to refund"): format_minor(payment.left_minor, payment.currency),
    }


def _ground_of_refund(bridge: Bridge, user_id: int, form: Form) -> Ground:
    found = _payment(bridge, user_id, form)
    refunding.to_refund(found, None, None)  # refuses what was refunded already
    lines = {
        one.id: f"{one.what} ({format_minor(one.left_minor, found.payment.currency)})"
        for one in found.payment.lines
        if one.left_minor
    }
    whole = {"": gettext("The whole payment")}
    return Ground(_of_payment(found), {"line": whole | lines} if lines else {})


def _see_refund(bridge: Bridge, user_id: int, form: Form) -> Seen:
    found = _payment(bridge, user_id, form)
    amount_minor, line_id = _amount(found, form), form["line"] or None
    effects = refunding.preview_refund(bridge, found, amount_minor, line_id)
    asked = refunding.to_refund(found, amount_minor, line_id)
    amount = format_minor(asked.amount_minor, found.payment.currency)
    what = next((one.what for one in found.payment.lines if one.id == line_id), "")
    facts = {
        **_of_payment(found),
        gettext("Refund"): amount,
        gettext("Of"): what,
        gettext("What follows"): _consequence(found, effects),
    }
    # Many keyboards have no key for the currency sign.
    code = found.payment.currency.upper()
    typed = f"{plain_amount(asked.amount_minor, found.payment.currency)} {code}"
    words = {"amount": amount}
    return Seen(effects, facts, found.number, _to_type(typed, effects), words)


def _consequence(found: Found, effects: Collection[Effect]) -> str:
    """The effect of the refund by the policy, in a sentence."""
    lost = [one.group for one in effects if one.turn == "loses"]
    if lost:
        return gettext("This ends what was paid for: %(groups)s within minutes.") % {
            "groups": ", ".join(dict.fromkeys(lost))
        }
    if found.line.subscription_id:
        return gettext(
            "The subscription goes on and is charged again. Cancel it too if it should end."
        )
    return gettext("Nobody loses a group because of it.")


def _to_type(amount: str, effects: Collection[Effect]) -> str:
    lost = sum(one.turn == "loses" for one in effects)
    if not lost:
        return gettext("refund %(amount)s") % {"amount": amount}
    return ngettext(
        "refund %(amount)s and end %(num)d membership",
        "refund %(amount)s and end %(num)d memberships",
        lost,
    ) % {"amount": amount, "num": lost}


def _refund(bridge: Bridge, actor: Actor, user_id: int, form: Form) -> str:
    found = _payment(bridge, user_id, form)
    refuse_unless_reviewed(found.number, int(form[TURN]))
    amount_minor, line_id = _amount(found, form), form["line"] or None
    outcome = refunding.refund(bridge, actor, found, amount_minor, line_id, reason=form["reason"])
    return told(outcome, gettext("The money is on its way back."))


# --- subscriptions --------------------------------------------------------------------------------


def _running(bridge: Bridge, user_id: int, form: Form) -> Running:
    asks_stripe("ask")
    return stopping.find_running(bridge, form["subscription"], user_id)


def _choice(act: stopping.Act, form: Form) -> Choice:
    return Choice(act, until_of(form) if "until" in form else None)


def _see(act: stopping.Act, bridge: Bridge, user_id: int, form: Form) -> Seen:
    running, choice = _running(bridge, user_id, form), _choice(act, form)
    effects = stopping.preview(bridge, running, choice)
    after = stopping.as_it_will_be(bridge, running, choice)
    facts = _facts(bridge, act, running.subscription, after)
    words = {"what": _names(bridge, running.subscription)}
    return Seen(effects, facts, running.number, words=words)


def _facts(bridge: Bridge, act: stopping.Act, before: Subscription, after: Subscription) -> Facts:
    period_ends_at = max(item.period_end_at for item in before.items)
    day = f"{period_ends_at:%-d %B %Y}"
    until = after.pause_resumes_at
    says = {
        "cancelled": gettext("It ends on %(day)s. Nothing is charged after that.") % {"day": day},
        "kept": gettext("It renews on %(day)s, as before.") % {"day": day},
        "paused": (
            gettext("Nothing is charged until %(day)s.") % {"day": f"{until:%-d %B %Y}"}
            if until
            else gettext("Nothing is charged until somebody resumes it.")
        ),
        "resumed": gettext("Charging resumes, next on %(day)s.") % {"day": day},
    }
    return {
        gettext("Subscription"): f"{_names(bridge, before)} ({before.id})",
        gettext("What follows"): says[act],
    }


def _names(bridge: Bridge, one: Subscription) -> str:
    with bridge.store.read() as connection:
        name_of = bridge.rulebook.law(connection).catalogue.name_of
    return ", ".join(dict.fromkeys(name_of(item.product_id) for item in one.items))


def _stop(act: stopping.Act, bridge: Bridge, actor: Actor, user_id: int, form: Form) -> str:
    running = _running(bridge, user_id, form)
    refuse_unless_reviewed(running.number, int(form[TURN]))
    outcome = stopping.do(bridge, actor, running, _choice(act, form), reason=form["reason"])
    done = {
        "cancelled": gettext("It ends when the paid period ends."),
        "kept": gettext("It is no longer cancelled."),
        "paused": gettext("It is paused."),
        "resumed": gettext("Charging resumes."),
    }
    return told(outcome, done[act])


def _stopping(
    name: str, act: stopping.Act, title: str, does: str, *, fields: tuple[str, ...] = ()
) -> Act:
    return Act(
        name,
        title,
        does,
        ("subscription", *fields, "reason"),
        "decide",
        _nothing,
        lambda bridge, actor, user_id, form: _stop(act, bridge, actor, user_id, form),
        given=("subscription",),
        see=lambda bridge, user_id, form: _see(act, bridge, user_id, form),
    )


# --- another plan ---------------------------------------------------------------------------------


def _plans(bridge: Bridge, user_id: int, form: Form) -> Ground:
    found = changing.choices(bridge, user_id, form["subscription"] or None)
    if not found:
        raise Permanent(
            gettext(
                "there is nothing that it can be changed to: no other step of the ladder is on "
                "sale, or a payment is open"
            )
        )
    plan = _namer(bridge)
    now = {gettext("Now"): ", ".join(dict.fromkeys(plan(one.current) for one in found))}
    return Ground(now, {"price": {one.target.id: plan(one.target) for one in found}})


def _namer(bridge: Bridge) -> Callable[[Price], str]:
    """Names a plan by its product and price."""
    with bridge.store.read() as connection:
        name_of = bridge.rulebook.law(connection).catalogue.name_of
    return lambda price: f"{name_of(price.product_id)}, {price_words(price, LOCALE)}"


def _see_plan(bridge: Bridge, user_id: int, form: Form) -> Seen:
    asks_stripe("ask")
    switch = changing.find_switch(bridge, user_id, form["price"], form["subscription"] or None)
    plan = _namer(bridge)
    number = changing.turn_of(bridge, user_id, switch)
    preview = changing.preview_change(bridge, switch)
    facts = {
        gettext("From"): plan(switch.current),
        gettext("To"): plan(switch.target),
        gettext("Due now"): format_minor(preview.due_minor, preview.currency),
        gettext("Credited"): (
            format_minor(-preview.total_minor, preview.currency) if preview.total_minor < 0 else ""
        ),
        gettext("What follows"): gettext(
            "Stripe bills the difference now. If that payment fails, nothing changes until it is "
            "paid."
        ),
    }
    words = {"what": plan(switch.target)}
    return Seen(changing.preview_groups(bridge, user_id, switch), facts, number, words=words)


def _change_plan(bridge: Bridge, actor: Actor, user_id: int, form: Form) -> str:
    asks_stripe("ask")
    switch = changing.find_switch(bridge, user_id, form["price"], form["subscription"] or None)
    done = changing.change(
        bridge, actor, user_id, switch, number=int(form[TURN]), reason=form["reason"]
    )
    if done is None:
        return told("later", "")
    if done.is_pending:
        return gettext("The difference is not paid yet. Nothing changes until it is.")
    return gettext("The plan is changed. The groups follow within moments.")


# --- the statement --------------------------------------------------------------------------------


def _see_statement(bridge: Bridge, user_id: int, _form: Form) -> Seen:
    says = {
        "first": gettext("They get their statement as a private message."),
        "again": gettext("They get it once more, as a new answer in the same private message."),
    }
    facts = {gettext("What follows"): says[statements.preview_sending(bridge, user_id)]}
    return Seen((), facts)


def _send_statement(bridge: Bridge, actor: Actor, user_id: int, _form: Form) -> str:
    statements.send(bridge, actor, user_id)
    return gettext("The statement is on its way.")


ABOUT_PAYING: tuple[Act, ...] = (
    Act(
        "refund",
        gettext("Refund"),
        gettext("Refund %(amount)s to %(who)s"),
        ("payment", "line", "amount", "reason"),
        "refund",
        _nothing,
        _refund,
        given=("payment",),
        optional=("line", "amount"),
        choosing=("line",),
        ground=_ground_of_refund,
        see=_see_refund,
    ),
    _stopping(
        "cancel",
        "cancelled",
        gettext("Cancel at the end of the period"),
        gettext("Cancel %(what)s of %(who)s"),
    ),
    Act(
        "change-plan",
        gettext("Change the plan"),
        gettext("Change %(who)s to %(what)s"),
        ("subscription", "price", "reason"),
        "decide",
        _nothing,
        _change_plan,
        given=("subscription",),
        optional=("subscription",),
        choosing=("subscription", "price"),
        ground=_plans,
        see=_see_plan,
    ),
    Act(
        "statement",
        gettext("Send the statement"),
        gettext("Send it to %(who)s"),
        (),
        "money",
        _nothing,
        _send_statement,
        see=_see_statement,
    ),
    _stopping(
        "uncancel", "kept", gettext("Keep it after all"), gettext("Keep %(what)s of %(who)s")
    ),
    _stopping(
        "pause",
        "paused",
        gettext("Pause payments"),
        gettext("Pause %(what)s of %(who)s"),
        fields=("until",),
    ),
    _stopping(
        "resume", "resumed", gettext("Resume payments"), gettext("Resume %(what)s of %(who)s")
    ),
)
