"""A reason once true stays true: on the page, in the message and in `explain` (A106)."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.harness import System, system
from tests.system.acts import checkout, confirm, message_to, page_of, pass_days, pass_quiet_days
from tests.system.typing_commands import asked, typed

LOST: Any = {"evidence": {"uncategorized_text": "losing_evidence"}, "submit": True}
BY = ("--by", "moderator")


@pytest.fixture
def world(tmp_path: Path) -> Iterator[System]:
    with system(tmp_path) as it:
        it.advance(2)
        yield it


def bought(world: System, card: str = "pm_card_visa") -> None:
    """A pass of ten days."""
    price = world.price("visitors", interval=None, discourse_term="10d")
    paid: Any = {"mode": "payment", "customer": world.customer("alice"), "card": card}
    checkout(world, "alice", price, **paid)


def refund(world: System) -> None:
    bought(world)
    pass_days(world, 2)
    world.sdk.v1.refunds.create({"charge": world.sdk.v1.charges.list().data[0].id})


def lose_a_dispute(world: System) -> None:
    bought(world, "pm_card_createDispute")
    pass_days(world, 2)
    (dispute,) = world.sdk.v1.disputes.list().data
    world.sdk.v1.disputes.update(dispute.id, LOST)


def grant(world: System) -> str:
    world.price("visitors", interval=None)
    world.link(world.customer(None), "alice")
    confirm(world)
    words = ("alice", "visitors", "--for", "10d", "--reason", "helps", *BY)
    return str(asked(world, "grant", *words)["grant"])


def revoke(world: System) -> None:
    given = grant(world)
    pass_days(world, 2)
    typed(world, "revoke", given, *BY)


def reverse_a_payment(world: System) -> None:
    world.price("visitors", interval=None)
    world.link(world.customer(None), "alice")
    confirm(world)
    words = ("alice", "--amount", "10", "--currency", "eur", "--what", "A pass", "--method", "cash")
    line = asked(world, "record-payment", *words, "--group", "visitors", "--for", "10d", *BY)
    pass_days(world, 2)
    typed(world, "reverse-payment", str(line["line"]), *BY)


def told(world: System) -> tuple[str, str, str]:
    """The words of page, message and `explain` about the group."""
    confirm(world)
    confirm(world)
    pass_days(world, 0.1)
    page = next(one for one in page_of(world, "alice").splitlines() if "visitors" in one)
    message = next(one for one in message_to(world, "alice").splitlines() if "visitors" in one)
    found = asked(world, "explain", "alice", "--group", "visitors")["groups"][0]["verdicts"]
    return page, message, str(found[-1]["reason"])


@pytest.mark.parametrize(
    ("act", "reason", "words"),
    [
        (refund, "refunded", "was refunded on"),
        (lose_a_dispute, "dispute_lost", "The bank took back the payment"),
        (revoke, "hand_revoked", "A moderator ended your access on"),
        (reverse_a_payment, "hand_revoked", "A moderator ended your access on"),
    ],
)
def test_A106_what_ended_it_is_told_everywhere_also_after_the_end_that_it_would_have_had(
    world: System, act: Callable[[System], None], reason: str, words: str
) -> None:
    act(world)
    confirm(world)
    confirm(world)
    assert world.groups_of("alice") == set()
    soon = told(world)
    pass_quiet_days(world, 20)
    later = told(world)
    for page, message, said in (soon, later):
        assert words in page
        assert words in message
        assert said == reason
    assert soon == later


def test_A106_a_grant_that_came_to_its_end_stays_ended(world: System) -> None:
    given = grant(world)
    pass_days(world, 11)
    ended = told(world)
    assert "The access that a moderator gave you ended on" in ended[0]
    typed(world, "revoke", given, *BY)
    assert told(world) == ended
