"""How an act of the console begins and ends: about whom, with which fields, and where it leads."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest

from bridge.core.model.actor import moderator
from bridge.core.telling import undone
from bridge.core.telling.log import ACTIONS
from bridge.operations import grants
from bridge.store import changes, links
from bridge.web.moderate.acts import ACTS
from bridge.web.moderate.list_acts import LIST_ACTS
from tests.harness import POLICY, System, system
from tests.system.acts import app_of, checkout, confirm, console_of, do, staff_remove, words
from tests.system.acts import moderator as moderator_of

NOBODY = 999_999
OPEN = [name for name, act in ACTS.items() if act.right != "refund"]
"""Refunds are switched off here."""


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[System]:
    policy = replace(POLICY, prices={"lone": {"grace": "9d"}})
    with system(tmp_path_factory.mktemp("begun"), policy=policy, per_minute=500) as it:
        it.price("supporters")
        lone = it.price("readers", discourse_grace="3d")
        it.sdk.v1.prices.update(lone, {"lookup_key": "lone"})
        began = "2026-01-01"
        shares = it.price("members", amount=15_000, interval=None, discourse_approval=began)
        it.settle()
        for name in ("ann", "ben"):
            checkout(it, name, shares, mode="payment")
        it.settle()
        yield it


def referred(world: System, path: str) -> dict[str, str]:
    return {"Referer": world.bridge.settings.bridge_url + path}


def hidden(page: str, name: str) -> list[str]:
    return re.findall(rf'<input type="hidden" name="{name}" value="([^"]*)">', page)


@pytest.mark.parametrize("name", [*OPEN, "then", "reply", "money"])
def test_A48_an_account_that_nobody_has_opens_no_page_and_no_act(world: System, name: str) -> None:
    world.advance(61)  # the forum is asked, which allows only so much in a minute
    mia, path = console_of(world), f"/moderate/person/{NOBODY}/{name}"
    pages = [mia.get(path)]
    if name in ACTS:
        pages.append(mia.post(path, data={"group": "supporters", "reason": "A mix-up"}))
    for page in pages:
        assert page.status_code == 404
        assert "Nobody found" in words(page.text)
        assert '<a class="button main" href="/moderate/find">Find a person</a>' in page.text


def test_an_act_opens_for_somebody_whom_only_the_forum_knows_and_names_them(world: System) -> None:
    path = f"/moderate/person/{world.user('newcomer')}"
    assert ">newcomer</a>" in console_of(world).get(f"{path}/grant").text
    assert console_of(world).get(path).status_code == 200


def test_an_account_that_is_gone_from_the_forum_keeps_its_page_and_its_acts(world: System) -> None:
    now, gone = world.bridge.clock.now(), NOBODY - 1
    with world.bridge.store.write() as connection:
        links.link(connection, "cus_old", gone, proof="operator", actor="root", now=now)
    mia, path = console_of(world), f"/moderate/person/{gone}"
    page = mia.get(path)
    assert page.status_code == 200
    assert "cus_old" in page.text
    assert "Write a reply" not in page.text, "there is no name to write to"
    for name in ("then", "unlink?customer=cus_old", "grant"):
        assert mia.get(f"{path}/{name}").status_code == 200, name


@pytest.mark.parametrize(
    ("name", "started"),
    [
        (name, f"/moderate/lists/{one.list}?kind=waiting")
        for name, one in LIST_ACTS.items()
        if "which" in one.fields
    ],
)
def test_A62_a_list_asks_for_a_row_if_none_was_ticked(
    world: System, name: str, started: str
) -> None:
    mia, path = console_of(world), f"/moderate/act/{name}"
    said = f"Tick at least one row, then choose “{LIST_ACTS[name].title}”."
    from_list, nothing = referred(world, started), {"which": "", "reason": "Known"}
    for method, data in (("GET", {}), ("GET", {"which": ""}), ("POST", nothing)):
        more: Any = {"query_string": data}
        if method == "POST":
            more = {"data": {**data, "begun": started}}
        answer = mia.open(path, method=method, headers=from_list, **more)
        assert (answer.status_code, answer.location) == (303, started)
        page = mia.get(started.partition("?")[0])
        assert f'<p class="note warn" role="alert">{said}</p>' in page.text
    assert said not in mia.get("/moderate").text


def test_a_form_is_not_shown_where_no_other_words_would_help(world: System) -> None:
    bridge, ann = world.bridge, world.user("ann")
    by = moderator(world.user("mia"), "console")
    path, mia = f"/moderate/person/{ann}", console_of(world)
    for answer in (
        mia.get(f"{path}/change-plan"),
        mia.post(f"{path}/change-plan", data={"reason": "They asked"}),
        mia.post(f"{path}/change-plan", data={"price": "price_1", "reason": "They asked"}),
    ):
        assert answer.status_code == 400
        assert "Show the effects" not in answer.text
        assert f'<a class="button" href="{path}">Go back</a>' in answer.text
    grant = grants.grant(bridge, by, ann, "supporters", until_at=None, reason="Speaker").grant
    fields = {"grant": grant.id, "reason": "A mix-up"}
    assert do(mia, f"{path}/revoke", **fields).status_code == 303
    again = mia.post(f"{path}/revoke", data=fields)
    assert again.status_code == 400, "in another tab"
    assert "Show the effects" not in again.text
    typed = mia.post(f"{path}/grant", data={"group": "", "reason": "Speaker"})
    assert typed.status_code == 400
    assert "Show the effects" in typed.text, "another word helps"


@pytest.mark.parametrize("query", ["key=groups", "key=grace&price=price_nope", "price=price_nope"])
def test_a_form_for_the_mapping_needs_a_price_that_is_known(world: System, query: str) -> None:
    answer = console_of(world).get(f"/moderate/act/map?{query}")
    assert answer.status_code == 400
    assert "Choose a value on the page of the mapping." in words(answer.text)
    assert "Show the effects" not in answer.text


def test_a_payer_without_a_link_to_claim_the_payment_is_listed_as_such(world: System) -> None:
    price = world.price("readers")
    world.subscribe(world.customer(None), price)
    world.settle()
    page = words(console_of(world).get("/moderate/lists/unlinked").text)
    assert "There is no link to claim it." in page
    assert "Link to claim it" not in page


def test_A62_an_act_leads_back_to_the_page_where_it_was_begun(world: System) -> None:
    mia, ben = console_of(world), world.user("ben")
    person = f"/moderate/person/{ben}"
    form = mia.get(f"/moderate/act/decline?which={ben}", headers=referred(world, person))
    assert hidden(form.text, "begun") == [person]
    assert f'<p class="back"><a href="{person}">' in form.text
    done = do(mia, "/moderate/act/decline", which=str(ben), reason="Not yet", begun=person)
    assert done.location == person
    assert "Applications declined: 1." in words(mia.get(person).text)
    line = re.findall(r"/moderate/act/undo\?change=(\d+)", mia.get(person).text)[0]
    log = f"/moderate/log?person=id:{ben}"
    undo = mia.get(f"/moderate/act/undo?change={line}", headers=referred(world, log))
    assert hidden(undo.text, "begun") == [f"/moderate/log?person=id%3A{ben}"]
    (begun,) = hidden(undo.text, "begun")
    done = do(mia, "/moderate/act/undo", change=line, reason="After all", begun=begun)
    assert done.location == begun
    assert "It is undone; the log keeps both lines." in words(mia.get(begun).text)


@pytest.mark.parametrize(
    "begun",
    [
        "https://evil.example/moderate",
        "//evil.example/moderate",
        "/\\evil.example",
        "/moderate/../me",
        "/moderate\r\nX-Header: 1",
        "/me",
        "/moderate/act/undo?change=1",
        "/moderate/person/1/grant",
        "/moderate/log.csv",
        "/moderate/find?q=ann@example.com",
        "javascript:alert(1)",
        "moderate",
        "",
    ],
)
def test_A48_no_act_leads_to_anything_but_a_page_of_the_console(world: System, begun: str) -> None:
    mia, ann = console_of(world), f"/moderate/person/{world.user('ann')}"
    seen = mia.post(f"{ann}/read-again", data={"begun": begun})
    assert hidden(seen.text, "begun") == []
    assert do(mia, f"{ann}/read-again", begun=begun).location == ann


def test_A48_words_of_an_address_do_not_change_where_it_leads(world: System) -> None:
    mia, ann = console_of(world), f"/moderate/person/{world.user('ann')}"
    begun = "/moderate/lists/held?_external=1&_scheme=javascript&all=yes&after=a%2Fb"
    done = do(mia, f"{ann}/read-again", begun=begun)
    assert done.location == "/moderate/lists/held?_external=1&_scheme=javascript&after=a%2Fb"


def test_A58_a_form_about_a_membership_names_its_group_once(world: System) -> None:
    bridge, ann = world.bridge, world.user("cleo")
    by = moderator(world.user("mia"), "console")
    grants.grant(bridge, by, ann, "supporters", until_at=None, reason="Speaker")
    confirm(world)
    staff_remove(world, "supporters", "cleo")
    world.advance(700)
    world.settle()
    mia, path = console_of(world), f"/moderate/person/{ann}/lift"
    form = mia.get(f"{path}?group=supporters").text
    assert form.count("<dt>Group</dt><dd>supporters</dd>") == 1
    assert '<select id="f-group"' not in form
    assert hidden(form, "group") == ["supporters"]
    preview = mia.post(path, data={"group": "supporters", "reason": "They asked"}).text
    assert preview.count("<dt>Group</dt><dd>supporters</dd>") == 1
    assert '<select id="f-group"' in mia.get(path).text, "a link without a group asks for it"


def test_A33_a_value_that_bridge_toml_overrides_says_so_beside_its_field(world: System) -> None:
    lone = world.sdk.v1.prices.list({"lookup_keys": ["lone"]}).data[0]
    mia, address = console_of(world), "/moderate/act/map"
    asked = {"price": lone.id, "key": "grace", "thing": lone.id, "value": "3d"}
    form = mia.get(address, query_string=asked).text
    said = "bridge.toml [prices.lone] says grace = 9d. It wins over what Stripe says."
    assert f'<span class="small" id="n-value">{said}</span>' in form
    assert 'name="value" aria-describedby="n-value"' in form
    other = mia.get(address, query_string={**asked, "key": "trial", "value": ""}).text
    assert "n-value" not in other


@pytest.mark.parametrize("said", ["nothing", "of nobody", "all of somebody"])
def test_A48_undoing_any_line_opens_a_form_or_says_why_not(world: System, said: str) -> None:
    bridge, by = world.bridge, str(moderator(world.user("mia"), "console"))
    what: dict[str, Any] = {
        "nothing": {},
        "of nobody": {"user_id": NOBODY, "customer_id": "cus_nobody", "outcome": "to 7"},
        "all of somebody": {
            "user_id": world.user("ann"),
            "group_id": world.group("supporters"),
            "customer_id": "cus_1",
            "outcome": "sub_1",
            "detail": {"line": "by_hand_1", "step": "step:1", "grant": "grant:1", "thing": "x"},
        },
    }[said]
    mia, treasurer = console_of(world), moderator_of(app_of(world), world, "tara", "treasurer")
    for action in (*ACTIONS, "cancelled_refused", "refunded_unknown"):
        with bridge.store.write() as connection:
            changes.log(connection, action, now=bridge.clock.now(), cause=by, **what)
            (line, *_) = changes.page(connection, action=action)
        for client, statuses in ((mia, {200, 400}), (treasurer, {200, 400, 403})):
            page = client.get(f"/moderate/act/undo?change={line.id}")
            assert page.status_code in statuses, (action, words(page.text))
            assert ("Show the effects" in page.text) == (page.status_code == 200), action
            if undone.never(line):
                assert page.status_code == 400, action
                assert "cannot be undone" in words(page.text)
            if page.status_code == 400:
                assert 'role="alert"' in page.text, action


def test_A148_undoing_reads_stripe_as_often_as_the_act_and_is_limited_like_it(
    world: System,
) -> None:
    running = world.subscribe(world.customer("dora"), world.price("supporters", amount=500))
    world.settle()
    mia, path = console_of(world, "max"), f"/moderate/person/{world.user('dora')}/uncancel"
    given = {"subscription": running.id, "reason": "They asked"}
    do(mia, path.replace("uncancel", "cancel"), **given)
    world.settle()
    with world.bridge.store.read() as connection:
        (line, *_) = changes.page(connection, action="cancelled")
    undo = {"change": str(line.id), "reason": "They asked"}
    asked = []
    for address, fields in ((path, given), ("/moderate/act/undo", undo)):
        before = world.mark()
        assert "Show the effects" in mia.get(address, query_string=fields).text
        seen = mia.post(address, data=fields)
        assert "What will change" in seen.text
        asked.append(len(world.calls("stripe", before)))
    assert asked[1] <= asked[0]
    limiter = mia.application.extensions["limiter"]
    while limiter.allows("ask", f"user:{world.user('max')}"):
        pass
    assert mia.get("/moderate/act/undo", query_string=undo).status_code == 429


def test_A62_a_decision_that_another_tab_has_made_is_refused_without_a_form(world: System) -> None:
    shares = world.price("members", interval=None, discourse_approval="2026-01-01")
    checkout(world, "zoe", shares, mode="payment")
    world.settle()
    zoe, path = str(world.user("zoe")), "/moderate/act/approve"
    person, fields = f"/moderate/person/{zoe}", {"which": zoe, "reason": "Known to all"}
    tabs = [console_of(world, name) for name in ("mia", "max")]
    fields["begun"] = person
    seen = [hidden(tab.post(path, data=fields).text, "reviewed")[0] for tab in tabs]
    reviewed = [{**fields, "reviewed": one} for one in seen]
    done, late = (tab.post(path, data=sent) for tab, sent in zip(tabs, reviewed, strict=True))
    assert (done.status_code, done.location) == (303, person)
    again = tabs[0].get(f"{path}?which={zoe}")
    for page in (late, again):
        assert page.status_code == 400
        assert "no application" in words(page.text).lower()
        assert "Show the effects" not in page.text
    assert f'<a class="button" href="{person}">Go back</a>' in late.text
    with world.bridge.store.read() as connection:
        lines = changes.page(connection, user_id=int(zoe), action="member_approval")
    assert len(lines) == 1
    with tabs[1].session_transaction() as session:
        session["role"] = "reader"
    lost = tabs[1].post(path, data=reviewed[1])
    assert lost.status_code in {303, 403}, "the forum is asked for the role before anything else"
    assert lost.location != person
