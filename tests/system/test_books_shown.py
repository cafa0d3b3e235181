"""Registers and ledger as treasurers reach them: console, API and commands, on both databases."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from flask.testing import FlaskClient

from bridge.core.model.actor import operator
from bridge.operations import exporting, ledger
from bridge.operations.tokens import make_token
from bridge.store import changes
from bridge.web import create_app
from bridge.web.moderate.money import FILES
from tests.harness import DAY, System, system
from tests.system.acts import app_of, checkout
from tests.system.typing_commands import asked, typed

WHY = ("--reason", "as the board decided", "--by", "mod")


@pytest.fixture
def world(tmp_path: Path, database_url: str) -> Iterator[System]:
    """Ann has bought a share and a subscription; eve was issued three shares by hand, later."""
    with system(tmp_path, database_url=database_url) as it:
        for name in ("eve", "tess"):
            it.user(name)
        share = it.price("", interval=None, amount=5000, discourse_kind="share")
        checkout(it, "ann", share, mode="payment")
        checkout(it, "ann", it.price("supporters", discourse_fund="Roof"))
        it.settle()
        ledger.update(it.bridge, lambda _what, _count: None)
        it.advance(10 * DAY)
        it.settle()
        price = ("--price", "150.00", "--currency", "eur")
        typed(it, "register", "issue", "eve", "--count", "3", *price, *WHY)
        for step in ("applied", "approved"):
            typed(it, "register", "step", "eve", step, *WHY)
        yield it


@pytest.fixture
def treasurer(world: System) -> Iterator[FlaskClient]:
    with app_of(world).test_client() as client:
        with client.session_transaction() as session:
            session["user_id"], session["username"] = world.user("tess"), "tess"
            session["role"] = "treasurer"
            session["signed_in_at"] = world.bridge.clock.now().isoformat()
        yield client


def day(world: System, ago: int = 0) -> str:
    return f"{world.bridge.clock.now() - timedelta(days=ago):%Y-%m-%d}"


def seen(client: FlaskClient, path: str, **query: str) -> str:
    answer = client.get(f"/moderate{path}", query_string=query)
    assert answer.status_code == 200, answer.text[:500]
    return answer.text


def test_A55_A61_A62_both_registers_are_shown_as_of_any_day(
    world: System, treasurer: FlaskClient
) -> None:
    now, then = seen(treasurer, "/shares"), seen(treasurer, "/shares", day=day(world, ago=5))
    assert ">eve</a>" in now
    assert "2\N{EN DASH}4" in now
    assert '<strong class="number">4</strong>, held by 2' in now
    assert ">ann</a>" in then
    assert ">eve</a>" not in then
    known = seen(treasurer, "/shares", day=day(world), known=day(world, ago=5))
    assert ">eve</a>" not in known
    members = seen(treasurer, "/steps")
    assert ">eve</a>" in members
    assert "Approved, not paid (1)" in members
    assert "eve" not in seen(treasurer, "/steps", state="member")
    assert "eve" not in seen(treasurer, "/steps", day=day(world, ago=5))
    assert treasurer.get("/moderate/shares?day=yesterday").status_code == 400


def test_A57_a_members_lines_are_shown_and_take_notes_that_outlive_a_rebuild(
    world: System, treasurer: FlaskClient
) -> None:
    ann, eve = world.user("ann"), world.user("eve")
    page = seen(treasurer, f"/person/{ann}/money")
    assert "equity:shares" in page
    assert "Fund: Roof" in page
    lines = asked(world, "ledger", "lines", "ann")["entries"]
    line = next(
        one["line"]["id"]
        for entry in lines
        for one in entry["lines"]
        if one["line"]["account"] == "equity:shares"
    )
    note = {"booked": line, "note": "Certificate <7> in the safe"}
    preview = treasurer.post(f"/moderate/person/{ann}/note", data=note)
    assert "equity:shares" in preview.text
    (reviewed,) = _values(preview.text, "reviewed")
    done = treasurer.post(f"/moderate/person/{ann}/note", data={**note, "reviewed": reviewed})
    assert done.status_code == 303
    typed(world, "ledger", "note", "ann", line, "Seen by the auditor", "--by", "mod")
    ledger.rebuild(world.bridge, lambda _what, _count: None)
    page = seen(treasurer, f"/person/{ann}/money")
    assert page.index("Certificate &lt;7&gt; in the safe") < page.index("Seen by the auditor")
    assert treasurer.post(f"/moderate/person/{eve}/note", data=note).status_code == 400
    with world.bridge.store.read() as connection:
        said = changes.page(connection, user_id=ann, action="note_added")
    assert [one.outcome for one in said] == ["Seen by the auditor", note["note"]]


def _values(page: str, name: str) -> list[str]:
    parts = page.split(f'name="{name}" value="')[1:]
    return [part.partition('"')[0] for part in parts]


def test_A75_a_treasurer_takes_a_file_with_a_reason_and_the_log_keeps_both(
    world: System, treasurer: FlaskClient
) -> None:
    assert FILES.keys() == exporting.FILES.keys()
    form = {"file": "funds", "from": "", "to": day(world), "currency": "", "reason": "Audit"}
    answer = treasurer.post("/moderate/files", data=form)
    assert answer.headers["Content-Disposition"] == 'attachment; filename="funds.csv"'
    (row,) = csv.DictReader(io.StringIO(answer.text))
    assert (row["fund"], row["amount_minor"]) == ("Roof", "1000")
    with world.bridge.store.read() as connection:
        (line,) = changes.page(connection, action="exported")
    assert (line.cause, line.outcome) == (f"treasurer:{world.user('tess')} via console", "Audit")
    for wrong in (
        {"reason": " "},
        {"file": "everything"},
        {"from": day(world), "to": "2020-01-01"},
    ):
        refused = treasurer.post("/moderate/files", data=form | wrong)
        assert refused.status_code == 400
        assert 'role="alert"' in refused.text
    with world.bridge.store.read() as connection:
        assert len(changes.page(connection, action="exported")) == 1


def test_A55_A62_registers_and_lines_are_read_through_the_api(world: System) -> None:
    until = world.bridge.clock.now() + timedelta(days=1)
    scopes = ["register:read", "ledger:read", "ledger:write"]
    made = make_token(world.bridge, operator("root"), "books", scopes, until)
    client = create_app(world.bridge).test_client()

    def call(path: str, key: str | None = None, **more: Any) -> Any:
        headers = {"Authorization": f"Bearer {made.secret}"}
        if key:
            headers["Idempotency-Key"] = key
        ask = client.post if key else client.get
        answer = ask(f"/api/v1{path}", headers=headers, **more)
        return (answer.json or {}) | {"status": answer.status_code}

    ann, eve = world.user("ann"), world.user("eve")
    shares = call("/register/shares")["shares"]
    assert [(one["first"], one["last"], one["user_id"]) for one in shares] == [
        (1, 1, ann),
        (2, 4, eve),
    ]
    then = call(f"/register/shares?as_of={day(world, ago=5)}")["shares"]
    assert [one["user_id"] for one in then] == [ann]
    (member,) = call("/register/members?state=approved")["members"]
    assert (member["user_id"], member["paid"]) == (eve, None)
    lines = call(f"/people/{ann}/ledger")["lines"]
    assert {one["fund"] for one in lines} == {None, "Roof"}
    said = {"line": lines[0]["id"], "note": "Paid twice?"}
    sent = [call(f"/people/{ann}/ledger/notes", key="n", json=said) for _ in range(2)]
    assert [one["status"] for one in sent] == [201, 201]
    (noted,) = call(f"/people/{ann}/ledger")["lines"][0]["notes"]
    assert noted["text"] == "Paid twice?"
    assert noted["actor"].startswith("token:token_")
    older = call(f"/people/{ann}/ledger", query_string={"before": lines[0]["id"]})["lines"]
    assert [one["id"] for one in older] == [one["id"] for one in lines[1:]]
    assert call(f"/people/{eve}/ledger/notes", key="m", json=said)["status"] == 404
    for wrong in ("/register/shares?as_of=soon", "/register/members?state=x"):
        assert call(wrong)["status"] == 400
