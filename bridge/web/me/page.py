"""A member's own page: the statement, and links to Stripe's pages for cards and cancelling."""

from __future__ import annotations

from flask import Blueprint, redirect, render_template, request
from werkzeug.wrappers import Response as AnyResponse

from bridge.core.memberships.member import payers
from bridge.core.telling import statement as core
from bridge.core.telling.of_member import statement_input
from bridge.core.telling.renewals import renewables
from bridge.core.telling.subscription_cards import subscription_cards
from bridge.store import links
from bridge.store import member as members
from bridge.web.buying.ownership import owned
from bridge.web.context import absolute, law_in_force, now, reader, the_bridge
from bridge.web.limiting import asks_stripe
from bridge.web.login import ask_for_login
from bridge.web.me.seats import is_shared

blueprint = Blueprint("me", __name__)
# Nobody reads a page of five thousand lines, and it is slow on a phone.
MOST_LINES = 500


@blueprint.get("/me")
def statement() -> AnyResponse | str:
    """The signed-in member's own statement, from stored data."""
    known = reader()
    if known is None:
        return ask_for_login()
    with the_bridge().store.read() as connection:
        member = members.load(connection, known.user_id, with_money=True)
        law = law_in_force(connection)
    given = statement_input(member, law, the_bridge().addresses, now())
    return render_template(
        "me.jinja",
        statement=core.fold(core.build(given), MOST_LINES),
        customers=payers(member, law.catalogue),
        has_given=bool(member.facts.given or member.facts.given_purchases),
        has_seats=bool(member.facts.seats) or any(map(is_shared, member.facts.paid_by_user)),
        cards=subscription_cards(member, law, given, now()),
        renewables=renewables(member, law, given, now()),
        late=request.args.get("late") == "yes",
    )


@blueprint.post("/me/billing")
def billing() -> AnyResponse:
    """Lead to Stripe's page for the reader's own customer: cards, invoices, cancelling."""
    known = reader()
    if known is None:
        return ask_for_login()
    asks_stripe()
    with the_bridge().store.read() as connection:
        own = links.live_customers_of(connection, known.user_id)
    wanted = request.form.get("customer") or next(iter(own), "")
    owned(known, wanted)
    return redirect(the_bridge().stripe.portal(wanted, absolute("own.back")), 303)
