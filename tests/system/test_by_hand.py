"""Moderators' decisions: grants with an end, and memberships that people ended."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import func, select

from bridge.answers.log import Question, page
from bridge.errors import Permanent
from bridge.operations import held
from bridge.operations.grants import grant
from bridge.sandbox.discourse.membership import remove_member
from bridge.store.schema.ledger import money_lines
from tests.harness import OPERATOR, System, system
from tests.system.acts import (
    confirm,
    console_of,
    forum_user,
    log_of,
    membership,
    messages_to,
    moves,
    pass_days,
    staff_remove,
)
from tests.system.explaining import explain
from tests.system.typing_commands import asked, typed


@pytest.fixture
def world(tmp_path: Path) -> Iterator[System]:
    with system(tmp_path) as it:
        it.advance(2)
        yield it


def given(world: System, user: str, group: str, *more: str) -> str:
    """A moderator gives somebody a group; the grant's id."""
    world.user(user)
    told = asked(world, "grant", user, group, "--reason", "helps a lot", "--by", "maria", *more)
    return str(told["grant"])


def end_is_in_days(world: System, days: float) -> str:
    return f"{world.bridge.clock.now() + timedelta(days=days):%Y-%m-%d}"


# --- Grants ---------------------------------------------------------------------------------------


def test_A60_a_grant_without_money_lets_in_and_leaves_no_payment(world: System) -> None:
    world.price("supporters")
    world.settle()
    grant_id = given(world, "alice", "supporters")
    world.settle()
    assert world.groups_of("alice") == {"supporters"}
    with world.bridge.store.read() as connection:
        assert connection.scalar(select(func.count()).select_from(money_lines)) == 0
    told = explain(world.bridge, world.user("alice"))
    (verdict,) = told["groups"][0]["verdicts"]
    assert (verdict["source"], verdict["id"], verdict["holds"]) == ("hand", grant_id, True)
    assert "granted" in log_of(world, "alice")
    ((statement,),) = messages_to(world, "alice")
    assert "A moderator added you." in statement.raw
    assert "€" not in statement.raw


def test_a_grant_with_a_last_day_ends_when_that_day_is_over(world: System) -> None:
    world.group("pioneers")
    given(world, "alice", "pioneers", "--until", end_is_in_days(world, 2))
    world.settle()
    assert world.groups_of("alice") == {"pioneers"}
    ((statement,),) = messages_to(world, "alice")
    assert "until" in statement.raw
    pass_days(world, 1.5)
    assert world.groups_of("alice") == {"pioneers"}
    pass_days(world, 2)
    confirm(world)
    assert moves(world, "alice", "pioneers") == ["in", "out"]


def test_a_grant_lasts_through_the_last_day_of_the_time_that_was_said(world: System) -> None:
    world.group("pioneers")
    first = given(world, "alice", "pioneers", "--for", "3d")
    assert given(world, "alice", "pioneers", "--for", "3d") == first, "the same command twice"
    (grant,) = asked(world, "grant")
    assert grant["until"].endswith("T23:59:59+00:00")
    pass_days(world, 3)
    assert world.groups_of("alice") == {"pioneers"}
    pass_days(world, 1)
    confirm(world)
    assert world.groups_of("alice") == set()


def test_A41_the_end_of_a_grant_by_hand_ends_nothing_that_is_paid_for(world: System) -> None:
    world.subscribe(world.customer("alice"), world.price("supporters"))
    world.settle()
    given(world, "alice", "supporters", "--for", "1d")
    pass_days(world, 2.5)
    assert moves(world, "alice", "supporters") == ["in"]


def test_A48_the_removal_after_a_grant_was_taken_back_is_found_by_who_took_it(
    world: System,
) -> None:
    world.group("pioneers")
    id_ = given(world, "alice", "pioneers")
    confirm(world)
    typed(world, "revoke", id_, "--by", "maria")
    confirm(world)
    for action in ("revoked", "unwanted", "removed"):
        (line,) = page(world.bridge, Question(by="maria", action=action)).lines
        assert line.change.user_id == world.user("alice"), action
        assert "maria" in line.entry.by.words
    assert not page(world.bridge, Question(by="alice", action="removed")).lines


def test_a_revoked_grant_ends_and_stays_on_record(world: System) -> None:
    world.group("pioneers")
    grant_id = given(world, "alice", "pioneers")
    world.settle()
    assert [one["id"] for one in asked(world, "grant")] == [grant_id]
    typed(world, "revoke", grant_id, "--by", "maria")
    confirm(world)
    assert moves(world, "alice", "pioneers") == ["in", "out"]
    assert asked(world, "grant") == []
    assert "revoked" in log_of(world, "alice")
    typed(world, "revoke", grant_id, "--by", "maria", code=1)


def test_A5_a_grant_of_a_lower_step_leaves_the_higher_one_that_is_paid_for(
    world: System,
) -> None:
    world.price("supporters", discourse_ladder="level", discourse_rank="1")
    high = world.price("patrons", discourse_ladder="level", discourse_rank="2")
    world.subscribe(world.customer("alice"), high)
    world.settle()
    given(world, "alice", "supporters")
    confirm(world)
    assert world.groups_of("alice") == {"patrons"}


def test_I5_I2_who_was_put_into_a_group_without_a_rule_is_put_back_when_lost(
    world: System,
) -> None:
    world.group("pioneers")
    given(world, "alice", "pioneers")
    world.settle()
    group = world.sandbox.forum.groups[world.group("pioneers")]
    alice = forum_user(world, "alice")
    del group.members[alice.id]
    del alice.group_ids[group.id]
    group.changes += 1
    world.advance(11 * 60)
    world.settle()
    assert world.groups_of("alice") == {"pioneers"}


def test_a_grant_that_cannot_be_is_refused_with_the_reason(world: System) -> None:
    alice = world.user("alice")
    world.group("pioneers")
    typed(world, "grant", "nobody", "pioneers", "--reason", "x", "--by", "maria", code=1)
    refused = typed(world, "grant", "alice", "nowhere", "--reason", "x", "--by", "maria", code=1)
    assert "nowhere" in refused
    own = typed(world, "grant", "alice", "staff", "--reason", "x", "--by", "maria", code=1)
    assert "automatic groups" in own
    typed(world, "grant", "alice", "pioneers", "--until", "soon", code=2)
    typed(world, "grant", "alice", "pioneers", "--for", "lifetime", code=2)
    past = world.bridge.clock.now() - timedelta(seconds=1)
    with pytest.raises(Permanent, match="in the past"):
        grant(world.bridge, OPERATOR, alice, "pioneers", until_at=past, reason="x")
    assert log_of(world, "alice") == []


# --- What people ended by hand --------------------------------------------------------------------


def test_E59_who_was_taken_out_by_staff_is_back_once_a_moderator_lifts_it(
    world: System,
) -> None:
    world.subscribe(world.customer("alice"), world.price("supporters", interval="day"))
    world.settle()
    staff_remove(world, "supporters", "alice")
    pass_days(world, 1.5)
    (shown,) = explain(world.bridge, world.user("alice"))["groups"]
    assert (shown["member"], shown["taken_out_by"]) == (False, "staff")
    told = asked(world, "lift", "alice", "supporters", "--by", "maria")
    assert told["lifted"] == "staff"
    world.settle()
    assert moves(world, "alice", "supporters") == ["in", "out", "in"]
    assert "lifted" in log_of(world, "alice")
    typed(world, "lift", "alice", "supporters", "--by", "maria", code=1)


def test_E59_a_person_is_let_back_into_a_group_whose_title_is_not_its_name(world: System) -> None:
    world.group("lab", full_name="Lab access")
    world.subscribe(world.customer("alice"), world.price("lab"))
    world.settle()
    staff_remove(world, "lab", "alice")
    pass_days(world, 0.5)
    mia, alice = console_of(world), world.user("alice")
    page = mia.get(f"/moderate/person/{alice}").text
    assert f'href="/moderate/person/{alice}/lift?group=lab"' in page
    assert "Lab access" in page
    assert mia.get(f"/moderate/person/{alice}/lift?group=lab").status_code == 200


def test_E59_who_left_may_come_back_and_is_owned_by_the_bridge_again(world: System) -> None:
    subscription = world.subscribe(world.customer("alice"), world.price("supporters"))
    world.settle()
    forum, now = world.sandbox.forum, world.sandbox.world.clock.now()
    alice = forum_user(world, "alice")
    remove_member(forum, forum.groups[world.group("supporters")], alice, alice, now)
    pass_days(world, 0.5)
    assert membership(world, "alice", "supporters").override == "left"
    typed(world, "lift", "alice", "supporters", "--by", "maria")
    world.settle()
    world.sdk.v1.subscriptions.cancel(subscription.id)
    confirm(world)
    assert moves(world, "alice", "supporters") == ["in", "out", "in", "out"]


def held_for_a_price_without_a_rule(world: System) -> None:
    """Alice's subscription moves to a price that leads to no group."""
    subscription = world.subscribe(world.customer("alice"), world.price("supporters"))
    world.settle()
    item = subscription["items"].data[0].id
    new = world.price("")
    world.sdk.v1.products.update(
        str(world.sdk.v1.prices.retrieve(new).product), {"metadata": {"discourse_groups": ""}}
    )
    world.sdk.v1.subscriptions.update(subscription.id, {"items": [{"id": item, "price": new}]})
    confirm(world)
    assert membership(world, "alice", "supporters").hold == "no_rule"


def test_A125_lift_does_not_decide_about_a_hold_and_names_the_two_commands_that_do(
    world: System,
) -> None:
    held_for_a_price_without_a_rule(world)
    refused = typed(world, "lift", "alice", "supporters", "--by", "maria", code=1)
    assert "bridge keep" in refused
    assert "bridge let-go" in refused
    assert membership(world, "alice", "supporters").hold == "no_rule"


def test_A125_A34_what_is_held_stays_when_a_moderator_keeps_it_and_revoke_undoes_that(
    world: System,
) -> None:
    held_for_a_price_without_a_rule(world)
    (seen,) = asked(world, "keep", "alice", "supporters", "--by", "maria", "--preview")["effects"]
    assert (seen["group"], seen["turn"]) == ("supporters", "stays in")
    assert membership(world, "alice", "supporters").hold == "no_rule"
    kept = asked(world, "keep", "alice", "supporters", "--by", "maria")
    confirm(world)
    assert membership(world, "alice", "supporters").hold is None
    typed(world, "keep", "alice", "supporters", "--by", "maria", code=1)
    confirm(world)
    assert moves(world, "alice", "supporters") == ["in"]
    typed(world, "revoke", kept["grant"], "--by", "maria")
    confirm(world)
    assert moves(world, "alice", "supporters") == ["in"]
    assert membership(world, "alice", "supporters").hold == "no_rule"


def test_A125_A34_what_is_held_ends_when_a_moderator_lets_it_go(world: System) -> None:
    held_for_a_price_without_a_rule(world)
    (seen,) = asked(world, "let-go", "alice", "supporters", "--by", "maria", "--preview")["effects"]
    assert (seen["group"], seen["turn"]) == ("supporters", "loses")
    confirm(world)
    assert membership(world, "alice", "supporters").hold == "no_rule"
    typed(world, "let-go", "alice", "supporters", "--by", "maria")
    confirm(world)
    confirm(world)
    assert moves(world, "alice", "supporters") == ["in", "out"]


def test_A34_A93_whatever_they_are_held_for_all_of_them_end_when_they_are_let_go_together(
    world: System,
) -> None:
    price = world.price("guests")
    world.subscribe(world.customer("bob"), price)
    held_for_a_price_without_a_rule(world)
    product = str(world.sdk.v1.prices.retrieve(price).product)
    world.sdk.v1.products.update(product, {"metadata": {"discourse_grace": "soon"}})
    confirm(world)
    assert membership(world, "bob", "guests").hold == "rule_halted"
    who = {"alice": "supporters", "bob": "guests"}
    of = [(world.user(name), world.group(group)) for name, group in who.items()]
    told = held.preview_decisions(world.bridge, "let_go", of, until_at=None)
    assert {one.turn for one in told} == {"loses"}
    reviewed = held.review(world.bridge, of)
    held.decide_held(world.bridge, OPERATOR, "let_go", reviewed, until_at=None, reason="They left")
    confirm(world)
    confirm(world)
    assert (world.groups_of("alice"), world.groups_of("bob")) == (set(), set())


# --- Twice is once, and each act has its reverse --------------------------------------------------


def test_A148_a_grant_twice_is_one_grant_and_a_longer_one_is_another(world: System) -> None:
    world.group("pioneers")
    first = given(world, "alice", "pioneers", "--for", "30d")
    world.advance(5)
    assert given(world, "alice", "pioneers", "--for", "30d") == first
    longer = given(world, "alice", "pioneers", "--for", "60d")
    assert longer != first
    for_good = given(world, "alice", "pioneers")
    assert given(world, "alice", "pioneers") == for_good
    assert len(asked(world, "grant")) == 3
    typed(world, "revoke", for_good, "--by", "maria")
    assert given(world, "alice", "pioneers") != for_good


def test_A125_a_preview_says_who_gains_and_loses_and_changes_nothing(world: System) -> None:
    world.subscribe(world.customer("alice"), world.price("supporters"))
    world.group("pioneers")
    world.settle()
    words = ("--reason", "x", "--by", "maria", "--preview")
    seen = asked(world, "grant", "alice", "pioneers", *words)
    turns = {one["group"]: one["turn"] for one in seen["effects"]}
    assert turns == {"pioneers": "gains", "supporters": "stays in"}
    assert asked(world, "grant") == []
    grant_id = given(world, "alice", "pioneers")
    world.settle()
    seen = asked(world, "revoke", grant_id, "--by", "maria", "--preview")
    turns = {one["group"]: one["turn"] for one in seen["effects"]}
    assert turns == {"pioneers": "loses", "supporters": "stays in"}
    assert "loses pioneers" in typed(world, "revoke", grant_id, "--by", "maria", "--preview")
    staff_remove(world, "supporters", "alice")
    pass_days(world, 0.5)
    seen = asked(world, "lift", "alice", "supporters", "--by", "maria", "--preview")
    turns = {one["group"]: one["turn"] for one in seen["effects"]}
    assert turns == {"pioneers": "stays in", "supporters": "gains"}
    assert membership(world, "alice", "supporters").override == "staff"


def test_A125_a_link_is_previewed_and_has_an_actor(world: System) -> None:
    customer = world.customer(None)
    world.subscribe(customer, world.price("supporters"))
    world.settle()
    world.user("alice")
    (seen,) = asked(world, "link", customer, "alice", "--by", "maria", "--preview")["effects"]
    assert (seen["group"], seen["turn"]) == ("supporters", "gains")
    assert log_of(world, "alice") == []
    typed(world, "link", customer, "alice", "--by", "maria")
    assert asked(world, "link", customer, "alice", "--by", "maria")["is_new"] is False
    confirm(world)
    assert log_of(world, "alice").count("linked") == 1
    (told,) = asked(world, "explain", "alice")["customers"]
    assert told["linked_by"] == f"moderator:{world.user('maria')} via command"
    (seen,) = asked(world, "unlink", customer, "--by", "maria", "--preview")["effects"]
    assert (seen["group"], seen["turn"]) == ("supporters", "loses")
    typed(world, "unlink", customer, "--by", "maria")
    confirm(world)
    assert moves(world, "alice", "supporters") == ["in", "out"]
    typed(world, "unlink", customer, "--by", "maria", code=1)


def test_A148_nothing_is_relinked_from_an_account_that_is_not_known(world: System) -> None:
    world.user("bruno")
    refused = typed(world, "relink", "id:999", "bruno", "--by", "maria", code=1)
    assert "knows nothing about id:999" in refused
    assert log_of(world, "bruno") == []


def test_A125_customers_without_a_user_are_listed_with_what_they_bought_and_their_page(
    world: System,
) -> None:
    customer = world.customer(None)
    world.subscribe(customer, world.price("supporters"))
    world.settle()
    (listed,) = asked(world, "link")
    assert listed["customer_id"] == customer
    assert listed["page"] == f"https://dashboard.stripe.com/test/customers/{customer}"
    (bought,) = listed["bought"]
    assert (bought["product"], bought["amount"]) == ("Membership supporters", "€10.00 a month")
    assert bought["paid_at"][:10] == f"{world.bridge.clock.now():%Y-%m-%d}"
    text = typed(world, "link")
    assert "Membership supporters, €10.00 a month" in text
    assert listed["page"] in text


def test_A125_who_pays_for_a_group_and_is_linked_to_nobody_is_an_alert(world: System) -> None:
    customer, stranger = world.customer(None), world.customer(None)
    world.subscribe(customer, world.price("supporters"))
    world.subscribe(stranger, world.price(""))
    world.settle()
    pass_days(world, 0.02)
    (alert,) = [one for one in asked(world, "alerts") if one["kind"] == "pays_unlinked"]
    assert alert["subject"] == customer
    assert "Membership supporters" in alert["what"]
    assert f"bridge link {customer} USER" in alert["todo"]
    world.user("alice")
    typed(world, "link", customer, "alice", "--by", "maria")
    pass_days(world, 0.02)
    assert [one for one in asked(world, "alerts") if one["kind"] == "pays_unlinked"] == []


def test_A148_a_relink_is_undone_and_what_the_other_account_had_stays_its_own(
    world: System,
) -> None:
    price = world.price("supporters")
    hers, his = world.customer("alice"), world.customer("bruno")
    world.subscribe(hers, price)
    world.subscribe(his, world.price("patrons"))
    world.group("pioneers")
    confirm(world)
    given(world, "alice", "pioneers")
    confirm(world)
    alice = f"id:{world.user('alice')}"
    typed(world, "unrelink", alice, "--by", "maria", code=1)
    typed(world, "relink", alice, "bruno", "--by", "maria")
    confirm(world)
    assert world.groups_of("bruno") == {"supporters", "patrons", "pioneers"}
    typed(world, "relink", alice, "bruno", "--by", "maria", code=1)
    given(world, "bruno", "pioneers", "--for", "90d")
    back = asked(world, "unrelink", alice, "--by", "maria")
    assert back["customers"] == [hers]
    assert len(back["grants"]) == 1
    confirm(world)
    confirm(world)
    assert world.groups_of("alice") == {"supporters", "pioneers"}
    assert world.groups_of("bruno") == {"patrons", "pioneers"}
    assert moves(world, "bruno", "patrons") == ["in"]
    typed(world, "unrelink", alice, "--by", "maria", code=1)
    assert "unrelinked" in log_of(world, "alice")
