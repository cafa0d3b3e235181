"""Where the site wants two persons, nobody in the console decides about their own account."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from flask.testing import FlaskClient

from bridge.core.model.actor import moderator as by
from bridge.operations import accounts, grants, ledger
from bridge.store import changes
from tests.harness import POLICY, System, system
from tests.system.acts import app_of, checkout, confirm, do, moderator, words
from tests.system.test_claims import by_link, claim, for_crew

MIA = by(1, "console")
WHY = {"reason": "A mix-up"}


@pytest.fixture
def world(tmp_path: Path) -> Iterator[System]:
    """Mia is a moderator and a member; alice is a member."""
    with system(tmp_path, policy=replace(POLICY, two_persons=True, refunds=True)) as it:
        it.advance(2)
        price = it.price("supporters")
        for name in ("alice", "mia"):
            checkout(it, name, price)
        confirm(it)
        yield it


def client_of(world: System, name: str, role: str = "administrator") -> FlaskClient:
    return moderator(app_of(world), world, name, role)


def clients(world: System, *names: str) -> list[FlaskClient]:
    return [client_of(world, name) for name in names]


UNDO = "/moderate/act/undo"


def line_of(world: System, action: str, user: str) -> str:
    with world.bridge.store.read() as connection:
        (line,) = changes.page(connection, action=action, user_id=world.user(user))
    return str(line.id)


def is_offered(client: FlaskClient, line: str) -> bool:
    return f"{UNDO}?change={line}" in client.get("/moderate/log").text


def refuses(client: FlaskClient, line: str) -> bool:
    """Whether undoing a line is refused, when the form is opened and when it is sent."""
    answers = client.get(f"{UNDO}?change={line}"), client.post(UNDO, data={"change": line, **WHY})
    return all(one.status_code == 403 and "second person" in one.text for one in answers)


def test_nobody_gets_back_what_another_account_got_from_theirs(world: System) -> None:
    accounts.relink(world.bridge, MIA, world.user("mia"), world.user("alice"), reason="Moved")
    confirm(world)
    assert world.groups_of("mia") == set()
    line, mia, tom = line_of(world, "relinked", "mia"), *clients(world, "mia", "tom")
    assert not is_offered(mia, line)
    assert refuses(mia, line)
    assert is_offered(tom, line)
    preview = words(tom.post(UNDO, data={"change": line, **WHY}).text)
    assert "Gains supporters: mia" in preview
    do(tom, UNDO, change=line, **WHY)
    confirm(world)
    assert world.groups_of("mia") == {"supporters"}


def test_nobody_undoes_what_their_own_account_got_from_another(world: System) -> None:
    accounts.relink(world.bridge, MIA, world.user("alice"), world.user("mia"), reason="Moved")
    confirm(world)
    line, mia, tom = line_of(world, "relinked", "alice"), *clients(world, "mia", "tom")
    assert not is_offered(mia, line)
    assert refuses(mia, line)
    assert is_offered(tom, line)


def test_nobody_undoes_what_was_decided_about_them(world: System) -> None:
    user_id = world.user("mia")
    grants.grant(world.bridge, MIA, user_id, "supporters", until_at=None, reason="Helps")
    line, mia, tom = line_of(world, "granted", "mia"), *clients(world, "mia", "tom")
    assert not is_offered(mia, line)
    assert refuses(mia, line)
    assert is_offered(tom, line)


def test_notes_on_money_are_offered_to_who_may_write_them(world: System) -> None:
    ledger.update(world.bridge, lambda _what, _count: None)
    shown = {
        (name, role, whose): ">Note<" in client_of(world, name, role).get(f"{path}/money").text
        for whose in ("alice", "mia")
        for path in (f"/moderate/person/{world.user(whose)}",)
        for name, role in (("mia", "administrator"), ("tom", "treasurer"), ("rea", "reader"))
    }
    assert {who for who, is_shown in shown.items() if is_shown} == {
        ("mia", "administrator", "alice"),
        ("tom", "treasurer", "alice"),
        ("tom", "treasurer", "mia"),
    }


def test_nobody_decides_about_a_payment_that_they_claim_themselves(world: System) -> None:
    payer = by_link(world, for_crew(world))
    world.settle()
    assert claim(world, payer, "mia").is_asked
    mia, tom = clients(world, "mia", "tom")
    unlinked, aside = "/moderate/lists/unlinked", f"/moderate/act/set-aside?customer={payer}"
    assert aside not in mia.get(unlinked).text
    assert aside in tom.get(unlinked).text
    form = {"customer": payer, **WHY}
    for name in ("set-aside", "wait-again"):
        answers = (
            mia.get(f"/moderate/act/{name}?customer={payer}"),
            mia.post(f"/moderate/act/{name}", data=form),
        )
        assert [one.status_code for one in answers] == [403, 403], name
    do(tom, "/moderate/act/set-aside", **form)
    with world.bridge.store.read() as connection:
        (line,) = changes.page(connection, action="set_aside")
    assert refuses(mia, str(line.id))
    do(tom, UNDO, change=str(line.id), **WHY)
