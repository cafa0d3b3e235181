"""Whose is which customer, and which account followed which."""

from __future__ import annotations

from datetime import timedelta

import click
from rich.console import Console
from rich.markup import escape

from bridge.answers.unlinked import unlinked
from bridge.commands.common import as_json, day, ready_bridge, show
from bridge.commands.deciding import (
    How,
    actor_of,
    by,
    by_or_operator,
    look_now,
    previewed,
)
from bridge.core.signed.reference import GIVING, sign_gift
from bridge.operations import accounts, links
from bridge.operations.finding import find_person, find_user_id
from bridge.store import work
from bridge.wiring import Bridge


@click.command()
@click.argument("customer", required=False)
@click.argument("user", required=False)
@by_or_operator
@previewed
def link(
    customer: str | None,
    user: str | None,
    *,
    by: str | None,
    how: How,
) -> None:
    """Say that CUSTOMER (cus_…, or a guest's order cs_…) is the forum's USER.

    Without arguments: list those whom nobody is linked to, with the link to claim it for the payer.
    """
    if (customer is None) != (user is None):
        raise click.UsageError("Name a customer and a user, or neither to list who has none.")
    with ready_bridge() as bridge:
        if customer is None or user is None:
            _show_orphans(bridge, as_json=how.as_json)
            return
        actor, user_id = actor_of(bridge, by), find_user_id(bridge, user)
        if not how.goes_ahead(lambda: links.preview_link(bridge, customer, user_id)):
            return
        done = links.link(bridge, actor, customer, user_id)
        look_now(bridge, customer)
    is_new = "is" if done.is_new else "was already"
    show(
        {"customer": customer, "user_id": user_id, "is_new": done.is_new},
        as_json=how.as_json,
        for_people=lambda console: console.print(
            f"{customer} {is_new} linked to {done.user.username} (user {user_id}). "
            f"`bridge explain id:{user_id}` tells what follows."
        ),
    )


def _show_orphans(bridge: Bridge, *, as_json: bool) -> None:
    found = unlinked(bridge)

    def for_people(console: Console) -> None:
        for one in found:
            console.print(f"{one.customer_id}, seen since {day(one.first_seen_at)}: {one.page}")
            for bought in one.bought:
                words = (bought.product, bought.amount, day(bought.paid_at), bought.status)
                console.print(f"  {escape(', '.join(filter(None, words)))}")
            if one.claim:
                console.print(f"  to claim it: {one.claim}")
        if not found:
            console.print("Every customer that is known has a user.")

    show(found, as_json=as_json, for_people=for_people)


@click.command()
@click.argument("customer")
@by_or_operator
@previewed
def unlink(customer: str, *, by: str | None, how: How) -> None:
    """Undo the link of CUSTOMER; what they paid for no longer counts for that user."""
    with ready_bridge() as bridge:
        actor = actor_of(bridge, by)
        if not how.goes_ahead(lambda: links.preview_unlink(bridge, customer)):
            return
        was = links.unlink(bridge, actor, customer)
        look_now(bridge, work.user_key(was.user_id))
    show(
        {"customer": customer, "was_user_id": was.user_id},
        as_json=how.as_json,
        for_people=lambda console: console.print(
            f"{customer} was linked to user {was.user_id} and is linked to nobody now."
        ),
    )


@click.command()
@click.argument("from_user")
@click.argument("to_user")
@by
@as_json
def relink(from_user: str, to_user: str, *, by: str, as_json: bool) -> None:
    """Give everything of the account FROM_USER, as id:12, to the account TO_USER.

    After accounts were merged, or when somebody came back with a new one: customers, payments,
    grants and seats. Never done automatically, and never by an e-mail address.
    """
    with ready_bridge() as bridge:
        actor = actor_of(bridge, by)
        from_id, to_id = find_user_id(bridge, from_user), find_person(bridge, to_user).id
        moved = accounts.relink(bridge, actor, from_id, to_id)
        look_now(bridge, work.user_key(to_id))
        look_now(bridge, work.user_key(from_id))
    show(
        {"from": from_id, "to": to_id, "customers": moved.customers, "grants": moved.grants},
        as_json=as_json,
        for_people=lambda console: console.print(
            f"{len(moved.customers)} customers and {len(moved.grants)} grants of user {from_id} "
            f"are user {to_id}'s now. `bridge explain id:{to_id}` tells what follows."
        ),
    )


@click.command()
@click.argument("user")
@by
@as_json
def unrelink(user: str, *, by: str, as_json: bool) -> None:
    """Undo `bridge relink`: give back to USER, as id:12, what went to another account."""
    with ready_bridge() as bridge:
        actor, user_id = actor_of(bridge, by), find_user_id(bridge, user)
        done = accounts.unrelink(bridge, actor, user_id)
        look_now(bridge, work.user_key(user_id))
        look_now(bridge, work.user_key(done.from_id))
    moved = done.moved
    show(
        {
            "user_id": user_id,
            "from": done.from_id,
            "customers": moved.customers,
            "grants": moved.grants,
        },
        as_json=as_json,
        for_people=lambda console: console.print(
            f"{len(moved.customers)} customers and {len(moved.grants)} grants are user {user_id}'s "
            f"again, and no longer user {done.from_id}'s."
        ),
    )


@click.command()
@click.argument("user")
@click.option(
    "--days",
    type=click.IntRange(1, 3650),
    default=GIVING.days,
    show_default=True,
    help="How long new purchases may use it. What was bought with it stays a gift.",
)
@as_json
def reference(user: str, *, days: int, as_json: bool) -> None:
    """Print the signed word that something is given to USER, to stand in Stripe's metadata.

    As `bridge_beneficiary` of a subscription or of a Checkout Session it makes that a gift to them.
    It links nobody's customer to them.
    """
    with ready_bridge() as bridge:
        user_id = find_user_id(bridge, user)
        text = sign_gift(
            user_id, bridge.clock.now(), bridge.settings.secret_key, timedelta(days=days)
        )
    show(
        {"user_id": user_id, "reference": text},
        as_json=as_json,
        for_people=lambda console: console.print(text),
    )
