"""The console's registers: members of groups and the log, both also as files."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from flask.testing import FlaskClient

from bridge.core.model.actor import moderator
from bridge.core.model.roles import Role
from bridge.core.telling.charts import month_code
from bridge.operations import grants
from bridge.store import changes, users
from bridge.store import charts as store_charts
from bridge.web import create_app
from bridge.worker import charts
from tests.harness import System, system
from tests.system.acts import staff
from tests.system.test_sql_counted import counted

As = Callable[[Role], FlaskClient]


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[System]:
    """Alice pays, bob has a group by hand until a day, and carol has a name that is a formula."""
    with system(tmp_path_factory.mktemp("registers")) as it:
        it.advance(2)
        it.subscribe(it.customer("alice"), it.price("supporters"))
        it.price("guests", discourse_kind="donation")
        it.settle()
        mia = staff(it)
        actor = moderator(mia.id, "console")
        with it.bridge.store.write() as connection:
            users.see_name(connection, mia.id, mia.username, it.bridge.clock.now())
        until = it.bridge.clock.now() + timedelta(days=25_000)
        grants.grant(
            it.bridge, actor, it.user("bob"), "guests", until_at=until, reason="=1+1, a visit"
        )
        it.settle()
        yield it


@pytest.fixture
def as_role(world: System) -> As:
    """A browser signed in with a role."""
    app = create_app(world.bridge)

    def browser(role: Role) -> FlaskClient:
        client = app.test_client()
        mia = staff(world)
        with client.session_transaction() as session:
            session["user_id"], session["username"] = mia.id, mia.username
            session["role"] = role
            session["signed_in_at"] = world.bridge.clock.now().isoformat()
        return client

    return browser


def token_of(page: str) -> str:
    found = re.search(r'name="csrf_token" value="([^"]+)"', page)
    assert found
    return found[1]


def rows_of(text: str) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(text)))


def test_A61_the_register_is_filtered_by_group_standing_source_kind_and_day(
    world: System, as_role: As
) -> None:
    browser = as_role("reader")

    def names(**asked: str) -> set[str]:
        page = browser.get("/moderate/members", query_string=asked)
        assert page.status_code == 200, page.text
        return {name for name in ("alice", "bob") if f">{name}</a>" in page.text}

    guests = str(world.group("guests"))
    today = f"{world.bridge.clock.now():%Y-%m-%d}"
    assert names() == {"alice", "bob"}
    assert names(group=guests) == {"bob"}
    assert names(standing="good") == {"alice"}
    assert names(standing="ending") == {"bob"}
    assert names(source="hand") == {"bob"}
    assert names(kind="membership") == {"alice"}
    assert names(sort="until") == {"alice", "bob"}
    assert names(day=today) == {"alice", "bob"}
    assert names(day=today, source="hand") == {"bob"}
    assert names(day="2000-02-29") == set()
    assert names(group="x", standing="nonsense", source="'", sort="user_id;--") == {"alice", "bob"}
    for wrong in ({"day": "2021-02-29"}, {"after": "x"}, {"after": "1:2"}, {"after": "9" * 30}):
        assert browser.get("/moderate/members", query_string=wrong).status_code == 400


def test_the_register_takes_ten_statements_at_most(world: System, as_role: As) -> None:
    browser = as_role("reader")
    browser.get("/moderate/members")
    for asked in ({}, {"sort": "until"}, {"day": "2030-01-01"}):
        with counted(world) as found:
            assert browser.get("/moderate/members", query_string=asked).status_code == 200
        assert len(found) <= 10, "\n".join(found)


def test_A65_a_register_is_a_file_for_a_reason_and_the_log_says_who_took_what(
    world: System, as_role: As
) -> None:
    browser = as_role("treasurer")
    page = browser.get("/moderate/members", query_string={"source": "hand"}).text
    form = {"csrf_token": token_of(page), "source": "hand", "reason": "Invitations to the meeting"}
    answer = browser.post("/moderate/members.csv", data=form)
    assert answer.mimetype == "text/csv"
    assert answer.headers["Cache-Control"] == "no-store"
    assert "attachment" in answer.headers["Content-Disposition"]
    (row,) = rows_of(answer.text)
    assert (row["username"], row["group"], row["standing"]) == ("bob", "guests", "Ends on a day")
    with world.bridge.store.read() as connection:
        (line,) = changes.page(connection, action="exported", limit=1)
        known = changes.find(connection, line.id)
    assert known is not None
    assert line.cause == f"treasurer:{staff(world).id} via console"
    assert line.outcome == "Invitations to the meeting"
    assert known.detail == {"file": "members", "source": "hand"}


def test_A65_a_file_needs_a_role_a_form_and_a_reason(world: System, as_role: As) -> None:
    with world.bridge.store.read() as connection:
        before = len(changes.page(connection, action="exported"))
    reader = as_role("reader")
    page = reader.get("/moderate/members").text
    assert "members.csv" not in page
    form = {"csrf_token": token_of(page), "reason": "Curious"}
    assert reader.post("/moderate/members.csv", data=form).status_code == 403
    moderator_ = as_role("moderator")
    token = token_of(moderator_.get("/moderate/members").text)
    for reason in ("", "   ", "x" * 201, "two\nlines"):
        form = {"csrf_token": token, "reason": reason}
        assert moderator_.post("/moderate/members.csv", data=form).status_code == 400
    assert moderator_.post("/moderate/members.csv", data={"reason": "No form"}).status_code == 400
    assert moderator_.get("/moderate/members.csv").status_code == 405
    with world.bridge.store.read() as connection:
        assert len(changes.page(connection, action="exported")) == before


def test_A48_the_log_is_filtered_by_whom_by_actor_group_kind_and_day(
    world: System, as_role: As
) -> None:
    browser = as_role("reader")
    mia, bob = staff(world), world.user("bob")

    def kinds(**asked: str) -> set[str]:
        page = browser.get("/moderate/log", query_string=asked)
        assert page.status_code == 200, page.text
        _, _, table = page.text.partition("<tbody>")
        return {one for one in ("Given by hand", "Entitled", "Added to the group") if one in table}

    today = f"{world.bridge.clock.now():%Y-%m-%d}"
    everything = {"Given by hand", "Entitled", "Added to the group"}
    assert kinds() == everything
    assert kinds(person="bob") == everything == kinds(person=f"id:{bob}", since=today, until=today)
    assert kinds(by=mia.username) == everything == kinds(by=str(mia.id)), "and what followed"
    assert kinds(by=mia.username, decided="yes") == {"Given by hand"} == kinds(decided="yes")
    assert kinds(decided="yes", person="alice") == set()
    assert kinds(group=str(world.group("supporters"))) == {"Entitled", "Added to the group"}
    assert kinds(kind="granted") == {"Given by hand"}
    assert kinds(until="2000-02-29") == set() == kinds(kind="'; --")
    assert kinds(before="99999999999999999999") == everything
    assert "knows nobody called" in browser.get("/moderate/log?person=%3Cscript%3E").text
    for wrong in ("since", "until"):
        answer = browser.get("/moderate/log", query_string={wrong: "2021-02-29"})
        assert answer.status_code == 400
    page = browser.get("/moderate/log?kind=granted").text
    assert f">{mia.username} (moderator, console)</a>" in page
    assert "“=1+1, a visit”" in page


def test_A65_the_log_is_a_file_and_no_cell_of_it_is_a_formula(world: System, as_role: As) -> None:
    browser = as_role("moderator")
    page = browser.get("/moderate/log?kind=granted").text
    form = {"csrf_token": token_of(page), "kind": "granted", "reason": "The yearly audit"}
    (row,) = rows_of(browser.post("/moderate/log.csv", data=form).text)
    assert row["reason"] == row["outcome"] == "'=1+1, a visit"
    assert (row["username"], row["by"]) == ("bob", f"{staff(world).username} (moderator, console)")
    assert row["cause"] == str(moderator(staff(world).id, "console"))


def test_the_log_takes_ten_statements_at_most(world: System, as_role: As) -> None:
    browser = as_role("reader")
    browser.get("/moderate/log")
    with counted(world) as found:
        asked = {"person": "bob", "by": "mia", "decided": "yes"}
        assert browser.get("/moderate/log", query_string=asked).status_code == 200
    assert len(found) <= 10, "\n".join(found)


def test_the_first_page_draws_what_was_counted_in_the_background(
    world: System, as_role: As
) -> None:
    charts.count(world.bridge)
    charts.count(world.bridge)
    browser = as_role("reader")
    browser.get("/moderate")
    with counted(world) as found:
        page = browser.get("/moderate").text
    assert len(found) <= 20, "\n".join(found)
    assert not [one for one in found if "FROM money_lines" in one or "FROM changes" in one]
    for title in ("Members by group", "Money by product, EUR", "Joined and left"):
        assert title in page
    assert ">2 on " in page
    assert page.count('y="163"') == 4 * page.count("<svg")
    assert page.count("<svg") == page.count("<figcaption") == page.count('<table id="figures-')


def test_A48_a_person_is_shown_as_it_was_on_a_day_with_the_reason(
    world: System, as_role: As
) -> None:
    browser = as_role("reader")
    bob = world.user("bob")
    path = f"/moderate/person/{bob}/then"
    today = f"{world.bridge.clock.now():%Y-%m-%d}"
    assert f'action="{path}"' in browser.get(f"/moderate/person/{bob}").text
    for asked in ({}, {"day": today}, {"day": "2098-01-01"}, {"day": today, "known": "yes"}):
        page = browser.get(path, query_string=asked).text
        assert "guests" in page
        assert "Gives it" in page
        assert f"day={today}" in page, "the day on which they came in"
    before = browser.get(path, query_string={"day": "2001-01-01"}).text
    assert "Gives it" not in before
    for wrong in ("2021-02-29", "soon", "0001-01-01"):
        assert browser.get(path, query_string={"day": wrong}).status_code == 400


def test_A48_what_happened_is_one_list_filtered_by_kind_with_its_ids_and_acts(
    world: System, as_role: As
) -> None:
    browser = as_role("moderator")
    alice, bob = (f"/moderate/person/{world.user(name)}" for name in ("alice", "bob"))

    def happened(path: str, **asked: str) -> str:
        page = browser.get(path, query_string=asked)
        assert page.status_code == 200, page.text
        _, _, part = page.text.partition('<h2 id="happened">')
        assert part
        return part

    of_kind = {
        "groups": ("Entitled", "The subscription is active"),
        "acts": ("Customer linked", "Linked by hand"),
        "money": ("Paid", "€", "Stripe", "in_"),
        "messages": ("Statement last written or brought up to date",),
        "news": ("Invoice paid", "evt_"),
    }
    everything, mattered = happened(alice, kind="all"), happened(alice)
    assert "Paid" in mattered
    assert "Invoice paid" not in mattered, "what followed from it is there"
    for kind, words in of_kind.items():
        shown = happened(alice, kind=kind)
        assert [one for one in words if one not in shown] == [], kind
        others = [one for name, said in of_kind.items() if name != kind for one in said[:1]]
        assert [one for one in others if f">{one}" in shown] == [], kind
        assert [one for one in words if one not in everything] == [], kind
    assert "Nothing of this kind" in happened(alice, kind="money", before="1-2-x")
    for wrong in ("", "x", "9-9-9", "1-4-x"):
        assert happened(alice, kind="money", before=wrong) == happened(alice, kind="money")
    assert happened(alice, kind="moons") == mattered
    given = happened(bob, kind="acts")
    assert "Given by hand" in given
    assert "“=1+1, a visit”" in given
    assert f"{staff(world).username} (moderator, console)" in given
    assert ">Undo<" in given
    assert ">Refund<" not in happened(alice)


def test_who_came_after_a_month_was_first_counted_is_counted_when_it_is_over(
    tmp_path: Path,
) -> None:
    with system(tmp_path) as world:
        began_at = world.bridge.clock.now()
        charts.count(world.bridge)
        world.subscribe(world.customer("alice"), world.price("supporters"))
        world.settle()
        world.advance(32 * 86_400)
        charts.count(world.bridge)
        with world.bridge.store.read() as connection:
            sums, _ = store_charts.kept(connection)
    group = str(world.group("supporters"))
    of_group = {one.month: one.value for one in sums if (one.kind, one.name) == ("members", group)}
    assert of_group[month_code(began_at.date())] == 1
    assert set(of_group.values()) == {1}


def test_months_before_the_log_begins_are_counted_without_asking_the_log(tmp_path: Path) -> None:
    with system(tmp_path) as world:
        with counted(world) as said:
            charts.count(world.bridge)
        with world.bridge.store.read() as connection:
            sums, _ = store_charts.kept(connection)
    assert [one for one in said if "max(changes.id)" in one] == []
    assert {one.kind for one in sums} >= charts.OF_MEMBERS
    assert {one.value for one in sums} == {0}


def test_A61_groups_that_are_only_given_by_hand_are_in_the_register_and_the_log(
    world: System, as_role: As
) -> None:
    browser, board = as_role("moderator"), world.group("board")
    choice = f'<option value="{board}">'
    assert choice not in browser.get("/moderate/members").text
    actor, dora = moderator(staff(world).id, "console"), world.user("dora")
    given = grants.grant(world.bridge, actor, dora, "board", until_at=None, reason="Elected")
    world.settle()
    for asked in ({}, {"group": str(board)}, {"group": str(board), "source": "hand"}):
        page = browser.get("/moderate/members", query_string=asked)
        assert ">dora</a>" in page.text, asked
        assert choice in page.text.replace(" selected", "")
    assert choice in browser.get("/moderate/log").text
    grants.revoke(world.bridge, actor, given.grant.id, reason="A mix-up")
    world.settle()
