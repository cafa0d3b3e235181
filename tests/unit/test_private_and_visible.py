"""Files are private, and output cannot control a terminal."""

from __future__ import annotations

import io
import json
import os
import stat
from pathlib import Path

import pytest
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from bridge.commands import common
from bridge.core.telling.visible import escaped, visible
from bridge.store import Store

HOSTILE = "ada\x1b]0;owned\x07\x1b[2J\x9b31m\u202egnp\x7f"
OBEYED = ("\x1b]", "\x1b[2J", "\x07", "\x9b", "\u202e", "\x7f")


def test_A137_no_control_character_reaches_a_terminal(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    out = io.StringIO()
    monkeypatch.setattr(
        common, "Console", lambda **_: Console(file=out, force_terminal=True, width=80)
    )
    table = Table()
    table.add_column("who")
    table.add_row(escape(HOSTILE))
    common.console().print(f"[bold]{escape(HOSTILE)}[/]", table)
    printed = out.getvalue()
    assert "\x1b[1m" in printed, "our own bold letters stay"
    assert "gnp" in printed
    assert not [one for one in OBEYED if one in printed]


def test_A137_json_for_scripts_says_the_same_and_moves_nothing(
    capsys: pytest.CaptureFixture[str],
) -> None:
    common.show({"name": HOSTILE, "ü": "Иван"}, as_json=True, for_people=lambda _: None)
    printed = capsys.readouterr().out
    assert json.loads(printed) == {"name": HOSTILE, "ü": "Иван"}
    assert "Иван" in printed
    assert not [one for one in OBEYED if one in printed]
    assert json.loads(escaped(json.dumps(HOSTILE, ensure_ascii=False))) == HOSTILE


def test_A137_text_without_control_characters_is_shown_as_it_is() -> None:
    assert visible("Ümit, 李, 👍🏽\n\tnext") == "Ümit, 李, 👍🏽\n\tnext"


def test_A137_a_sqlite_database_and_what_lies_beside_it_are_private(tmp_path: Path) -> None:
    before = os.umask(0o022)
    try:
        store = Store(f"sqlite:///{tmp_path / 'data' / 'bridge.sqlite3'}")
        with store.write() as connection:
            connection.exec_driver_sql("CREATE TABLE a (b INTEGER)")
            made = [tmp_path / "data", *(tmp_path / "data").iterdir()]
            modes = {path.name: stat.S_IMODE(path.stat().st_mode) for path in made}
        store.close()
    finally:
        os.umask(before)
    assert {"data", "bridge.sqlite3", "bridge.sqlite3.lock"} < set(modes), "and SQLite's own"
    assert not {name for name, mode in modes.items() if mode & 0o077}
