"""Finding people by whatever a moderator has, through Stripe, the forum and the store."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import UTC, datetime

import pytest
from sqlalchemy import select

from bridge.answers.finding import find
from bridge.core.telling.asked import parse_asked
from bridge.operations.finding import find_person
from bridge.sandbox.discourse.people import add_user
from bridge.sandbox.stripe.balance import pay_out
from bridge.store import changes
from bridge.store.schema.forum import changes as table
from tests.harness import System, system
from tests.system.acts import account, checkout, pass_days, staff
from tests.system.test_console_registers import As, as_role
from tests.system.typing_commands import typed

__all__ = ["as_role"]


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[System]:
    """Alice bought once and pays monthly; bob never bought anything."""
    with system(tmp_path_factory.mktemp("finding"), per_minute=500) as it:
        it.advance(2)
        checkout(it, "alice", it.price("supporters"))
        checkout(it, "alice", it.price("visitors", interval=None, amount=700), mode="payment")
        it.user("bob")
        it.settle()
        yield it


def found(world: System, text: str) -> set[int | None]:
    asked = parse_asked(text, world.bridge.settings.discourse_url)
    return {hit.user_id for hit in find(world.bridge, asked)}


def test_A58_A81_each_kind_of_id_leads_to_the_member(world: System) -> None:
    alice, stripe = world.user("alice"), world.sdk.v1
    (subscription,) = stripe.subscriptions.list({}).data
    session = stripe.checkout.sessions.list({}).data[0]
    ids = {
        str(subscription.customer),
        subscription.id,
        *(one.id for one in stripe.invoices.list({}).data),
        *(one.id for one in stripe.charges.list({}).data),
        *(one.id for one in stripe.payment_intents.list({}).data),
        session.id,
    }
    assert {one.split("_")[0] for one in ids} == {"cus", "sub", "in", "ch", "pi", "cs"}
    for id_ in ids:
        assert found(world, id_) == {alice}, id_
    refund = stripe.refunds.create({"charge": stripe.charges.list({}).data[0].id, "amount": 100})
    world.settle()
    world.advance(3600)
    world.settle()
    assert found(world, refund.id) == {alice}


def test_A58_a_dispute_a_payout_and_a_balance_transaction_lead_to_who_paid(world: System) -> None:
    carl, stripe = world.user("carl"), world.sdk.v1
    pass_days(world, 8)
    pay_out(account(world), "eur")
    price = world.price("patrons", interval=None, amount=900)
    checkout(world, "carl", price, mode="payment", card="pm_card_createDispute")
    world.settle()
    world.advance(3600)
    world.settle()
    (dispute,), (payout,) = stripe.disputes.list({}).data, stripe.payouts.list({}).data
    of_dispute = dispute.balance_transactions[0].id
    assert (dispute.id[:3], payout.id[:3], of_dispute[:4]) == ("du_", "po_", "txn_")
    for id_ in (dispute.id, of_dispute):
        assert found(world, id_) == {carl}, id_
    assert found(world, payout.id) == {world.user("alice")}
    for id_ in ("dp_none", "po_none", "re_none", "cs_none", "txn_none"):
        assert found(world, id_) == set(), id_


def test_A58_an_amount_on_a_day_and_the_end_of_a_card_lead_to_the_member(world: System) -> None:
    alice = world.user("alice")
    charges = world.sdk.v1.charges.list({}).data
    (paid_at,) = {charge.created for charge in charges if charge.amount == 700}
    day = datetime.fromtimestamp(paid_at, UTC).date().isoformat()
    for text in ("7.00", "7,00 eur", f"7 eur {day}", f"7.00 on {day}", "4242"):
        assert found(world, text) == {alice}, text
    for text in ("7.00 usd", "7.00 2020-01-01", "7.01", "0000"):
        assert found(world, text) == set(), text


def test_A58_a_pasted_link_a_receipt_and_a_name_like_a_stripe_id_lead_to_the_member(
    world: System,
) -> None:
    alice, bob, love = (world.user(name) for name in ("alice", "bob", "in_love"))
    staff(world)
    words = ("--amount", "12.00", "--currency", "eur", "--what", "Cash", "--method", "cash")
    told = typed(world, "record-payment", "bob", *words, "--by", "mod", "--yes")
    (number,) = re.findall(r"Receipt ([0-9]{4}-[0-9]+)", told)
    for text in (number, f"Receipt {number}", f"no. {number}"):
        assert found(world, text) == {bob}, text
    assert found(world, f"{number}9") == set()
    (subscription,) = world.sdk.v1.subscriptions.list({}).data[:1]
    pasted = "https://dashboard.stripe.com/acct_1/test/subscriptions/"
    assert found(world, pasted + subscription.id) == {alice}
    assert found(world, pasted) == set()
    forum = world.bridge.settings.discourse_url
    assert found(world, f"{forum}/u/alice/summary") == {alice}
    for text in ("@in_love", f"{forum}/u/in_love"):
        assert found(world, text) == {love}, text
    find_person(world.bridge, "in_love")  # from now on, the bridge knows the name, too
    assert found(world, "in_love") == {love}


def test_an_address_is_asked_of_stripe_and_of_the_forum_and_only_the_look_up_is_logged(
    world: System, as_role: As
) -> None:
    forum = world.sandbox.forum.users
    alice, bob = world.user("alice"), world.user("bob")
    for user_id in (alice, bob):
        address = forum[user_id].email
        answer = as_role("reader").get("/moderate/find", query_string={"q": address})
        assert answer.location.endswith(f"/moderate/person/{user_id}")
        with world.bridge.store.read() as connection:
            (line,) = changes.page(connection, action="looked_up", limit=1)
            logged = str(connection.execute(select(table)).all())
        assert (line.user_id, line.cause) == (user_id, f"reader:{staff(world).id} via console")
        assert address not in logged
    as_role("reader").get("/moderate/find", query_string={"q": "nobody@example.com"})
    with world.bridge.store.read() as connection:
        (line,) = changes.page(connection, action="looked_up", limit=1)
    assert (line.user_id, line.outcome) == (None, "nobody found")


def test_A58_a_full_name_is_asked_of_the_forum_and_only_the_look_up_is_logged(
    world: System, as_role: As
) -> None:
    forum, now = world.sandbox.forum, world.sandbox.world.clock.now()
    one = add_user(forum, "countess", "al@example.com", now, name="Ada Lovelace")
    browser = as_role("reader")
    for name in ("Ada Lovelace", "lovelace"):
        answer = browser.get("/moderate/find", query_string={"q": name})
        assert answer.location.endswith(f"/moderate/person/{one.id}")
        with world.bridge.store.read() as connection:
            (line,) = changes.page(connection, action="looked_up_by_name", limit=1)
            logged = str(connection.execute(select(table)).all())
        assert (line.user_id, line.outcome) == (one.id, "1 person found")
        assert line.cause == f"reader:{staff(world).id} via console"
        assert "lovelace" not in logged.lower()
    add_user(forum, "other", "other@example.com", now, name="Ada Lovelace")
    both = browser.get("/moderate/find", query_string={"q": "Ada Lovelace"}).text
    assert ("countess" in both, "other" in both, "full name on the forum" in both) == (True,) * 3
    nobody = browser.get("/moderate/find", query_string={"q": "Grace Hopper"})
    assert "Nobody found" in nobody.text
    with world.bridge.store.read() as connection:
        lines = changes.page(connection, action="looked_up_by_name", limit=2)
    assert [line.outcome for line in lines] == ["nobody found", "2 people found"]


def test_A58_a_key_that_may_not_search_the_forum_finds_nobody_by_full_name(
    world: System, as_role: As
) -> None:
    faults = world.sandbox.world.faults
    refused = faults.add("discourse", "GET /u/search/users*", "status", times=None, status=403)
    try:
        answer = as_role("reader").get("/moderate/find", query_string={"q": "Mary Somerville"})
    finally:
        faults.switches.remove(refused)
    assert (answer.status_code, "Nobody found" in answer.text) == (200, True)


def test_what_is_no_full_name_is_not_asked_of_the_forum(world: System) -> None:
    mark = world.mark()
    for text in ("7.01", "id:987654", "0000", "- -", "x" * 200, "cus_none"):
        assert found(world, text) == set(), text
    assert not [one for one in world.calls("discourse", mark) if "search" in one.path]


def test_A58_an_account_that_only_the_forum_knew_has_a_page_once_it_was_found(
    world: System, as_role: As
) -> None:
    add_user(world.sandbox.forum, "nina", "nina@example.com", world.sandbox.world.clock.now())
    browser = as_role("reader")
    found = browser.get("/moderate/find", query_string={"q": "nina"})
    page = browser.get(found.location)
    assert (page.status_code, "nina" in page.text) == (200, True)
