"""Everything in one file of open formats, and the same answers from another bridge with it."""

from __future__ import annotations

import json
import zipfile
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
from sqlalchemy import text

from bridge.core.model.actor import operator
from bridge.operations import archiving, ledger
from bridge.store import Store, archive, migrate
from tests.databases import fresh_database
from tests.harness import System, system
from tests.system.acts import checkout
from tests.system.typing_commands import typed

BY = ("--reason", "as decided", "--by", "mod")


def quietly(_what: str, _count: int) -> None:
    """Nobody watches."""


@pytest.fixture
def world(tmp_path: Path, database_url: str) -> Iterator[System]:
    with system(tmp_path, database_url=database_url) as it:
        it.subscribe(it.customer("ann"), it.price("supporters"))
        share = it.price("", interval=None, amount=5000, discourse_kind="share")
        checkout(it, "ben", share, mode="payment")
        it.user("eve")
        it.settle()
        cash = ("--line", "12.00; Soup; kind=donation; fund=Roof", "--currency", "eur")
        typed(it, "record-payment", "eve", *cash, "--method", "cash", "--by", "mod", "--yes")
        it.settle()
        ledger.update(it.bridge, quietly)
        typed(it, "register", "transfer", "1", "eve", *BY)
        typed(it, "register", "step", "eve", "applied", *BY)
        yield it


def test_A92_a_bridge_on_the_other_database_gives_the_same_answers_from_the_archive(
    world: System, tmp_path: Path, postgresql_server: str
) -> None:
    with ExitStack() as stack:
        url = f"sqlite:///{tmp_path}/new/bridge.db"
        if world.bridge.store.is_sqlite:
            url = stack.enter_context(fresh_database(postgresql_server))
        check_answers(world, tmp_path, url)


def check_answers(world: System, tmp_path: Path, url: str) -> None:
    file = tmp_path / "all.zip"
    typed(world, "archive", "write", str(file), "--reason", "we move")
    assert file.stat().st_mode & 0o777 == 0o600
    assert list(tmp_path.glob(".*part")) == []
    new = {"DATABASE_URL": url, "BRIDGE_DATA": str(tmp_path / "new")}
    typed(world, "archive", "read", str(file), env=new)
    for words in (
        ("ledger", "verify", "--from", ledger.verify(world.bridge).code, "--json"),
        ("register", "shares", "--json"),
        ("register", "members", "--json"),
        ("export", "csv", "--reason", "compare"),
        ("export", "receipts", "--reason", "compare"),
        ("export", "donations", "--reason", "compare"),
    ):
        assert typed(world, *words, env=new) == typed(world, *words)
    for who in ("ann", "ben", "eve"):
        then, now = (
            json.loads(typed(world, "explain", who, "--json", env=env)) for env in ({}, new)
        )
        assert then.pop("at") <= now.pop("at")
        assert then == now
    cash = ("--line", "3.00; Tea", "--currency", "eur", "--method", "cash", "--by", "mod", "--yes")
    told = typed(world, "record-payment", "eve", *cash, "--again", "--json", env=new)
    assert json.loads(told)["receipt"].endswith("-2")
    typed(world, "register", "step", "eve", "approved", *BY, env=new)


def test_A92_the_archive_explains_itself_and_follows_its_schema(
    world: System, tmp_path: Path
) -> None:
    file = tmp_path / "all.zip"
    made = archiving.write(world.bridge, operator("root"), file, reason="we move", progress=quietly)
    with zipfile.ZipFile(file) as archived:
        readme = archived.read("README.md").decode()
        schema = json.loads(archived.read("schema.json"))
        assert set(schema) == set(made.rows)
        for name, of in schema.items():
            rows = archived.read(f"data/{name}.jsonl").decode().splitlines()
            assert len(rows) == made.rows[name]
            for row in map(json.loads, rows):
                assert sorted(row) == of["required"]
        assert all(f"`{name}`" in readme for name in ("ledger_lines", "share_acts", "readings"))
        assert "Equity:Shares" in archived.read("books/ledger.beancount").decode()
        everything = b"".join(archived.read(name) for name in archived.namelist())
    assert "tokens" not in schema
    secrets = (world.bridge.settings.secret_key, world.sandbox.info["stripe_key"])
    assert not any(secret.encode() in everything for secret in secrets)
    assert b"@example" not in everything


def test_A65_an_archive_is_logged_with_who_and_why(world: System, tmp_path: Path) -> None:
    typed(world, "archive", "write", str(tmp_path / "all.zip"), "--reason", "we move")
    with world.bridge.store.read() as connection:
        told = connection.execute(
            text("SELECT cause, outcome FROM changes WHERE action = 'exported'")
        ).one()
    assert told.cause.startswith("operator:")
    assert told.outcome == "we move"


def test_an_archive_that_is_cut_off_of_another_version_or_none_changes_nothing(
    world: System, tmp_path: Path
) -> None:
    file, url = tmp_path / "all.zip", f"sqlite:///{tmp_path}/new/bridge.db"
    typed(world, "archive", "write", str(file), "--reason", "we move")
    cut, other, none = (tmp_path / f"{name}.zip" for name in ("cut", "other", "none"))
    cut.write_bytes(file.read_bytes()[:-2000])
    none.write_text("not a zip")
    with zipfile.ZipFile(file) as old, zipfile.ZipFile(other, "w") as new:
        for name in old.namelist():
            data = old.read(name)
            if name == "manifest.json":
                data = json.dumps(json.loads(data) | {"revision": "0001"}).encode()
            new.writestr(name, data)
    incomplete = "not a complete archive"
    for wrong, says in ((cut, incomplete), (none, incomplete), (other, "0001")):
        env = {"DATABASE_URL": url, "BRIDGE_DATA": str(tmp_path / "new")}
        assert says in " ".join(
            typed(world, "archive", "read", str(wrong), env=env, code=1).split()
        )
    store = Store(url)
    if migrate.state(store) == "current":
        with store.read() as connection:
            assert archive.is_empty(connection)
    store.close()
    assert "data of its own" in " ".join(typed(world, "archive", "read", str(file), code=1).split())
