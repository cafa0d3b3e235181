"""Undoing a line of the log in the console: what it was, about whom, and what undoing brings."""

from __future__ import annotations

from collections.abc import Callable

from bridge.answers.undone import Fate, fates
from bridge.core.ledger.amounts import format_minor
from bridge.core.model.actor import Actor
from bridge.core.model.change import Change
from bridge.core.model.people import id_in
from bridge.core.telling.doers import doer
from bridge.core.telling.log import line_words
from bridge.core.telling.outcomes import said
from bridge.core.telling.undone import STOPPING, concerned, never
from bridge.core.telling.words import named
from bridge.errors import Permanent
from bridge.operations import undoing
from bridge.operations.undoing import Reverse, may_undo
from bridge.store import Connection, changes, doers, groups, money
from bridge.texts import gettext
from bridge.web.context import reader
from bridge.web.limiting import asks_stripe
from bridge.web.moderate import about
from bridge.web.moderate.access import needs_another, refuse_own_account, rights
from bridge.web.moderate.act import Act, Facts, Form, Ground, Seen, Words
from bridge.web.security import Stop
from bridge.wiring import Bridge

ASKS_STRIPE = (*STOPPING, "mapping_changed", "unlinked")
"""Lines whose reverse is previewed from what Stripe says now."""


def undoable() -> Callable[[Change], bool] | None:
    """Tells which lines of the log the reader may undo; None for who only looks."""
    known = reader()
    if known is None or not rights() & {"decide", "money"}:
        return None
    theirs, user_id = rights(), known.user_id

    def may(change: Change) -> bool:
        barred = any(needs_another(one) for one in concerned(change))
        return not barred and may_undo(theirs, user_id, change)

    return may


def _number(form: Form) -> int:
    number = id_in(form["change"].strip())
    if number is None:
        raise Permanent(gettext("choose a line of the log"))
    return number


def _whose(bridge: Bridge, form: Form) -> int:
    """The person whom the line is about; 0 for a line about nobody."""
    try:
        number = _number(form)
    except Permanent:
        return 0
    with bridge.store.read() as connection:
        change = changes.find(connection, number)
    return (change.user_id if change else None) or 0


def _reverse(bridge: Bridge, form: Form) -> Reverse:
    """The act that undoes a line. Without the right to decide, only for one's own payments."""
    number, known = _number(form), reader()
    with bridge.store.read() as connection:
        change = changes.find(connection, number)
        fate = fates(connection, [change], bridge.clock.now()).get(number) if change else None
    if change is not None and (refusal := never(change)):
        raise Permanent(refusal)
    if change is not None and (known is None or not may_undo(rights(), known.user_id, change)):
        raise Stop(
            403,
            gettext("Your role can’t undo this"),
            gettext("You can undo payments that you recorded yourself."),
        )
    if fate is not None and fate.over is not None:
        raise Permanent(_is_over(fate, fate.over))
    for user_id in concerned(change) if change is not None else ():
        refuse_own_account(user_id)
    if change is not None and change.action == "set_aside" and change.customer_id:
        about.refuse_own_claim(bridge, change.customer_id)
    if change is not None and change.action in ASKS_STRIPE:
        asks_stripe("ask")
    return undoing.reverse_of(bridge, number)


def _is_over(fate: Fate, over: Change) -> str:
    words = (
        gettext("it was undone on %(day)s already, by line %(line)d of the log")
        if fate.is_undone
        else gettext("it was changed again on %(day)s, by line %(line)d of the log")
    )
    return words % {"day": f"{over.at:%-d %B %Y}", "line": over.id}


def _told(bridge: Bridge, change: Change) -> Facts:
    with bridge.store.read() as connection:
        concerned = {change.user_id} if change.user_id is not None else set()
        names = doers.names_of(connection, [change.cause], concerned)
        group = groups.names_of_all(connection).get(change.group_id or 0)
        amount = _amount(connection, change)
    words = said(change)
    return {
        gettext("What is undone"): line_words(change),
        gettext("Person"): (
            named(change.user_id, names.get(change.user_id)) if change.user_id else ""
        ),
        gettext("Group"): group or "",
        gettext("Amount"): "" if amount in words.words else amount,
        gettext("Customer"): change.customer_id or "",
        gettext("Subscription"): str((change.detail or {}).get("subscription") or ""),
        gettext("About"): words.words,
        gettext("Decided"): f"{change.at:%-d %B %Y, %H:%M} UTC",
        gettext("By"): doer(change.cause, names).words,
        gettext("Reason then"): words.reason,
    }


def _amount(connection: Connection, change: Change) -> str:
    """The money of a payment that somebody recorded by hand."""
    line_id = (change.detail or {}).get("line")
    line = money.line(connection, line_id) if isinstance(line_id, str) else None
    return format_minor(line.amount_minor, line.currency) if line else ""


def _words(bridge: Bridge, change: Change) -> Words:
    what = line_words(change)
    if change.user_id is None:
        thing = change.customer_id or (change.detail or {}).get("thing")
        return {"undo": gettext("Undo “%(what)s” of %(thing)s") % {"what": what, "thing": thing}}
    who = about.person(bridge, change.user_id)
    return {"undo": gettext("Undo “%(what)s” for %(who)s") % {"what": what, "who": who}}


def _before(bridge: Bridge, _user_id: int, form: Form) -> Ground:
    """What is undone. What is known to be impossible is refused before anybody gives a reason."""
    found = _reverse(bridge, form)
    found.preview()
    return Ground(_told(bridge, found.change))


def _see(bridge: Bridge, _user_id: int, form: Form) -> Seen:
    found = _reverse(bridge, form)
    effects, change = found.preview(), found.change
    return Seen(effects, _told(bridge, change), words=_words(bridge, change))


def _undo(bridge: Bridge, actor: Actor, _user_id: int, form: Form) -> str:
    found = _reverse(bridge, form)
    found.do(actor, form["reason"])
    return gettext("It is undone; the log keeps both lines.")


UNDO = Act(
    "undo",
    gettext("Undo a change"),
    "%(undo)s",
    ("change", "reason"),
    "money",
    lambda _bridge, _user_id, _form: (),
    _undo,
    given=("change",),
    ground=_before,
    see=_see,
    whose=_whose,
    page="moderate.log",
)
