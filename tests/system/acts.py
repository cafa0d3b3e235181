"""Acts of people in the outside world, and what is visible there."""

from __future__ import annotations

import html
import re
from typing import Any

import requests
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select
from werkzeug.test import TestResponse

from bridge.core.model.actor import operator
from bridge.core.signed.reference import sign_buyer
from bridge.operations import grants
from bridge.sandbox.discourse.cooked import cook
from bridge.sandbox.discourse.membership import add_member, remove_member
from bridge.sandbox.discourse.state import Post, User
from bridge.sandbox.stripe.account import Account, account_of
from bridge.store.schema.forum import changes, memberships
from bridge.store.schema.work import inbox
from bridge.web import create_app
from bridge.worker import orders
from tests.harness import SECRET_KEY, System


def account(world: System) -> Account:
    return account_of(world.sandbox.world)


def checkout(
    world: System,
    user: str | None,
    price: str,
    *,
    mode: str = "subscription",
    card: str = "pm_card_visa",
    email: str = "somebody@example.com",
    **more: Any,
) -> Any:
    """Buy through a Checkout Session that carries the user's reference; the session afterwards."""
    reference = sign_buyer(world.user(user), world.bridge.clock.now(), SECRET_KEY) if user else None
    what: dict[str, Any] = {
        "mode": mode,
        "line_items": [{"price": price, "quantity": 1}],
        "success_url": "http://localhost/thanks",
        **({"client_reference_id": reference} if reference else {}),
        **({"customer_creation": "always"} if mode == "payment" and "customer" not in more else {}),
        **more,
    }
    session = world.sdk.v1.checkout.sessions.create(what)  # type: ignore[arg-type] # a dict of its fields
    answer = requests.post(
        f"{world.sandbox.info['stripe_url']}/c/pay/{session.id}",
        data={"token": card, "email": email},
        allow_redirects=False,
        timeout=10,
    )
    assert answer.status_code in {200, 303}, answer.text[:300]
    return world.sdk.v1.checkout.sessions.retrieve(session.id)


def pay_open_invoices(world: System, customer: str) -> None:
    """Pay open invoices with a card that works again."""
    for invoice in world.sdk.v1.invoices.list({"customer": customer, "status": "open"}).data:
        world.sdk.v1.invoices.pay(invoice.id)


def assert_nothing_is_read_again(world: System) -> None:
    """Read all orders once more: the lists are read, and nothing because of them."""
    before = world.mark()
    orders.read_all(world.bridge)
    world.settle()
    asked = [call.path for call in world.calls("stripe", before)]
    lists = ["checkout/sessions", "invoices", "refunds", "disputes"]
    assert [path for path in asked if "events" not in path] == [f"/v1/{one}" for one in lists]


def pass_days(world: System, days: float) -> None:
    """Let days pass, one at a time, as they do for the processes."""
    while days > 0:
        step = min(days, 1.0)
        world.advance(step * 86_400)
        world.settle()
        days -= step


def pass_quiet_days(world: System, days: float) -> None:
    """Let days pass in which nothing happens: all but the last at once."""
    world.advance((days - 1) * 86_400)
    pass_days(world, 1)


def pass_period(world: System, subscription_id: str) -> None:
    """Let time pass until the subscription renews and its draft invoice is tried, an hour later."""
    items = world.sdk.v1.subscriptions.retrieve(subscription_id)["items"].data
    world.advance(items[0].current_period_end - world.sandbox.world.clock.now() + 3700)


def confirm(world: System) -> None:
    """Let everything settle, a confirm window pass, and settle again."""
    world.settle()
    world.advance(61)
    world.settle()


def moves(world: System, user: str, group: str) -> list[str]:
    """Every coming and going of somebody in a group, by the forum's own record."""
    forum = world.sandbox.forum
    return [
        "in" if change.added else "out"
        for change in forum.membership_log
        if (change.user_id, change.group_id) == (world.user(user), world.group(group))
    ]


def forum_user(world: System, name: str) -> User:
    forum = world.sandbox.forum
    return forum.users[world.user(name)]


def staff_member(world: System) -> User:
    forum = world.sandbox.forum
    return next(user for user in forum.users.values() if user.admin and user.username != "system")


def staff(world: System, name: str = "moderator") -> User:
    """A member of staff who is not the bridge's own user."""
    person = forum_user(world, name)
    person.moderator = True
    return person


def app_of(world: System) -> Flask:
    """The bridge's pages, whose forms need no token."""
    app = create_app(world.bridge)
    app.config["WTF_CSRF_ENABLED"] = False
    return app


def give_guests(world: System, *names: str) -> None:
    """Give each a group of guests by hand, beside what they pay for."""
    world.group("guests")
    world.settle()
    for name in names:
        user_id = world.user(name)
        grants.grant(
            world.bridge, operator("root"), user_id, "guests", until_at=None, reason="Guest"
        )
    confirm(world)


def console_of(world: System, name: str = "mia") -> FlaskClient:
    """A moderator's browser, signed in; its forms need no token."""
    return moderator(app_of(world), world, name, "moderator")


def moderator(app: Flask, world: System, name: str, role: str = "administrator") -> FlaskClient:
    """Somebody of the staff, signed in; each person may ask Stripe some times a minute."""
    person = staff(world, name)
    client = app.test_client()
    with client.session_transaction() as session:
        session["user_id"], session["username"] = person.id, person.username
        session["role"] = role
        session["signed_in_at"] = world.bridge.clock.now().isoformat()
    return client


def do(client: FlaskClient, path: str, **fields: str) -> TestResponse:
    """Do an act of the console after its preview was seen; the answer."""
    seen = client.post(path, data=fields)
    reviewed = re.search(r'name="reviewed" value="(\w+)"', seen.text)
    assert reviewed, words(seen.text)
    return client.post(path, data={**fields, "reviewed": reviewed[1]})


def staff_add(world: System, group: str, user: str) -> None:
    forum, now = world.sandbox.forum, world.sandbox.world.clock.now()
    found = forum.groups[world.group(group)]
    add_member(forum, found, forum_user(world, user), staff(world), now)


def staff_remove(world: System, group: str, user: str) -> None:
    forum, now = world.sandbox.forum, world.sandbox.world.clock.now()
    found = forum.groups[world.group(group)]
    remove_member(forum, found, forum_user(world, user), staff(world), now)


def messages_to(world: System, user: str) -> list[list[Post]]:
    """The private messages that somebody can read, each as its posts."""
    forum = world.sandbox.forum
    found = [t for t in forum.topics.values() if world.user(user) in t.allowed_user_ids]
    return [[forum.posts[post_id] for post_id in topic.post_ids] for topic in found]


def page_of(world: System, user: str) -> str:
    """The text of a member's own page."""
    browser = create_app(world.bridge).test_client()
    with browser.session_transaction() as session:
        session["user_id"], session["username"] = world.user(user), user
        session["signed_in_at"] = world.bridge.clock.now().isoformat()
    answer = browser.get("/me")
    assert answer.status_code == 200
    return words(answer.text.partition('<main id="main">')[2])


def message_to(world: System, user: str) -> str:
    """The text of a member's statement, as the forum shows it."""
    (posts,) = messages_to(world, user)
    return words(cook(posts[0].raw))


def words(page: str) -> str:
    """The text of a page, a row of a table on one line."""
    rows = re.sub(r"</(?:tr|p|h\d|summary)>", "\n", re.sub(r"\s+", " ", page))
    text = re.sub(r"<(?:td|th|br|li|span)\b", " \\g<0>", rows)
    text = html.unescape(re.sub(r"<!--.*?-->|<[^>]*>", "", text))
    return "\n".join(" ".join(line.split()) for line in text.splitlines())


def membership(world: System, user: str, group: str) -> Any:
    """The bridge's own record of a membership."""
    with world.bridge.store.read() as connection:
        return connection.execute(
            select(memberships).where(
                memberships.c.user_id == world.user(user),
                memberships.c.group_id == world.group(group),
            )
        ).one_or_none()


def log_of(world: System, user: str) -> list[str]:
    with world.bridge.store.read() as connection:
        return list(
            connection.scalars(
                select(changes.c.action)
                .where(changes.c.user_id == world.user(user))
                .order_by(changes.c.id)
            )
        )


def outcomes(world: System) -> dict[str, tuple[str, str | None]]:
    """event id -> its status and why."""
    with world.bridge.store.read() as connection:
        rows = connection.execute(select(inbox.c.event_id, inbox.c.status, inbox.c.outcome))
        return {row.event_id: (row.status, row.outcome) for row in rows}
