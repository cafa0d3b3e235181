"""Pay first, join later: orders that were paid without the bridge, and whose they become."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import requests
from werkzeug.test import TestResponse

from bridge.answers.worklists import lists
from bridge.core.model.actor import member, moderator
from bridge.core.rights.buyers import Whereabouts
from bridge.operations import links as linking
from bridge.sandbox.stripe import delivery
from bridge.store import countries, links
from bridge.worker import claims, reconcile
from bridge.worker.claims import Claimant, Unclaimable
from tests.harness import DAY, POLICY, System, system
from tests.system.acts import (
    app_of,
    checkout,
    confirm,
    console_of,
    moves,
    page_of,
    pass_days,
    words,
)
from tests.system.typing_commands import asked, typed


@pytest.fixture
def world(tmp_path: Path) -> Iterator[System]:
    with system(tmp_path) as it:
        it.advance(2)
        for name in ("alice", "bob"):
            it.user(name)
        yield it


def by_link(world: System, price: str, *, country: str = "DE", **more: Any) -> str:
    """Somebody pays by a payment link of the dashboard; the id of their order."""
    world.settle()
    what: Any = {"line_items": [{"price": price, "quantity": 1}], **more}
    link = world.sdk.v1.payment_links.create(what)
    gone = requests.get(str(link.url), allow_redirects=False, timeout=10)
    page = gone.headers["Location"]
    paid = {"token": "pm_card_visa", "email": "guest@example.com", "country": country}
    answer = requests.post(page, data=paid, allow_redirects=False, timeout=10)
    assert answer.status_code in {200, 303}, answer.text[:300]
    return page.rpartition("/")[2]


def once(world: System, **metadata: Any) -> str:
    return world.price("supporters", interval=None, **metadata)


def claim(world: System, order: str, user: str) -> claims.Claim:
    user_id = world.user(user)
    return claims.claim(world.bridge, member(user_id), order, Claimant(user_id))


def claim_page(world: System, order: str, user: str) -> TestResponse:
    """What a member reads at the link of a payment."""
    browser = app_of(world).test_client()
    with browser.session_transaction() as session:
        session["user_id"], session["username"] = world.user(user), user
        session["signed_in_at"] = world.bridge.clock.now().isoformat()
    return browser.get(f"/claim/{order}")


def refused(world: System, order: str, user: str) -> str:
    with pytest.raises(Unclaimable) as error:
        claim(world, order, user)
    with pytest.raises(Unclaimable):
        claims.look(world.bridge, order, Claimant(world.user(user)))
    return error.value.why


def customer_of(world: System, order: str) -> str:
    return str(world.sdk.v1.checkout.sessions.retrieve(order).customer)


def test_E42_a_subscription_paid_by_a_link_is_nobodys_until_it_is_claimed(world: System) -> None:
    order = by_link(world, world.price("supporters"))
    world.settle()
    assert world.members("supporters") == set()
    claim(world, order, "bob")
    world.settle()
    assert world.members("supporters") == {"bob"}
    world.sdk.v1.subscriptions.cancel(
        str(world.sdk.v1.checkout.sessions.retrieve(order).subscription)
    )
    confirm(world)
    assert moves(world, "bob", "supporters") == ["in", "out"]


def test_E42_a_guests_order_without_any_customer_is_claimed_alike(world: System) -> None:
    order = by_link(world, once(world, discourse_term="3d"))
    world.settle()
    assert customer_of(world, order) == "None"
    claim(world, order, "bob")
    world.settle()
    assert world.members("supporters") == {"bob"}
    pass_days(world, 3)
    confirm(world)
    assert moves(world, "bob", "supporters") == ["in", "out"]


def test_E42_a_guests_order_that_is_refunded_after_the_claim_ends(world: System) -> None:
    order = by_link(world, once(world))
    world.settle()
    claim(world, order, "bob")
    world.settle()
    intent = str(world.sdk.v1.checkout.sessions.retrieve(order).payment_intent)
    world.sdk.v1.refunds.create({"payment_intent": intent})
    confirm(world)
    assert moves(world, "bob", "supporters") == ["in", "out"]


def test_E42_before_the_event_of_the_order_comes_it_can_be_claimed_as_well(world: System) -> None:
    price = once(world)
    world.settle()
    order = by_link(world, price)
    claim(world, order, "bob")
    world.settle()
    assert world.members("supporters") == {"bob"}


def test_E42_a_claim_works_once_and_for_the_same_member_changes_nothing(world: System) -> None:
    order = by_link(world, world.price("supporters"))
    claim(world, order, "bob")
    assert claim(world, order, "bob").is_mine
    assert refused(world, order, "alice") == "used"
    typed(world, "unlink", customer_of(world, order))
    assert refused(world, order, "alice") == "used"
    assert refused(world, order, "bob") == "used"
    confirm(world)
    assert world.members("supporters") == set()


def unpaid(world: System) -> str:
    price = world.price("supporters")
    what: Any = {
        "mode": "subscription",
        "line_items": [{"price": price, "quantity": 1}],
        "success_url": "http://localhost/thanks",
    }
    return world.sdk.v1.checkout.sessions.create(what).id


def expired(world: System) -> str:
    page = unpaid(world)
    world.sdk.v1.checkout.sessions.expire(page)
    return page


def refunded(world: System) -> str:
    order = by_link(world, once(world))
    intent = str(world.sdk.v1.checkout.sessions.retrieve(order).payment_intent)
    world.sdk.v1.refunds.create({"payment_intent": intent})
    return order


def refunded_subscription(world: System) -> str:
    order = by_link(world, world.price("supporters"))
    (charge,) = world.sdk.v1.charges.list({"customer": customer_of(world, order)}).data
    world.sdk.v1.refunds.create({"charge": charge.id})
    return order


def ended(world: System) -> str:
    order = by_link(world, world.price("supporters"))
    session = world.sdk.v1.checkout.sessions.retrieve(order)
    world.sdk.v1.subscriptions.cancel(str(session.subscription))
    return order


def too_old(world: System) -> str:
    order = by_link(world, once(world))
    world.advance(30 * DAY)
    return order


def anothers(world: System) -> str:
    return str(checkout(world, "alice", world.price("supporters")).id)


def moderated(world: System) -> str:
    order = by_link(world, world.price("supporters"))
    world.link(customer_of(world, order), "alice")
    return order


def of_a_shop(world: System) -> str:
    product = world.sdk.v1.products.create({"name": "A mug"})
    mug: Any = {"product": product.id, "currency": "eur", "unit_amount": 900}
    return by_link(world, world.sdk.v1.prices.create(mug).id)


def never_made(_: System) -> str:
    return "cs_test_" + "a" * 40


@pytest.mark.parametrize(
    ("made", "why"),
    [
        (unpaid, "unfinished"),
        (expired, "unfinished"),
        (refunded, "refunded"),
        (refunded_subscription, "refunded"),
        (ended, "ended"),
        (too_old, "expired"),
        (anothers, "anothers"),
        (moderated, "anothers"),
        (of_a_shop, "unknown"),
        (never_made, "unknown"),
        (lambda _: "cs_test_../customers", "unknown"),
        (lambda _: "cus_123456789012", "unknown"),
    ],
)
def test_E42_what_does_not_count_cannot_be_claimed(
    world: System, made: Callable[[System], str], why: str
) -> None:
    order = made(world)
    world.settle()
    assert refused(world, order, "bob") == why
    confirm(world)
    assert "bob" not in world.members("supporters") if "supporters" in world.groups else True


def test_E42_how_long_a_claim_is_open_is_the_sites_to_say(tmp_path: Path) -> None:
    with system(tmp_path, policy=replace(POLICY, claim_days=90)) as world:
        world.user("bob")
        order = too_old(world)
        until_at = claims.look(world.bridge, order, Claimant()).until_at
        made = claims.look(world.bridge, order, Claimant()).order.created_at
        assert until_at - made == timedelta(days=90)
        claim(world, order, "bob")
        world.settle()
        assert world.members("supporters") == {"bob"}


@pytest.mark.parametrize(
    "sold", [once, lambda world: world.price("supporters")], ids=["guest", "customer"]
)
def test_E42_moderators_are_offered_a_link_to_claim_only_while_it_works(
    world: System, sold: Callable[[System], str]
) -> None:
    order = by_link(world, sold(world))
    world.settle()
    (open_,) = lists.WORKLISTS["unlinked"].page(world.bridge, "waiting", "").rows
    assert any(order in address for _, address in open_.links)
    world.advance(30 * DAY)
    assert refused(world, order, "bob") == "expired"
    (over,) = lists.WORKLISTS["unlinked"].page(world.bridge, "waiting", "").rows
    assert not any(order in address for _, address in over.links)
    assert "The link to claim it has expired." in over.says


def test_A133_a_claim_opens_no_portal_until_a_moderator_confirms_it(world: System) -> None:
    order = by_link(world, world.price("supporters"))
    claim(world, order, "bob")
    world.settle()
    customer, bob = customer_of(world, order), world.user("bob")
    with world.bridge.store.read() as connection:
        assert links.live_customers_of(connection, bob) == {customer: False}
    typed(world, "link", customer, "bob")
    with world.bridge.store.read() as connection:
        assert links.live_customers_of(connection, bob) == {customer: True}


def waiting(world: System) -> list[dict[str, Any]]:
    kinds = ("claim_waits", "pays_unlinked")
    pass_days(world, 0.02)
    return [one for one in asked(world, "alerts") if one["kind"] in kinds]


def test_A9_the_preview_of_a_link_counts_what_was_bought_once(world: System) -> None:
    order = by_link(world, once(world, discourse_term="30d"))
    world.settle()
    bob, actor = world.user("bob"), moderator(world.user("alice"), "console")

    def seen() -> list[tuple[int, str]]:
        found = linking.preview_link(world.bridge, order, bob)
        return [(one.user_id, one.turn) for one in found]

    assert seen() == [(bob, "gains")]
    linking.link(world.bridge, actor, order, bob)
    world.settle()
    assert world.members("supporters") == {"bob"}
    linking.unlink(world.bridge, actor, order)
    assert seen() == [(bob, "stays in")]


def for_crew(world: System) -> str:
    world.group("crew")
    return once(world, discourse_buyers="crew")


def test_A95_who_pays_by_a_link_for_what_is_not_sold_to_them_waits_for_a_moderator(
    world: System,
) -> None:
    order = by_link(world, for_crew(world))
    world.settle()
    found = claim(world, order, "bob")
    assert (found.is_mine, found.is_asked) == (False, True)
    assert claim(world, order, "bob").is_asked, "asked once"
    confirm(world)
    assert world.members("supporters") == set()
    (alert,) = waiting(world)
    assert alert["kind"] == "claim_waits"
    assert alert["what"].startswith(f"id:{world.user('bob')} claims Membership supporters")
    assert "It is only for members of crew." in alert["what"]
    assert f"bridge link {order} id:{world.user('bob')} --by NAME" in alert["todo"]
    assert f"claimed by user {world.user('bob')}, to whom it is not sold" in typed(world, "link")
    typed(world, "link", order, "bob", "--by", "maria")
    world.settle()
    assert world.members("supporters") == {"bob"}
    assert claim(world, order, "bob").is_mine
    assert waiting(world) == []


def test_A95_while_a_rule_is_halted_that_says_who_may_buy_moderators_decide(
    world: System,
) -> None:
    order = by_link(world, once(world, discourse_buyers="crew"))  # a group that nobody has made
    world.settle()
    assert claim(world, order, "bob").is_asked
    page = words(claim_page(world, order, "alice").text)
    assert "We can’t add Membership supporters automatically right now" in page
    (alert,) = waiting(world)
    assert "Who may buy it cannot be said now, because its rule has a problem." in alert["what"]
    world.group("crew")
    pass_days(world, 0.02)
    confirm(world)
    assert world.members("supporters") == set(), "nobody who may not buy got in meanwhile"
    assert claim(world, order, "bob").barred


def test_a_halted_rule_of_what_is_sold_to_everybody_stops_no_claim(world: System) -> None:
    order = by_link(world, world.price("supporters", interval=None, discourse_grace="soon"))
    world.settle()
    assert claim(world, order, "bob").is_mine


def test_A95_who_opens_a_link_first_does_not_lock_the_payer_out(world: System) -> None:
    order = by_link(world, for_crew(world))
    world.settle()
    for name in ("mallory", "bob", "bob"):
        assert claim(world, order, name).is_asked, "each of them may ask, and asks once"
    mallory, bob = world.user("mallory"), world.user("bob")
    alerts = waiting(world)
    assert [one["kind"] for one in alerts] == ["claim_waits"] * 2
    said = [one["what"] for one in alerts]
    assert all(any(words.startswith(f"id:{who} ") for words in said) for who in (mallory, bob))
    listed = typed(world, "link")
    for who in (mallory, bob):
        assert f"claimed by user {who}, to whom it is not sold" in listed
    (row,) = lists.WORKLISTS["unlinked"].page(world.bridge, "waiting", "").rows
    assert f"id:{mallory} and id:{bob} claim it, and wait for you." in row.says
    assert row.todo[0].fields == {"customer": row.about}, "nobody is suggested"
    typed(world, "link", order, "bob", "--by", "maria")
    world.settle()
    assert world.members("supporters") == {"bob"}
    assert claim(world, order, "bob").is_mine
    assert refused(world, order, "mallory") == "declined"
    assert waiting(world) == []


def test_A95_a_claimant_reads_that_the_moderators_declined_but_not_their_own_words(
    world: System,
) -> None:
    order = by_link(world, for_crew(world))
    world.settle()
    claim(world, order, "bob")
    by, payer = moderator(1, "console"), order
    mia, path = console_of(world), "/moderate/act/set-aside"
    form = words(mia.get(path, query_string={"customer": payer}).text)
    assert f"Claimed byid:{world.user('bob')}" in form.replace(" id:", "id:")
    assert "says that the moderators declined. Your reason stays here." in form
    linking.set_aside(world.bridge, by, payer, reason="Bob is a spammer")
    assert refused(world, order, "bob") == "set_aside"
    page = claim_page(world, order, "bob")
    assert page.status_code == 403
    assert "The moderators declined your request" in words(page.text)
    assert "/new-message?groupname=moderators" in page.text
    assert "spammer" not in page.text
    assert "spammer" not in page_of(world, "bob")
    linking.wait_again(world.bridge, by, payer, reason="A mix-up")
    assert "The moderators have been asked" in claim_page(world, order, "bob").text
    linking.set_aside(world.bridge, by, payer, reason="Bob is a spammer")
    world.advance(31 * DAY)
    assert refused(world, order, "bob") == "set_aside", "nobody is told to send the link again"


def test_A95_who_asks_for_a_payer_who_was_set_aside_before_is_seen_by_moderators(
    world: System,
) -> None:
    order = by_link(world, for_crew(world))
    world.settle()
    by, payer = moderator(1, "console"), order
    linking.set_aside(world.bridge, by, payer, reason="Nobody wants it")
    assert claim(world, order, "alice").is_asked
    assert [one["kind"] for one in waiting(world)] == ["claim_waits"]
    (row,) = lists.WORKLISTS["unlinked"].page(world.bridge, "waiting", "").rows
    assert f"id:{world.user('alice')} claims it" in row.says
    linking.set_aside(world.bridge, by, payer, reason="Nor her")
    assert refused(world, order, "alice") == "set_aside", "asking once more changes nothing"
    assert claim(world, order, "bob").is_asked, "another member may be the payer"
    linking.link(world.bridge, by, payer, world.user("alice"))
    world.settle()
    assert world.members("supporters") == {"alice"}, "it can still be given to her"


def test_A95_a_claim_that_waits_is_over_when_the_money_is_given_back(world: System) -> None:
    order = by_link(world, for_crew(world))
    world.settle()
    claim(world, order, "bob")
    assert len(waiting(world)) == 1
    intent = str(world.sdk.v1.checkout.sessions.retrieve(order).payment_intent)
    world.sdk.v1.refunds.create({"payment_intent": intent})
    world.settle()
    assert waiting(world) == []
    assert refused(world, order, "bob") == "refunded"


def test_A95_members_of_the_group_claim_at_once_also_what_somebody_else_asked_for(
    world: System,
) -> None:
    order = by_link(world, for_crew(world))
    world.settle()
    claim(world, order, "bob")
    alice = Claimant(world.user("alice"), frozenset({world.group("crew")}))
    found = claims.claim(world.bridge, member(world.user("alice")), order, alice)
    assert not found.is_asked
    world.settle()
    assert world.members("supporters") == {"alice"}
    assert refused(world, order, "bob") in ("used", "anothers")


def test_A95_a_payment_from_where_it_is_not_sold_waits_as_well(world: System) -> None:
    order = by_link(world, once(world, discourse_countries="AT"))
    world.settle()
    found = claim(world, order, "bob")
    assert found.is_asked
    assert found.barred
    assert found.barred.country not in (None, "AT")
    (alert,) = waiting(world)
    assert "It is not sold to" in alert["what"]


def sold_to(world: System) -> dict[str, tuple[str, str | None, str | None]]:
    with world.bridge.store.read() as connection:
        rows = list(countries.read(connection, None, None))
    return {row.order_id: (row.customer_id, row.billing, row.card) for row in rows}


def test_A72_the_country_of_who_pays_by_a_link_is_recorded_with_the_news_of_it(
    world: System,
) -> None:
    monthly = by_link(world, world.price("supporters"))
    alone = by_link(world, once(world))
    expired(world)
    before = len(world.sandbox.world.journal.since(0, "stripe"))
    world.settle()
    asked_for = [one.path for one in world.sandbox.world.journal.since(0, "stripe")[before:]]
    assert sold_to(world) == {
        monthly: (customer_of(world, monthly), "DE", None),
        alone: (alone, "DE", None),
    }
    assert not [path for path in asked_for if monthly in path], "the event says it"
    pass_days(world, 1)
    assert sold_to(world)[monthly] == (customer_of(world, monthly), "DE", "US"), "the card as well"


def by_word(world: System, user: str, said: str) -> Claimant:
    return Claimant(world.user(user), where=Whereabouts(said=said))


def test_A95_where_nothing_says_where_the_payer_is_the_member_says_it(world: System) -> None:
    free = world.price("supporters", interval=None, amount=0, discourse_countries="AT")
    order = by_link(world, free, country="")
    world.settle()
    found = claim(world, order, "bob")
    assert (found.is_mine, found.ask_country) == (False, frozenset({"AT"}))
    bob = world.user("bob")
    said = claims.claim(world.bridge, member(bob), order, by_word(world, "bob", "elsewhere"))
    assert said.is_asked
    again = claims.claim(world.bridge, member(bob), order, by_word(world, "bob", "AT"))
    assert again.is_asked, "what was said is said"
    (alert,) = waiting(world)
    assert "It is not sold where they say they live." in alert["what"]
    other = by_link(world, free, country="")
    taken = claims.claim(world.bridge, member(bob), other, by_word(world, "bob", "AT"))
    assert taken.is_mine
    world.settle()
    assert world.members("supporters") == {"bob"}


def test_E42_a_guests_order_is_no_customer_whose_portal_could_be_opened(world: System) -> None:
    order = by_link(world, once(world))
    typed(world, "link", order, "bob")
    world.settle()
    assert world.members("supporters") == {"bob"}
    with world.bridge.store.read() as connection:
        assert links.live_customers_of(connection, world.user("bob")) == {}
    typed(world, "unlink", order)
    confirm(world)
    assert world.members("supporters") == set()


def test_E42_unclaimed_payments_are_listed_with_the_link_for_the_payer(world: System) -> None:
    monthly, forever = world.price("supporters"), once(world)
    orders_paid = {by_link(world, monthly), by_link(world, forever)}
    world.settle()
    told = asked(world, "link")
    base = f"{world.bridge.settings.bridge_url}/claim/"
    assert {one["claim"] for one in told} == {base + order for order in orders_paid}
    assert "to claim it: " in typed(world, "link")
    assert all("/customers/cus_" in one["page"] or "/payments/pi_" in one["page"] for one in told)
    claim(world, orders_paid.pop(), "bob")
    world.settle()
    assert len(asked(world, "link")) == 1


def test_E42_an_order_of_a_guest_whose_event_was_lost_is_found_by_the_sweep(
    world: System,
) -> None:
    prices = (once(world), world.price("supporters"))
    world.settle()
    delivery.lose(world.sandbox.world)
    paid = {by_link(world, price) for price in prices}
    of_a_shop(world)
    delivery.wait_until_idle(world.sandbox.world)
    delivery.clear(world.sandbox.world)
    reconcile.read_everybody(world.bridge)
    world.settle()
    claimable = {one["claim"] for one in asked(world, "link") if one["claim"]}
    assert {one.rpartition("/")[2] for one in claimable} == paid


def test_E42_a_refund_of_a_guests_order_is_found_by_the_sweep_as_well(world: System) -> None:
    order = by_link(world, once(world))
    claim(world, order, "bob")
    world.settle()
    delivery.lose(world.sandbox.world)
    intent = str(world.sdk.v1.checkout.sessions.retrieve(order).payment_intent)
    world.sdk.v1.refunds.create({"payment_intent": intent})
    delivery.wait_until_idle(world.sandbox.world)
    delivery.clear(world.sandbox.world)
    reconcile.read_everybody(world.bridge)
    confirm(world)
    assert moves(world, "bob", "supporters") == ["in", "out"]
