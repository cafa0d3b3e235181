"""Access to the console and the API: the docs' table, checked with real requests."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import update
from werkzeug.test import TestResponse

from bridge.answers.worklists.lists import WORKLISTS
from bridge.core.model.actor import operator
from bridge.core.model.doors import Door
from bridge.core.model.roles import RIGHTS
from bridge.operations.tokens import make_token
from bridge.sandbox.discourse.membership import add_member, remove_member
from bridge.store import changes, hand_grants
from bridge.store.schema.work import slots
from bridge.web import create_app
from bridge.web.api.calls import RIGHTS as RIGHTS_OF_CALLS
from bridge.web.api.doors import TOKENS
from bridge.web.api.doors import doors as doors_of_the_api
from bridge.web.moderate.access import NEEDS
from bridge.web.moderate.doors import PEOPLE
from bridge.web.moderate.doors import doors as doors_of_the_console
from tests.harness import POLICY, System, system
from tests.system.acts import words

SITE = replace(POLICY, treasurers="treasurers", readers="board", refunds=True)
# Longer ago than a role holds for an act, so that the forum is asked for each.
A_WHILE = timedelta(minutes=1)


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[System]:
    """One person for each role, known by its name; more requests than a walk needs."""
    with system(tmp_path_factory.mktemp("doors"), policy=SITE, per_minute=5000) as it:
        it.subscribe(it.customer("alice"), it.price("supporters"))
        for role in PEOPLE[1:]:
            it.user(role)
        give_role(it, "administrator", "administrator")
        give_role(it, "moderator", "moderator")
        give_role(it, "treasurer", "treasurer")
        give_role(it, "reader", "reader")
        it.settle()
        yield it


def give_role(world: System, who: str, role: str) -> None:
    """As an administrator of the forum does it."""
    forum, now = world.sandbox.forum, world.sandbox.world.clock.now()
    person = forum.users[world.user(who)]
    match role:
        case "administrator":
            person.admin = True
        case "moderator":
            person.moderator = True
        case _:
            group = forum.groups[world.group({"treasurer": "treasurers", "reader": "board"}[role])]
            add_member(forum, group, person, forum.users[world.user("administrator")], now)


def browser_of(app: Flask, world: System, who: str, *, ago: timedelta = A_WHILE) -> FlaskClient:
    """Signed in by the forum a while ago, with the role that is their name."""
    client = app.test_client()
    if who != "stranger":
        with client.session_transaction() as session:
            session["user_id"], session["username"] = world.user(who), who
            session["role"] = who if who in RIGHTS else None
            session["signed_in_at"] = (world.bridge.clock.now() - ago).isoformat()
    return client


def address(world: System, one: Door) -> str:
    """The address with ids that exist where the bridge has some."""
    named = one.address.replace("<user_id>", str(world.user("alice")))
    named = named.replace("<group_id>", str(world.group("supporters")))
    return re.sub(r"<\w+>", "held" if one.endpoint == "moderate.worklist" else "id:1", named)


# --- the console --------------------------------------------------------------------------------


@pytest.mark.parametrize("who", PEOPLE)
def test_A81_each_role_passes_where_the_table_says_and_nowhere_else(
    app: Flask, world: System, who: str
) -> None:
    client = browser_of(app, world, who)
    for one in doors_of_the_console(app.url_map):
        for method in one.methods:
            answer = client.open(address(world, one), method=method)
            passed = who in one.passes
            assert outcome(answer) == ("in" if passed else refusal(who)), (one.address, method)
            if not passed:
                assert "alice" not in answer.text
                assert "supporters" not in answer.text


def outcome(answer: TestResponse) -> str:
    """Whether a request was let in, even if its empty form is refused."""
    if answer.status_code == 303 and answer.location.startswith("/login"):
        return "asked to log in"
    return "refused" if answer.status_code == 403 else answer_of_the_page(answer)


def answer_of_the_page(answer: TestResponse) -> str:
    # Of what is made up, only somebody who may look is told that it is not there.
    assert answer.status_code in {200, 303, 400, 404}, answer.text[:500]
    return "in"


def refusal(who: str) -> str:
    return "asked to log in" if who == "stranger" else "refused"


def test_a_stranger_whom_the_forum_does_not_know_sees_the_login_page(
    app: Flask, world: System
) -> None:
    for one in doors_of_the_console(app.url_map):
        if "GET" in one.methods:
            answer = app.test_client().get(f"{address(world, one)}?signed_in=no")
            assert answer.status_code == 401, one.address


def test_each_form_of_the_console_is_protected_from_other_sites(world: System) -> None:
    protected = create_app(world.bridge)
    client = browser_of(protected, world, "administrator")
    posts = [one for one in doors_of_the_console(protected.url_map) if "POST" in one.methods]
    assert len(posts) > len(WORKLISTS)
    for one in posts:
        answer = client.post(address(world, one), base_url=world.bridge.settings.bridge_url)
        assert (answer.status_code, "The page was open for too long" in answer.text) == (400, True)


# --- roles that were taken away -----------------------------------------------------------------


def take_role(world: System, who: str, how: str) -> None:
    forum, now = world.sandbox.forum, world.sandbox.world.clock.now()
    person = forum.users[world.user(who)]
    match how:
        case "role":
            person.moderator = False
        case "group":
            group = forum.groups[world.group("treasurers")]
            remove_member(forum, group, person, forum.users[world.user("administrator")], now)
        case "suspended":
            person.suspended_till = now + 86_400
        case "deleted":
            del forum.users[person.id]


FORMS = {
    "grant": {"group": "supporters", "until": "", "reason": "Helps at the door"},
    "record-payment": {
        "amount": "12.00",
        "currency": "eur",
        "method": "cash",
        "what": "Summer party",
    },
}


@pytest.mark.parametrize(
    ("role", "act", "how"),
    [
        ("moderator", "grant", "role"),
        ("moderator", "grant", "suspended"),
        ("moderator", "grant", "deleted"),
        ("treasurer", "record-payment", "group"),
    ],
)
def test_A81_a_session_whose_role_was_taken_away_a_minute_ago_does_nothing(
    app: Flask, world: System, role: str, act: str, how: str
) -> None:
    who = f"{role}_{how}"
    give_role(world, who, role)
    client = browser_of(app, world, who)
    with client.session_transaction() as session:
        session["role"] = role
    path = f"/moderate/person/{world.user('alice')}/{act}"
    preview = client.post(path, data=FORMS[act])
    reviewed = re.search(r'name="reviewed" value="(\w+)"', preview.text)
    assert reviewed, preview.text
    take_role(world, who, how)
    world.advance(61)
    before = log_length(world)
    answer = client.post(path, data={**FORMS[act], "reviewed": reviewed[1]})
    assert answer.status_code == 403
    assert log_length(world) == before
    with world.bridge.store.read() as connection:
        assert hand_grants.with_steps(connection, world.user("alice")) == ((), ())
    assert client.get("/moderate").status_code == 403, "and sees nothing from then on"


def log_length(world: System) -> int:
    with world.bridge.store.read() as connection:
        return len(changes.page(connection, user_id=world.user("alice")))


def test_a_page_that_is_refused_says_why_and_leads_moderators_back_to_the_console(
    app: Flask, world: System
) -> None:
    path, back = f"/moderate/person/{world.user('alice')}", 'href="/moderate">Back to the console'
    reader, stranger = (browser_of(app, world, name) for name in ("reader", "nobody"))
    for client, address, says, has_way in (
        (reader, f"{path}/grant", "Your role here is reader.", True),
        (reader, "/moderate/person/99999999", "Nobody found", True),
        (reader, "/moderate/members?day=2027-02-29", "This is not a day", True),
        (reader, "/moderate/nothing/here", "Page not found", True),
        (stranger, "/moderate", "Your forum account has no role here.", False),
        (stranger, "/moderate/nothing/here", "Page not found", False),
    ):
        page = client.get(address).text
        assert (says in page, back in page) == (True, has_way), address
        assert "You have not been charged" not in page, address
    assert "You have not been charged" in stranger.get("/nothing/here").text


def test_a_role_given_while_signed_in_counts_from_the_next_act_on(
    app: Flask, world: System
) -> None:
    client = browser_of(app, world, "promoted")
    world.user("promoted")
    path = f"/moderate/person/{world.user('alice')}/read-again"
    assert client.post(path).status_code == 403
    give_role(world, "promoted", "moderator")
    world.advance(61)
    assert client.post(path).status_code == 200


def test_while_the_forum_does_not_say_who_is_a_moderator_nothing_is_done(
    app: Flask, world: System
) -> None:
    client = browser_of(app, world, "moderator")
    faults = world.sandbox.world.faults
    outage = faults.add("discourse", "GET /admin/users/*", "status", times=None, status=502)
    try:
        answer = client.post(f"/moderate/person/{world.user('alice')}/read-again")
    finally:
        faults.switches.remove(outage)
    assert answer.status_code == 503
    assert client.get("/moderate").status_code == 200, "looking does not need the forum"


def test_who_asks_more_of_the_forum_than_it_takes_reads_when_to_try_again(
    app: Flask, world: System
) -> None:
    client, path = browser_of(app, world, "moderator"), f"/moderate/person/{world.user('alice')}"
    now = world.bridge.clock.now()
    with world.bridge.store.write() as connection:
        connection.execute(update(slots).values(free_at=now + timedelta(seconds=40)))
    try:
        answer = client.post(f"{path}/read-again")
    finally:
        with world.bridge.store.write() as connection:
            connection.execute(update(slots).values(free_at=now))
    assert answer.status_code == 503
    assert "only so many times a minute" in answer.text
    assert f"try again in {answer.headers['Retry-After']} second" in answer.text


def test_what_was_typed_is_sent_again_where_the_forum_did_not_answer(
    app: Flask, world: System
) -> None:
    world.user("patient")
    give_role(world, "patient", "moderator")
    client = browser_of(app, world, "patient")
    with client.session_transaction() as session:
        session["role"] = "moderator"
    path = f"/moderate/person/{world.user('alice')}/grant"
    form = {**FORMS["grant"], "reason": 'Helps <at> the "door"'}
    faults = world.sandbox.world.faults
    outage = faults.add("discourse", "GET /admin/users/*", "status", times=None, status=502)
    try:
        answer = client.post(path, data=form)
    finally:
        faults.switches.remove(outage)
        world.advance(61)  # the forum is asked again
    assert answer.status_code == 503
    assert f'<form method="post" action="{path}">' in answer.text
    assert 'name="reason" value="Helps &lt;at&gt; the &#34;door&#34;"' in answer.text
    looked = client.get("/moderate/log?by=mia&day=2027-02-29", headers={})
    again = client.get("/moderate/log?by=mia&since=2027-02-29")
    assert looked.status_code == 200
    assert 'href="/moderate/log?by=mia&amp;since=2027-02-29">Try again' in again.text


def test_the_forum_is_asked_for_a_role_twice_a_minute_at_most(app: Flask, world: System) -> None:
    client = browser_of(app, world, "moderator")
    since = world.mark()
    for _ in range(5):
        client.post(f"/moderate/person/{world.user('alice')}/read-again")
    asked = [one for one in world.calls("discourse", since) if "/admin/users/" in one.path]
    assert len(asked) == 1


# --- groups that give a role ----------------------------------------------------------------------

OF_ROLES = {"treasurers": {"administrator"}, "board": {"administrator", "moderator"}}
"""Groups that give a role in the console, and who may hand it out."""
CANNOT = "gives rights in this console that you cannot hand out: ask an administrator."


@pytest.mark.parametrize("group", OF_ROLES)
@pytest.mark.parametrize("role", ["administrator", "moderator", "treasurer"])
@pytest.mark.parametrize("act", FORMS)
def test_A81_nobody_hands_out_a_role_with_more_rights_than_their_own(
    app: Flask, world: System, role: str, act: str, group: str
) -> None:
    client = browser_of(app, world, role)
    path = f"/moderate/person/{world.user(f'{role}_{group}_{act[:5]}')}/{act}"
    form = {**FORMS[act], "group": group, "what": f"{group} for {role}"}
    if act == "grant" and role == "treasurer":
        assert client.get(path).status_code == 403
        return
    may = role in OF_ROLES[group]
    assert (f"<option>{group}</option>" in client.get(path).text) == may
    seen = client.post(path, data=form)
    assert seen.status_code == (200 if may else 400)
    assert (CANNOT in words(seen.text)) == (not may)
    # Named by its id, and without a preview of it, it is refused as well.
    number = str(world.group(group))
    named = client.post(path, data={**form, "group": f"id:{number}"})
    reviewed = re.search(r'name="reviewed" value="(\w+)"', named.text)
    assert reviewed, words(named.text)
    done = client.post(path, data={**form, "group": f"id:{number}", "reviewed": reviewed[1]})
    assert done.status_code == (303 if may else 400)
    assert (CANNOT in words(done.text)) == (not may)


def test_A63_a_token_hands_out_no_role_and_a_moderator_maps_none(app: Flask, world: System) -> None:
    until = world.bridge.clock.now() + timedelta(days=1)
    made = make_token(world.bridge, operator("root"), "giver", ["grants:write"], until)
    headers = {"Authorization": f"Bearer {made.secret}", "Idempotency-Key": "role"}
    for group in OF_ROLES:
        answer = app.test_client().post(
            f"/api/v1/people/{world.user('bob')}/grants",
            headers={**headers, "Idempotency-Key": group},
            json={"group": group, "reason": "So it is", "until": until.isoformat()},
        )
        assert answer.status_code == 400, answer.text
        assert "gives rights in this console" in answer.text
    product = world.sdk.v1.prices.retrieve(world.price("supporters")).product
    change = {"thing": str(product), "key": "groups", "value": "supporters, treasurers"}
    for role in ("moderator", "administrator"):
        form = {**change, "price": "", "since": "", "reason": "For the books"}
        seen = browser_of(app, world, role).post("/moderate/act/map", data=form)
        assert seen.status_code == (200 if role == "administrator" else 400)
        assert (CANNOT in words(seen.text)) == (role == "moderator")


# --- the API ------------------------------------------------------------------------------------


@pytest.mark.parametrize("who", TOKENS)
def test_A63_each_token_passes_where_the_table_says_and_nowhere_else(
    app: Flask, world: System, who: str
) -> None:
    headers = {"Idempotency-Key": who}
    if who != "no token":
        until = world.bridge.clock.now() + timedelta(days=1)
        made = make_token(world.bridge, operator("root"), "walk", [who], until)
        headers["Authorization"] = f"Bearer {made.secret}"
    for one in doors_of_the_api(app.url_map):
        for method in one.methods:
            answer = app.test_client().open(
                address(world, one), method=method, headers=headers, json={}
            )
            if who in one.passes:
                assert answer.status_code in {200, 400, 404}, (one.address, answer.text)
            elif who == "no token":
                assert answer.status_code == 401, one.address
            else:
                assert answer.status_code == 403, one.address
                assert one.needs in answer.text


def test_A63_a_token_opens_no_page_and_a_session_opens_no_address_of_the_api(
    app: Flask, world: System
) -> None:
    until = world.bridge.clock.now() + timedelta(days=1)
    made = make_token(world.bridge, operator("root"), "walk", TOKENS[1:], until)
    token = {"Authorization": f"Bearer {made.secret}"}
    for one in doors_of_the_console(app.url_map):
        answer = app.test_client().open(address(world, one), method=one.methods[0], headers=token)
        assert outcome(answer) == "asked to log in"
    client = browser_of(app, world, "administrator")
    for one in doors_of_the_api(app.url_map):
        if "no token" not in one.passes:
            answer = client.open(address(world, one), method=one.methods[0], json={})
            assert answer.status_code == 401


def test_no_two_rows_of_the_tables_are_about_the_same(app: Flask) -> None:
    both = [*doors_of_the_console(app.url_map), *doors_of_the_api(app.url_map)]
    asked = [(one.address, method) for one in both for method in one.methods]
    assert len(asked) == len(set(asked))
    served = {rule.endpoint for rule in app.url_map.iter_rules()}
    prefixed = {name for name in served if name.startswith(("moderate.", "api."))}
    assert {one.endpoint for one in both} == prefixed
    assert {one.endpoint for one in both} == {*NEEDS, *RIGHTS_OF_CALLS, "api.openapi"}
