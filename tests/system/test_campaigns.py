"""Campaigns, as an operator makes, counts and ends them (A97)."""

from __future__ import annotations

import csv
import stat
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from bridge.core.ledger.references import users_named_in
from bridge.core.model.rights import HandGrant
from bridge.sandbox.discourse import people
from bridge.store import archive, hand_grants
from tests.harness import System, system
from tests.system.acts import forum_user, log_of
from tests.system.typing_commands import asked, typed


@pytest.fixture
def world(tmp_path: Path) -> Iterator[System]:
    with system(tmp_path) as it:
        it.advance(2)
        it.price("supporters")
        it.group("pioneers")
        it.settle()
        yield it


def legacy(world: System, name: str, days: int) -> datetime:
    """Somebody whom the register from before has as a supporter for so long."""
    user_id, now = world.user(name), world.bridge.clock.now()
    until_at = now + timedelta(days)
    old = HandGrant(
        f"old-{name}", user_id, world.groups["supporters"], now, until_at, "2026", "op", "import"
    )
    with world.bridge.store.write() as connection:
        hand_grants.give(connection, old, now)
    return until_at


def written(path: Path) -> list[dict[str, str]]:
    with path.open(newline="") as file:
        return list(csv.DictReader(file))


def price_of(world: System) -> str:
    (price,) = world.sdk.v1.prices.list().data
    return str(price.id)


def test_A97_members_whose_term_ends_get_one_link_each_in_a_file_of_their_own(
    world: System, tmp_path: Path
) -> None:
    until_at = legacy(world, "ada", 30)
    legacy(world, "ben", 90)
    world.settle()
    day = (world.bridge.clock.now() + timedelta(60)).date().isoformat()
    new = ["campaign", "new", "Autumn", "--price", price_of(world), "--for-ending-before", day]
    seen = asked(world, *new, "--preview")
    assert [(one["username"], one["fate"]) for one in seen["people"]] == [("ada", "invited")]
    assert asked(world, "campaign", "list") == []

    out = tmp_path / "links.csv"
    made = asked(world, *new, "--out", str(out))
    assert (made["links"], made["left_out"]) == (1, [])
    (row,) = written(out)
    assert row["username"] == "ada"
    assert row["member_until"].startswith(f"{until_at:%Y-%m-%d}")
    assert row["link"].startswith(f"{world.bridge.settings.bridge_url}/renew/")
    assert users_named_in(row["reference"]) == {world.user("ada")}
    assert stat.S_IMODE(out.stat().st_mode) == 0o600
    assert "cannot be written" in typed(world, *new, "--out", str(out), code=1)
    other = tmp_path / "other.csv"
    assert "choose another name" in typed(world, *new, "--out", str(other), code=1)
    assert not other.exists(), "nothing came of it"

    (shown,) = asked(world, "campaign", "list")
    assert shown["progress"] == {
        "sent": 1, "opened": 0, "paid": 0, "waiting": 0, "returned": 0, "revoked": 0
    }  # fmt: skip
    token = row["link"].rpartition("/")[2]
    with world.bridge.store.read() as connection:
        kept = [str(row) for name in archive.tables() for row in archive.rows(connection, name)]
    assert not any(token in row for row in kept), "the address is kept nowhere"
    assert "campaign_links" in archive.tables()
    assert "campaign_tokens" not in archive.tables()


def test_A97_a_file_with_names_that_cannot_be_is_sorted_out_and_said(
    world: System, tmp_path: Path
) -> None:
    for name in ("ada", "ben", "cleo"):
        world.user(name)
    now = world.sandbox.world.clock.now()
    forum_user(world, "ben").suspended_till = now + 86_400
    people.add_user(world.sandbox.forum, "stan", "stan@example.com", now).staged = True
    names, out = tmp_path / "names.csv", tmp_path / "links.csv"
    names.write_text("user,team\nada,=1+1\nADA,x\nben,x\nstan,x\nnobody,x\n,x\ncleo,x\n")
    new = ["campaign", "new", "All", "--price", price_of(world), "--csv", str(names)]
    made = asked(world, *new, "--out", str(out))
    assert [row["username"] for row in written(out)] == ["ada", "cleo"]
    fates = {one["said"]: one["fate"] for one in made["left_out"]}
    assert fates == {"ADA": "double", "ben": "suspended", "stan": "staged", "nobody": "unknown"}
    names.write_text("user\nnobody\n")
    again = [*new[:2], "Nobody", *new[3:]]
    told = typed(world, *again, "--out", str(tmp_path / "none.csv"), code=1)
    assert "nobody left to ask" in told


def test_A97_a_campaign_and_a_single_link_are_revoked_once_and_logged(
    world: System, tmp_path: Path
) -> None:
    names = tmp_path / "names.csv"
    names.write_text("user\nada\nben\n")
    for name in ("ada", "ben", "maria"):
        world.user(name)
    new = ["campaign", "new", "All", "--price", price_of(world), "--csv", str(names)]
    typed(world, *new, "--out", str(tmp_path / "links.csv"), "--by", "maria")
    revoke = ["campaign", "revoke", "All", "--by", "maria"]
    assert asked(world, *revoke, "--user", "ada") == {"revoked": True}
    assert asked(world, *revoke, "--user", "ada") == {"revoked": False}
    assert "campaign_revoked" in log_of(world, "ada")
    shown = asked(world, "campaign", "show", "All")
    assert {one["username"]: one["fate"] for one in shown["links"]} == {
        "ada": "revoked",
        "ben": "sent",
    }
    assert asked(world, *revoke) == {"revoked": True}
    assert asked(world, *revoke) == {"revoked": False}
    assert asked(world, "campaign", "show", "All")["progress"]["revoked"] == 2
    assert "no campaign" in typed(world, "campaign", "show", "Other", code=1)
    assert "has no link" in typed(world, *revoke, "--user", "maria", code=1)


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (("--price", "price_x", "--csv", "F"), "not on offer"),
        (("--price", "P", "--for-ending-before", "2020-01-01"), "in the past"),
        (("--price", "P", "--csv", "WRONG"), "no column user"),
        (("--price", "P"), "Say who is asked"),
    ],
)
def test_A97_what_cannot_be_asked_is_refused_in_words(
    world: System, tmp_path: Path, words: tuple[str, ...], says: str
) -> None:
    world.user("ada")
    (tmp_path / "F").write_text("user\nada\n")
    (tmp_path / "WRONG").write_text("name\nada\n")
    known = {"P": price_of(world), "F": str(tmp_path / "F"), "WRONG": str(tmp_path / "WRONG")}
    typing = [known.get(word, word) for word in words]
    out = tmp_path / "out.csv"
    code = 2 if says.startswith("Say") else 1
    told = typed(world, "campaign", "new", "X", *typing, "--out", str(out), code=code)
    assert says in " ".join(told.split())
    assert not out.exists()
