"""Print every message that members and moderators get: `make messages`.

The makerspace of the pictures lives on for some weeks. Each text is printed as the forum got it,
with its receiver, the first time that it appears. `python -m tests.messages FILE` writes one page
instead, as the forum shows them.
"""

from __future__ import annotations

import html
import logging
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Literal

import structlog

from bridge.answers.reply import answer
from bridge.core.ledger.by_hand import HandLine
from bridge.core.model.actor import Actor, moderator
from bridge.core.rights.paid_by_hand import Payment
from bridge.core.telling.words import invitation_words
from bridge.operations import applications, payments, reminders, statements
from bridge.sandbox.discourse.cooked import cook
from bridge.sandbox.discourse.state import Forum, Topic
from bridge.sandbox.run import ADMINISTRATOR
from bridge.sandbox.stripe import advance
from bridge.worker import alerts, digest
from tests.e2e.place import Place, open_place
from tests.harness import DAY
from tests.pictures import BEGINS, buy, customer_of, furnish

POLICY = """[site]
bank_account = "DE02 1203 0000 0000 2020 51, Kiln & Lathe"
[console]
digest = "weekly"
"""
QUIET_DAYS = 1.1

Message = tuple[str, str]


def main(files: list[str]) -> None:
    """Play the weeks, and print or write what was sent."""
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.ERROR))
    with tempfile.TemporaryDirectory() as data:
        (Path(data) / "bridge.toml").write_text(POLICY)
        with open_place(Path(data), frozen_at=BEGINS) as place:
            place.world.clock.go_on()
            told = list(messages_in(place))
    if files:
        Path(files[0]).write_text("\n".join(map(_shown, told)))
    else:
        sys.stdout.write("\n\n".join(f"### {title}\n\n{raw}" for title, raw in told))


def messages_in(place: Place) -> Iterator[Message]:
    """The heading and text of each message, in the order of the weeks."""
    seen: set[Message] = set()
    furnish(place)
    yield from _new(place, seen)
    mona = place.forum.user_named("mona")
    assert mona
    actor = moderator(mona.id, "console")
    _ask_again(place, actor)
    yield from _new(place, seen)
    _apply(place, actor)
    yield from _new(place, seen)
    _give_money_back(place)
    _pay_by_hand(place, actor)
    yield from _new(place, seen)
    for _ in range(20):
        _pass(place, 1)
    yield from _new(place, seen)
    for name in ("ada", "bruno", "dmitri", "esther", "hugo", "iris"):
        yield f"A moderator's reply to {name}", answer(place.bridge, _id(place, name)).text
    yield "An invitation of the forum", invitation_words("Lab pass")


def _ask_again(place: Place, actor: Actor) -> None:
    """A moderator reminds who has not paid, and sends a statement again."""
    customer = customer_of(place, "dmitri")
    what: Any = {"customer": customer, "status": "open"}
    (unpaid,) = place.stripe.v1.invoices.list(what).data
    reminders.remind(place.bridge, actor, _id(place, "dmitri"), unpaid.id)
    statements.send(place.bridge, actor, _id(place, "chiara"))
    _pass(place, QUIET_DAYS)


def _apply(place: Place, actor: Actor) -> None:
    """Two pay for what needs approval: one is approved, one declined."""
    guild: Any = {
        "name": "Guild",
        "metadata": {"discourse_groups": "patrons", "discourse_approval": "2027-01-01"},
    }
    price: Any = {"product": place.stripe.v1.products.create(guild).id, "currency": "eur"}
    yearly = {"unit_amount": 9000, "recurring": {"interval": "year"}, "lookup_key": "guild"}
    place.stripe.v1.prices.create(price | yearly)
    place.settle()
    for name in ("bruno", "hugo"):
        buy(place, name, "guild")
    _pass(place, QUIET_DAYS)
    choices: dict[str, Literal["approval", "decline"]] = {"bruno": "approval", "hugo": "decline"}
    for name, choice in choices.items():
        (waiting,) = applications.review(place.bridge, [_id(place, name)])
        applications.decide(place.bridge, actor, choice, [waiting], reason="Meeting of February")
        place.settle()


def _give_money_back(place: Place) -> None:
    """A year is refunded, and the bank of a member disputes what is paid next."""
    at = place.stripe.v1
    charge = at.charges.list({"customer": customer_of(place, "chiara")}).data[0]
    at.refunds.create({"charge": charge.id})
    greta = customer_of(place, "greta")
    made = at.payment_methods.attach("pm_card_createDispute", {"customer": greta})
    at.customers.update(greta, {"invoice_settings": {"default_payment_method": made.id}})
    _pass(place, QUIET_DAYS)


def _pay_by_hand(place: Place, actor: Actor) -> None:
    """A donation and a share in cash."""
    lines = (
        HandLine(2500, "For the roof", "donation", fund="Roof"),
        HandLine(5000, "One share", "share", count=1),
    )
    at = place.bridge.clock.now()
    paid = Payment(
        amount_minor=7500, currency="eur", what="At the open day", method="cash", at=at, lines=lines
    )
    payments.record_payment(place.bridge, actor, _id(place, "felix"), paid, None)
    _pass(place, QUIET_DAYS)


def _pass(place: Place, days: float) -> None:
    advance(place.world, days * DAY)
    place.settle()
    alerts.look(place.bridge)
    digest.send(place.bridge)


def _id(place: Place, name: str) -> int:
    user = place.forum.user_named(name)
    assert user
    return user.id


def _new(place: Place, seen: set[Message]) -> Iterator[Message]:
    """The private messages that were not there before, or have changed."""
    forum = place.forum
    for topic in forum.topics.values():
        for number, post_id in enumerate(topic.post_ids, 1):
            receivers = _receivers(forum, topic)
            if receivers:
                found = f"{topic.title} ({number}), to {receivers}", forum.posts[post_id].raw
                if found not in seen:
                    seen.add(found)
                    yield found


def _receivers(forum: Forum, topic: Topic) -> str:
    people = [forum.users[one].username for one in topic.allowed_user_ids]
    teams = [forum.groups[one].name for one in topic.allowed_group_ids]
    return ", ".join(one for one in (*people, *teams) if one != ADMINISTRATOR)


def _shown(message: Message) -> str:
    title, raw = message
    return f"<article><h3>{html.escape(title)}</h3>{cook(raw)}</article>"


if __name__ == "__main__":
    main(sys.argv[1:])
