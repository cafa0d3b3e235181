"""A treasurer's acts on a person's ledger: notes on its lines."""

from __future__ import annotations

from bridge.core.ledger.amounts import format_minor
from bridge.core.model.actor import Actor
from bridge.errors import NotFound
from bridge.operations import ledger_notes
from bridge.store import ledger
from bridge.texts import gettext
from bridge.web.moderate.act import Act, Facts, Form
from bridge.wiring import Bridge


def _booked(bridge: Bridge, user_id: int, form: Form) -> Facts:
    with bridge.store.read() as connection:
        line = ledger.line_of_user(connection, user_id, form["booked"])
    if line is None:
        raise NotFound(gettext("this line is not in the ledger, or is about somebody else"))
    return {
        gettext("Line of the ledger"): line.id,
        gettext("Day"): f"{line.at:%-d %B %Y}",
        gettext("Account"): line.account,
        gettext("Amount"): format_minor(line.amount_minor, line.currency),
        gettext("For"): line.what,
    }


def _note(bridge: Bridge, actor: Actor, user_id: int, form: Form) -> str:
    ledger_notes.add_note(bridge, actor, user_id, form["booked"], form["note"])
    return gettext("The note has been added to the line.")


ABOUT_MONEY: tuple[Act, ...] = (
    Act(
        "note",
        gettext("Write a note on a line"),
        gettext("Add the note about %(who)s"),
        ("booked", "note"),
        "money",
        lambda _bridge, _user_id, _form: (),
        _note,
        given=("booked",),
        facts=_booked,
    ),
)
