"""A member's own page: the statement, and the way to Stripe's pages for cards and cancelling."""

from __future__ import annotations

from dataclasses import dataclass

from flask import Blueprint, redirect, render_template, request
from sqlalchemy import Connection
from werkzeug.wrappers import Response as AnyResponse

from bridge.core.model.rights import Facts
from bridge.core.model.stripe import Price, Subscription
from bridge.core.rights.switching import OVER
from bridge.core.telling import statement as core
from bridge.operations import changing
from bridge.statement_input import statement_input
from bridge.store import catalogue
from bridge.store import facts as readings
from bridge.store import web as store
from bridge.web.context import absolute, reader, the_bridge
from bridge.web.limiting import limited
from bridge.web.login import ask_for_login
from bridge.web.security import Stop

blueprint = Blueprint("me", __name__)
# A page of five thousand lines is read by nobody and slow on a phone.
MOST_LINES = 500


@dataclass(frozen=True, slots=True)
class Customer:
    """One of the member's customers, told by what they pay for."""

    id: str
    words: str


@blueprint.get("/me")
def statement() -> AnyResponse | str:
    """The signed-in member's statement, from what is stored; nobody else's can be asked for."""
    known = reader()
    if known is None:
        return ask_for_login()
    with the_bridge().store.read() as connection:
        given = statement_input(the_bridge(), connection, known.user_id)
        facts, _ = readings.facts_of(connection, known.user_id)
        running = [one for one in facts.paid_by_user if one.status not in OVER]
        customers = _customers(connection, known.user_id, running)
        changes = _changes(connection, facts)
    return render_template(
        "me.jinja",
        statement=core.fold(core.build(given), MOST_LINES),
        customers=customers,
        customer_of={one.id: one.customer_id for one in running},
        changes=changes,
    )


@blueprint.post("/me/billing")
def billing() -> AnyResponse:
    """Lead to Stripe's page for one's own customer: cards, invoices, cancelling."""
    known = reader()
    if known is None:
        return ask_for_login()
    limited("pay")
    with the_bridge().store.read() as connection:
        own = store.live_customers_of(connection, known.user_id)
    wanted = request.form.get("customer") or (own[0] if own else "")
    if wanted not in own:
        raise Stop(403, "This is not yours to change", "It belongs to another member.")
    return redirect(the_bridge().stripe.portal(wanted, absolute("me.statement")), 303)


def _changes(connection: Connection, facts: Facts) -> dict[str, list[tuple[str, Price]]]:
    """What the member may change: name of what they have -> names and prices to change to.

    Prices in another currency are bought anew, by their own links.
    """
    names = {product.id: product.name for product in catalogue.load(connection)[0]}
    found: dict[str, list[tuple[str, Price]]] = {}
    for switch in changing.switches_of(the_bridge(), connection, facts):
        if switch.way != "mend" and switch.is_same_currency:
            target = names[switch.target.product_id], switch.target
            found.setdefault(names.get(switch.item.product_id, "membership"), []).append(target)
    return found


def _customers(connection: Connection, user_id: int, running: list[Subscription]) -> list[Customer]:
    """The customers at Stripe that have something to change, the one last used first."""
    names = {product.id: product.name for product in catalogue.load(connection)[0]}
    bought: dict[str, set[str]] = {}
    for subscription in running:
        of_customer = bought.setdefault(subscription.customer_id, set())
        of_customer |= {names.get(item.product_id, "membership") for item in subscription.items}
    live = store.live_customers_of(connection, user_id)
    paying = [Customer(one, ", ".join(sorted(bought[one]))) for one in live if one in bought]
    return paying or [Customer(one, "earlier payments") for one in live[:1]]
