"""The texts around an act: whom it is about, its result, and how to undo it."""

from __future__ import annotations

import html
import re
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from flask.testing import FlaskClient
from sqlalchemy import delete, update
from werkzeug.test import TestResponse

from bridge.core.model.actor import moderator
from bridge.core.telling import undone
from bridge.errors import NotFound, Permanent
from bridge.operations import adopting, grants, links, seats, undoing
from bridge.store import changes
from bridge.store.schema.forum import groups, memberships
from bridge.store.schema.rights import hand_grants
from tests.harness import System, system
from tests.system.acts import app_of, checkout, confirm, console_of, do, pass_days, words
from tests.system.acts import moderator as moderator_of

LOST = {
    "owned": "no",
    "added_by": "bridge",
    "wanted": False,
    "sources": [],
    "unwanted_at": None,
    "confirmed_at": None,
}
"""A membership of which the record was lost."""


@pytest.fixture
def world(tmp_path: Path, database_url: str) -> Iterator[System]:
    with system(tmp_path, database_url=database_url) as it:
        it.price("supporters")
        it.settle()
        yield it


CURRENT = "Show the current state"


def test_the_page_after_an_act_says_that_it_is_applied_and_reloads_until_it_is(
    world: System,
) -> None:
    mia, alice = console_of(world), f"/moderate/person/{world.user('alice')}"
    done = do(mia, f"{alice}/grant", group="supporters", until="", reason="Speaker")
    assert done.location == alice
    for _ in range(2):
        page = mia.get(alice)
        assert page.headers["Refresh"] == "1"
        assert "Being applied… This page reloads" in words(page.text)
        assert "alice gets supporters." in words(page.text), "the words stay while it reloads"
    world.settle()
    page = mia.get(alice)
    assert "Refresh" not in page.headers
    assert "Being applied" not in page.text
    assert CURRENT not in page.text
    assert "alice gets supporters." in words(page.text)
    assert "supporters In" in words(page.text)
    assert "alice gets supporters." not in words(mia.get(alice).text)


def test_a_page_reloads_three_times_and_then_offers_to_show_the_current_state(
    world: System,
) -> None:
    mia, alice = console_of(world), f"/moderate/person/{world.user('alice')}"
    do(mia, f"{alice}/grant", group="supporters", until="", reason="Speaker")
    assert [mia.get(alice).headers.get("Refresh") for _ in range(5)] == ["1", "1", "2", None, None]
    page = mia.get(alice)
    assert "Being applied… Show the current state" in words(page.text)
    assert f'<a href="{alice}">{CURRENT}</a>' in page.text
    world.advance(21)
    later = mia.get(alice)
    assert "Refresh" not in later.headers
    assert "Not everything that you decided is applied yet." in words(later.text)
    assert CURRENT in later.text
    world.settle()
    assert "Not everything" not in mia.get(alice).text


def test_what_an_act_said_and_its_reloads_belong_to_the_page_that_shows_the_result(
    world: System,
) -> None:
    """Whatever somebody types or reads elsewhere meanwhile is left alone."""
    mia, alice = console_of(world), f"/moderate/person/{world.user('alice')}"
    do(mia, f"{alice}/grant", group="supporters", until="", reason="Speaker")
    line = line_of(world, "granted")
    mia.get(alice)
    for other in (
        *("/moderate", "/moderate/settings", "/moderate/members", "/moderate/log"),
        *(f"/moderate/log?line={line}", f"{alice}?kind=money", f"{alice}/grant"),
        "/moderate/lists/held",
    ):
        page = mia.get(other)
        assert page.status_code == 200, other
        assert "Refresh" not in page.headers, other
        assert "alice gets supporters." not in words(page.text), other
        assert "Being applied" not in page.text, other
    grants.revoke(
        world.bridge, moderator(world.user("lea"), "console"), grant_of(world, line), reason="No"
    )
    refused = mia.get(f"/moderate/act/undo?change={line}")
    assert refused.status_code == 400
    assert "alice gets supporters." not in words(refused.text)
    assert "alice gets supporters." in words(mia.get(alice).text)


def grant_of(world: System, line: int) -> str:
    with world.bridge.store.read() as connection:
        change = changes.find(connection, line)
    assert change is not None
    return str((change.detail or {})["grant"])


def test_a_removal_is_said_to_follow_within_minutes_and_the_page_does_not_reload_for_it(
    world: System,
) -> None:
    mia, alice = console_of(world), f"/moderate/person/{world.user('alice')}"
    do(mia, f"{alice}/grant", group="supporters", until="", reason="Speaker")
    world.settle()
    mia.get(alice)
    do(mia, "/moderate/act/undo", change=str(line_of(world, "granted")), reason="A mix-up")
    assert mia.get(alice).headers["Refresh"] == "1", "it is still to be decided"
    world.settle()
    for _ in range(2):
        page = mia.get(alice)
        assert "Refresh" not in page.headers
        assert f"The removal follows within a few minutes. {CURRENT}" in words(page.text)
        assert "It is undone; the log keeps both lines." in words(page.text)
    world.advance(61)
    world.settle()
    page = mia.get(alice)
    assert world.groups_of("alice") == set()
    assert "The removal follows" not in page.text
    assert "It is undone; the log keeps both lines." in words(page.text)
    assert "It is undone" not in words(mia.get(alice).text)


def test_a_removal_that_waits_for_a_person_is_not_said_to_follow(world: System) -> None:
    mia, alice = console_of(world), f"/moderate/person/{world.user('alice')}"
    do(mia, f"{alice}/grant", group="supporters", until="", reason="Speaker")
    world.settle()
    do(mia, "/moderate/act/undo", change=str(line_of(world, "granted")), reason="A mix-up")
    world.settle()
    with world.bridge.store.write() as connection:
        connection.execute(update(groups).values(removals_stopped_at=world.bridge.clock.now()))
    assert "The removal follows" not in mia.get(alice).text


def test_a_list_never_reloads_because_somebody_may_be_ticking_its_rows(world: System) -> None:
    price = world.price("supporters")
    world.subscribe(world.customer("alice"), price)
    confirm(world)
    product = str(world.sdk.v1.prices.retrieve(price).product)
    world.sdk.v1.products.update(product, {"metadata": {"discourse_groups": ""}})
    confirm(world)
    mia, held = console_of(world), "/moderate/lists/held"
    row = f"{world.user('alice')}:{world.group('supporters')}"
    assert "alice" in words(mia.get(held).text)
    done = do(mia, "/moderate/act/end-held", which=row, reason="No longer offered")
    assert done.location == held
    page = mia.get(held)
    assert "Refresh" not in page.headers
    assert f"Being applied… {CURRENT}" in words(page.text)
    world.settle()
    page = mia.get(held)
    assert "Being applied" not in page.text
    assert "alice" not in words(page.text)


# --- undoing --------------------------------------------------------------------------------------


def test_A48_every_line_that_has_a_reverse_says_when_it_is_over() -> None:
    assert set(undone.KINDS) == set(undoing.REVERSES)


def line_of(world: System, action: str) -> int:
    with world.bridge.store.read() as connection:
        return changes.page(connection, action=action)[0].id


def fact(name: str, value: str) -> str:
    return f"<dt>{name}</dt><dd>{value}</dd>"


def offers_undo(page: TestResponse, line: int) -> bool:
    return f'/moderate/act/undo?change={line}"' in page.text


def test_A48_undo_is_offered_until_a_line_is_undone_and_then_leads_to_the_line_that_did(
    world: System,
) -> None:
    mia, alice = console_of(world), f"/moderate/person/{world.user('alice')}"
    do(mia, f"{alice}/grant", group="supporters", until="", reason="Speaker")
    world.settle()
    given = line_of(world, "granted")
    assert offers_undo(mia.get(alice), given)
    form = mia.get(f"/moderate/act/undo?change={given}").text
    assert fact("Person", f"alice (id:{world.user('alice')})") in form
    assert fact("What is undone", "Given by hand") in form
    assert fact("Group", "supporters") in form
    done = do(mia, "/moderate/act/undo", change=str(given), reason="A mix-up")
    assert done.location == alice, "it ends on the person's page"
    confirm(world)
    taken = line_of(world, "revoked")
    for place in (alice, "/moderate/log"):
        page = mia.get(place)
        assert not offers_undo(page, given)
        assert offers_undo(page, taken), "and the undoing line can be undone itself"
        assert re.search(rf'href="/moderate/log\?line={taken}#line-{taken}">Undone', page.text)
    refused = mia.get(f"/moderate/act/undo?change={given}")
    assert refused.status_code == 400, "before anybody gives a reason"
    assert f"by line {taken} of the log" in words(refused.text)
    there = mia.get(f"/moderate/log?line={taken}")
    assert f'id="line-{taken}"' in there.text


def test_A48_what_can_never_be_undone_says_why_to_every_role(world: System) -> None:
    mia, alice = console_of(world), f"/moderate/person/{world.user('alice')}"
    do(mia, f"{alice}/grant", group="supporters", until="", reason="Speaker")
    world.settle()
    treasurer = moderator_of(app_of(world), world, "tara", "treasurer")
    for client in (mia, treasurer):
        seen = client.get(f"/moderate/act/undo?change={line_of(world, 'added')}")
        assert seen.status_code == 400
        assert "cannot be undone: only what people decided can be undone." in words(seen.text)
        assert "Show the effects" not in seen.text
    refused = treasurer.get(f"/moderate/act/undo?change={line_of(world, 'granted')}")
    assert refused.status_code == 403
    assert "You can undo payments that you recorded yourself." in words(refused.text)


def test_a_refusal_names_people_and_no_numbers(world: System) -> None:
    mia, alice = console_of(world), f"/moderate/person/{world.user('alice')}"
    do(mia, f"{alice}/grant", group="supporters", until="", reason="Speaker")
    world.settle()
    for act in ("lift", "keep", "let-go"):
        refused = mia.get(f"{alice}/{act}?group=supporters")
        text = words(refused.text)
        assert refused.status_code == 400, text
        assert "alice" in text.partition("What you see")[0].rpartition("id:")[2], text
        assert f"user {world.user('alice')}" not in text


def test_A48_undoing_a_payment_names_the_payer_and_the_amount(world: System) -> None:
    mia, alice = console_of(world), f"/moderate/person/{world.user('alice')}"
    paid = {"amount": "25.00", "currency": "eur", "method": "cash", "what": "The dinner"}
    do(mia, f"{alice}/record-payment", **paid)
    form = mia.get(f"/moderate/act/undo?change={line_of(world, 'payment_recorded')}").text
    assert fact("Person", f"alice (id:{world.user('alice')})") in form
    assert fact("About", "The dinner, €25.00") in form
    assert form.count("€25.00") == 1


def test_A48_undo_is_not_offered_where_nothing_is_left_to_undo(world: System) -> None:
    """Each is decided once more by other means, or ends, so the first line is over."""
    bridge, alice, bob = world.bridge, world.user("alice"), world.user("bob")
    by = moderator(world.user("mia"), "console")
    until = world.bridge.clock.now() + timedelta(days=2)
    grants.grant(bridge, by, alice, "supporters", until_at=until, reason="A visit")
    ended = line_of(world, "granted")
    grant = grants.grant(bridge, by, alice, "supporters", until_at=None, reason="Speaker").grant
    grants.revoke(bridge, by, grant.id, reason="A mix-up")
    again = line_of(world, "revoked")
    grants.grant(bridge, by, alice, "supporters", until_at=None, reason="After all")
    customer = world.customer(None)
    links.link(bridge, by, customer, alice, reason="Said so")
    linked = line_of(world, "linked")
    links.unlink(bridge, by, customer, reason="Not theirs")
    unlinked = line_of(world, "unlinked")
    links.link(bridge, by, customer, bob, reason="But theirs")
    world.advance(3 * 86_400)
    page = console_of(world).get("/moderate/log")
    for line in (ended, again, linked, unlinked):
        assert f'id="line-{line}"' in page.text
        assert not offers_undo(page, line), line
    assert offers_undo(page, line_of(world, "linked"))


def test_A116_what_was_taken_over_from_the_forum_is_undone_while_they_are_in_the_group(
    world: System,
) -> None:
    bridge, bob = world.bridge, world.user("bob")
    by = moderator(world.user("mia"), "console")
    grants.grant(bridge, by, bob, "supporters", until_at=None, reason="Speaker")
    confirm(world)
    with bridge.store.write() as connection:  # as after a backup from before
        connection.execute(delete(hand_grants))
        connection.execute(update(memberships).values(**LOST))
    assert adopting.adopt(bridge, by, adopting.unknown_additions(bridge), reason="Ours")
    adopted = line_of(world, "adopted")
    (effect,) = undoing.reverse_of(bridge, adopted).preview()
    assert effect.turn == "stays in"
    undoing.undo(bridge, by, adopted, reason="They are the forum's")
    pass_days(world, 1)
    assert world.groups_of("bob") == {"supporters"}, "as before, nothing of the bridge's ends it"
    (waiting,) = adopting.unknown_additions(bridge)
    assert waiting.user_id == bob
    for line in (adopted, adopted):
        with pytest.raises(Permanent, match="undone already"):
            undoing.undo(bridge, by, line)
    adopting.adopt(bridge, by, [waiting], reason="Ours after all")
    pass_days(world, 2)
    assert world.groups_of("bob") == set()
    with pytest.raises(Permanent, match="left the group"):
        undoing.undo(bridge, by, line_of(world, "adopted"))


def test_E21_a_seat_that_was_taken_back_with_notice_stays_when_that_is_undone(
    world: System,
) -> None:
    bridge, bob = world.bridge, world.user("bob")
    by = moderator(world.user("mia"), "console")
    price = world.price("supporters", discourse_seats="yes")
    team: Any = {"price": price, "quantity": 3}
    bought = world.sdk.v1.subscriptions.create(
        {"customer": world.customer("alice"), "items": [team]}
    )
    world.settle()
    seats.assign(bridge, by, bought.id, bob, reason="The second cook")
    seats.take_back(bridge, by, bought.id, bob, reason="No longer with us")
    ending = line_of(world, "seat_too_many")
    page = console_of(world).get(f"/moderate/person/{bob}")
    assert offers_undo(page, ending)
    (effect,) = undoing.reverse_of(bridge, ending).preview()
    assert effect.turn == "gains"
    undoing.undo(bridge, by, ending, reason="They came back")
    with pytest.raises(NotFound, match="nobody took back"):
        undoing.undo(bridge, by, ending)
    pass_days(world, 9)
    assert world.groups_of("bob") == {"supporters"}
    assert not offers_undo(console_of(world).get(f"/moderate/person/{bob}"), ending)


# --- about whom -----------------------------------------------------------------------------------


def button(page: TestResponse) -> str:
    """The words of the button that does it."""
    found = re.findall(r'<button class="button main" type="submit">([^<]*)</button>', page.text)
    return html.unescape(found[-1])


WHY = {"reason": "As agreed"}
BOUGHT = fact("Bought", "Membership supporters €5.00 a month (active)")


def shown(
    mia: FlaskClient, path: str, given: dict[str, str], typed: dict[str, str], *facts: str
) -> str:
    """The button of an act whose form says these facts before anything is filled in."""
    form = html.unescape(mia.get(path, query_string=given).text)
    assert all(one in form for one in facts), (path, words(form))
    return button(mia.post(path, data={**given, **typed, **WHY}))


def test_a_form_about_a_person_names_them_before_the_effects_and_in_the_button(
    world: System,
) -> None:
    bridge, alice = world.bridge, world.user("alice")
    by = moderator(world.user("mia"), "console")
    grant = grants.grant(bridge, by, alice, "supporters", until_at=None, reason="Speaker").grant
    customer, guest = world.customer("alice"), world.customer(None)
    world.subscribe(customer, world.price("supporters", amount=500))
    world.settle()
    mia, page = console_of(world), f"/moderate/person/{alice}"
    name = f'<a href="{page}">alice</a> <span class="quiet small">id:{alice}</span>'
    typed = {"group": "supporters", "until": "2050-01-31"}
    assert shown(mia, f"{page}/grant", {}, typed, name) == "Give supporters to alice"
    given = {"grant": grant.id}
    then = (name, fact("Group", "supporters"), fact("Reason then", "Speaker"))
    assert shown(mia, f"{page}/revoke", given, {}, *then) == "Take supporters back from alice"
    theirs = {"customer": customer}
    unlinked = shown(mia, f"{page}/unlink", theirs, {}, name, BOUGHT)
    assert unlinked == f"Unlink {customer} from alice"
    linked = shown(mia, f"{page}/link", {}, {"customer": guest}, name)
    assert linked == f"Link {guest} to alice"
    paid = {"amount": "25", "currency": "eur", "method": "cash", "what": "Dinner"}
    assert shown(mia, f"{page}/record-payment", {}, paid, name) == "Record €25.00 for alice"
    running = {"subscription": world.sdk.v1.subscriptions.list({"customer": customer}).data[0].id}
    what = fact("Subscription", f"Membership supporters ({running['subscription']})")
    for act, verb in (("cancel", "Cancel"), ("pause", "Pause")):
        done = shown(mia, f"{page}/{act}", running, {}, name, what)
        assert done == f"{verb} Membership supporters of alice"


def test_a_form_about_a_row_of_a_list_names_it_before_the_effects_and_in_the_button(
    world: System,
) -> None:
    bridge, bob = world.bridge, world.user("bob")
    by = moderator(world.user("mia"), "console")
    grants.grant(bridge, by, bob, "supporters", until_at=None, reason="Speaker")
    guest = world.customer(None)
    world.subscribe(guest, world.price("supporters", amount=500))
    world.settle()
    mia, site, about = console_of(world), "/moderate/act", {"customer": guest}
    to_bob = {"user": "bob"}
    assigned = shown(mia, f"{site}/assign", about, to_bob, fact("Customer", guest), BOUGHT)
    assert assigned == f"Assign {guest} to bob"
    preview = mia.post(f"{site}/assign", data={**about, **to_bob, **WHY}).text
    assert fact("Forum account", f"bob (id:{bob})") in preview
    assert shown(mia, f"{site}/set-aside", about, {}, BOUGHT) == f"Set {guest} aside"
    links.set_aside(bridge, by, guest, reason="The newsletter only")
    reason = fact("Set aside because", "The newsletter only")
    put_back = shown(mia, f"{site}/wait-again", about, {}, BOUGHT, reason)
    assert put_back == f"Put {guest} back on the list"
    line = {"change": str(line_of(world, "granted"))}
    undo = shown(mia, f"{site}/undo", line, {}, fact("Group", "supporters"))
    assert undo == "Undo “Given by hand” for bob"


def test_A62_an_application_says_who_paid_what_before_it_is_decided(world: System) -> None:
    price = world.price("supporters", amount=15_000, interval=None, discourse_approval="2026-01-01")
    world.settle()
    for name in ("ann", "ben"):
        checkout(world, name, price, mode="payment")
    world.settle()
    mia, ann, ben = console_of(world), world.user("ann"), world.user("ben")
    form = mia.get(f"/moderate/act/approve?which={ann}")
    assert f"<dt>ann (id:{ann})</dt><dd>Membership supporters, €150.00, applied on" in form.text
    path, why = "/moderate/act/approve", {"reason": "As the board decided"}
    assert button(mia.post(path, data={"which": str(ann), **why})) == "Approve ann"
    both = mia.post("/moderate/act/decline", data={"which": f"{ann},{ben}", **why})
    assert button(both) == "Decline ann and ben"
    do(mia, path, which=str(ann), **why)
    again = mia.get(f"/moderate/act/approve?which={ann}")
    assert again.status_code == 400
    assert "Show the effects" not in again.text, "there is nothing to fill in any more"


# --- what is known to be impossible ---------------------------------------------------------------


def test_what_cannot_be_done_is_refused_before_it_is_confirmed(world: System) -> None:
    bridge, alice = world.bridge, world.user("alice")
    by = moderator(world.user("mia"), "console")
    grants.grant(bridge, by, alice, "supporters", until_at=None, reason="Speaker")
    customer = world.customer("alice")
    world.subscribe(customer, world.price("supporters"))
    world.settle()
    mia, of_alice, site = console_of(world), f"/moderate/person/{alice}", "/moderate/act"
    do(mia, f"{of_alice}/statement")
    world.settle()

    def refused(page: TestResponse, why: str) -> None:
        assert page.status_code == 400
        assert why in words(page.text)
        assert 'name="reviewed"' not in page.text, "there is nothing to confirm"

    refused(mia.get(f"{of_alice}/statement"), "already sent again today")
    given = {"group": "supporters", "until": "", "reason": "Speaker"}
    refused(mia.post(f"{of_alice}/grant", data=given), "Somebody has given them")
    paid = {"amount": "25.00", "currency": "eur", "method": "cash", "what": "Dinner"}
    do(mia, f"{of_alice}/record-payment", **paid)
    refused(mia.post(f"{of_alice}/record-payment", data=paid), "is already recorded")
    assert button(mia.post(f"{of_alice}/record-payment", data={**paid, "again": "yes"}))
    refused(mia.get(f"{site}/release?group=supporters"), "they go on already")
    for act in ("assign", "set-aside", "wait-again"):
        page = mia.get(f"{site}/{act}?customer={customer}")
        refused(page, "linked")
        assert "Show the effects" not in page.text
    refused(mia.get(f"{site}/replay?event=evt_unknown"), "does not wait")
    refused(mia.get(f"{of_alice}/let-go?group=supporters"), "is not on hold")
    refused(mia.get(f"{of_alice}/adopt?group=supporters"), "did not add them there")
