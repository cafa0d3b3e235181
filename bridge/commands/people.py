"""Who is who: which customer is which forum user, and which account replaced another."""

from __future__ import annotations

from datetime import timedelta

import click
from rich.console import Console
from rich.markup import escape

from bridge.answers.unlinked import unlinked
from bridge.commands.common import as_json, ready_bridge, show
from bridge.commands.deciding import (
    How,
    actor_of,
    by,
    by_or_operator,
    look_now,
    previewed,
    why,
    why_if,
)
from bridge.commands.words import day
from bridge.core.signed.reference import GIVING, sign_gift
from bridge.core.telling.payer_facts import status_words
from bridge.operations import accounts, links
from bridge.operations.finding import find_known_id, find_person, find_user_id
from bridge.store import work
from bridge.wiring import Bridge


@click.command()
@click.argument("customer", required=False)
@click.argument("user", required=False)
@why_if(lambda params: params.get("user") and not params.get("preview"))
@by_or_operator
@previewed
def link(
    customer: str | None,
    user: str | None,
    *,
    by: str | None,
    reason: str | None,
    how: How,
) -> None:
    """Link CUSTOMER at Stripe (cus_…, or the order cs_… of a guest) to USER on the forum.

    Without arguments: list the customers who are linked to nobody, each with a link to claim it.
    """
    if (customer is None) != (user is None):
        raise click.UsageError("Give a customer and a user, or neither to list what is not linked.")
    with ready_bridge() as bridge:
        if customer is None or user is None:
            _show_orphans(bridge, as_json=how.as_json)
            return
        actor, user_id = actor_of(bridge, by), find_user_id(bridge, user)
        if not how.goes_ahead(lambda: links.preview_link(bridge, customer, user_id)):
            return
        done = links.link(bridge, actor, customer, user_id, reason=reason)
        look_now(bridge, customer)
    is_new = "is now" if done.is_new else "was already"
    show(
        {"customer": customer, "user_id": user_id, "is_new": done.is_new},
        as_json=how.as_json,
        for_people=lambda console: console.print(
            f"{customer} {is_new} linked to {done.user.username} (user {user_id}). "
            f"`bridge explain id:{user_id}` shows what follows."
        ),
    )


def _show_orphans(bridge: Bridge, *, as_json: bool) -> None:
    found = unlinked(bridge)

    def for_people(console: Console) -> None:
        for one in found:
            console.print(f"{one.customer_id}, seen since {day(one.first_seen_at)}: {one.page}")
            for bought in one.bought:
                words = (
                    bought.product,
                    bought.amount,
                    day(bought.paid_at),
                    status_words(bought.status),
                )
                console.print(f"  {escape(', '.join(filter(None, words)))}")
            if one.claim:
                console.print(f"  to claim it: {one.claim}")
            for user_id, _ in one.asked_by:
                console.print(f"  claimed by user {user_id}, to whom it is not sold")
        if not found:
            console.print("Every known customer is linked to a user.")

    show(found, as_json=as_json, for_people=for_people)


@click.command()
@click.argument("customer")
@why
@by_or_operator
@previewed
def unlink(customer: str, *, by: str | None, reason: str | None, how: How) -> None:
    """Unlink CUSTOMER: what they paid for no longer counts for that user."""
    with ready_bridge() as bridge:
        actor = actor_of(bridge, by)
        if not how.goes_ahead(lambda: links.preview_unlink(bridge, customer)):
            return
        was = links.unlink(bridge, actor, customer, reason=reason)
        look_now(bridge, work.user_key(was.user_id))
    show(
        {"customer": customer, "was_user_id": was.user_id},
        as_json=how.as_json,
        for_people=lambda console: console.print(
            f"{customer} is no longer linked to user {was.user_id}."
        ),
    )


@click.command()
@click.argument("from_user")
@click.argument("to_user")
@why
@by
@previewed
def relink(from_user: str, to_user: str, *, by: str, reason: str | None, how: How) -> None:
    """Move everything from the account FROM_USER (such as id:12) to the account TO_USER.

    Use it after accounts were merged, or when somebody returns with a new account. It moves
    customers, payments, grants and seats. It is never done automatically, nor by e-mail address.
    """
    with ready_bridge() as bridge:
        actor = actor_of(bridge, by)
        from_id, to_id = find_user_id(bridge, from_user), find_person(bridge, to_user).id
        if not how.goes_ahead(lambda: accounts.preview_relink(bridge, from_id, to_id)):
            return
        moved = accounts.relink(bridge, actor, from_id, to_id, reason=reason)
        look_now(bridge, work.user_key(to_id))
        look_now(bridge, work.user_key(from_id))
    show(
        {"from": from_id, "to": to_id, "customers": moved.customers, "grants": moved.grants},
        as_json=how.as_json,
        for_people=lambda console: console.print(
            f"{len(moved.customers)} customers and {len(moved.grants)} grants of user {from_id} "
            f"now belong to user {to_id}. `bridge explain id:{to_id}` shows what follows."
        ),
    )


@click.command()
@click.argument("user")
@why
@by
@previewed
def unrelink(user: str, *, by: str, reason: str | None, how: How) -> None:
    """Undo `bridge relink`: return to USER (such as id:12) what went to another account."""
    with ready_bridge() as bridge:
        actor, user_id = actor_of(bridge, by), find_user_id(bridge, user)
        if not how.goes_ahead(lambda: accounts.preview_unrelink(bridge, user_id)):
            return
        done = accounts.unrelink(bridge, actor, user_id, reason=reason)
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
        as_json=how.as_json,
        for_people=lambda console: console.print(
            f"{len(moved.customers)} customers and {len(moved.grants)} grants belong to user "
            f"{user_id} again, and no longer to user {done.from_id}."
        ),
    )


@click.command()
@click.argument("user")
@click.option(
    "--days",
    type=click.IntRange(1, 3650),
    default=GIVING.days,
    show_default=True,
    help="How long it is valid for new purchases. Gifts bought with it stay gifts.",
)
@as_json
def reference(user: str, *, days: int, as_json: bool) -> None:
    """Print a signed reference that makes a purchase a gift to USER.

    Put it in Stripe's metadata as `bridge_beneficiary` of a subscription or a Checkout Session. It
    does not link the buyer's customer to USER.
    """
    with ready_bridge() as bridge:
        user_id = find_known_id(bridge, user)
        text = sign_gift(
            user_id, bridge.clock.now(), bridge.settings.secret_key, timedelta(days=days)
        )
    show(
        {"user_id": user_id, "reference": text},
        as_json=as_json,
        for_people=lambda console: console.print(text),
    )
