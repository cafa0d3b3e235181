"""A register from before the bridge is taken over."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from bridge.sandbox.discourse.people import add_user, rename
from tests.harness import System, system
from tests.system.acts import confirm, forum_user, log_of, pass_days
from tests.system.typing_commands import asked, typed


@pytest.fixture
def world(tmp_path: Path) -> Iterator[System]:
    with system(tmp_path) as it:
        it.advance(2)
        it.price("supporters")
        it.group("pioneers")
        for name in ("alice", "bob", "carol"):
            it.user(name)
        it.settle()
        yield it


def in_days(world: System, days: float) -> str:
    return f"{world.bridge.clock.now() + timedelta(days=days):%Y-%m-%d}"


def write(tmp_path: Path, *lines: str) -> str:
    file = tmp_path / "register.csv"
    file.write_text("\n".join(["user,group,until,reason", *lines]))
    return str(file)


def fates(told: Any) -> list[str]:
    return [line["fate"] for line in told["lines"]]


def test_A66_only_current_memberships_enter_with_their_ends_and_twice_changes_nothing(
    world: System, tmp_path: Path
) -> None:
    file = write(
        tmp_path,
        f"Alice,supporters,{in_days(world, 2)},paid in 2025",
        f"bob,pioneers,{in_days(world, -30)},paid in 2024",
        f"id:{world.user('carol')},pioneers,,founder",
    )
    dry = asked(world, "import", file, "--by", "maria")
    assert fates(dry) == ["new", "over", "new"]
    world.settle()
    assert world.members("supporters") | world.members("pioneers") == set()
    assert fates(asked(world, "import", file, "--apply", "--by", "maria")) == fates(dry)
    confirm(world)
    assert world.members("supporters") == {"alice"}
    assert world.members("pioneers") == {"carol"}
    before = log_of(world, "alice")
    again = asked(world, "import", file, "--apply", "--by", "maria")
    assert fates(again) == ["known", "over", "known"]
    confirm(world)
    assert log_of(world, "alice") == before
    pass_days(world, 4)
    confirm(world)
    assert world.members("supporters") == set()
    assert world.members("pioneers") == {"carol"}


def test_A66_what_a_moderator_took_back_does_not_come_again(world: System, tmp_path: Path) -> None:
    file = write(tmp_path, "alice,pioneers,,founder")
    typed(world, "import", file, "--apply", "--by", "maria")
    (given,) = asked(world, "grant")
    typed(world, "revoke", given["id"], "--by", "maria")
    assert fates(asked(world, "import", file, "--apply", "--by", "maria")) == ["known"]
    confirm(world)
    assert world.members("pioneers") == set()


def test_A66_E54_a_name_that_another_has_now_leads_to_that_one(
    world: System, tmp_path: Path
) -> None:
    typed(world, "grant", "alice", "supporters", "--reason", "x", "--by", "maria")
    rename(world.sandbox.forum, forum_user(world, "alice"), "alicia")
    newcomer = add_user(
        world.sandbox.forum, "alice", "new@example.com", world.sandbox.world.clock.now()
    )
    file = write(tmp_path, "alice,pioneers,,")
    typed(world, "import", file, "--apply", "--by", "maria")
    world.settle()
    inside = world.sandbox.forum.groups[world.group("pioneers")].members
    assert set(inside) == {newcomer.id}


def test_A66_who_is_unknown_or_ambiguous_is_listed_and_nobody_is_guessed(
    world: System, tmp_path: Path
) -> None:
    file = write(
        tmp_path,
        "nobody,pioneers,,",
        "alice,nowhere,,",
        "alice,staff,,",
        "bob,pioneers,soon,",
        "bob,pioneers,2027-02-29,",
        f"carol,pioneers,{in_days(world, 5)},",
        f"Carol,pioneers,{in_days(world, 9)},",
        "alice,pioneers,,founder",
    )
    told = json.loads(typed(world, "import", file, "--apply", "--by", "maria", "--json", code=1))
    assert fates(told) == [
        *("unknown user", "unknown group", "unknown group", "wrong", "wrong"),
        *("ambiguous", "ambiguous", "new"),
    ]
    assert "the calendar has no day 2027-02-29" in json.dumps(told)
    world.settle()
    assert world.members("pioneers") == {"alice"}
    assert "nobody" in typed(world, "import", file, "--by", "maria", code=1)


def test_a_file_without_its_columns_is_refused(world: System, tmp_path: Path) -> None:
    file = tmp_path / "other.csv"
    file.write_text("name;place\nalice;pioneers\n")
    assert "no columns user, group" in typed(world, "import", str(file), "--by", "maria", code=1)


# --- lines of what Stripe has ---------------------------------------------------------------------


def supporter(world: System, user: str | None, **more: Any) -> Any:
    """A subscription that leads to the supporters, at a customer of the user's own."""
    price = world.sdk.v1.prices.list().data[0].id
    return world.subscribe(world.customer(user), price, **more)


def paid_until(subscription: Any) -> str:
    end = subscription["items"].data[0].current_period_end
    return f"{datetime.fromtimestamp(end, UTC):%Y-%m-%d}"


def register(tmp_path: Path, *lines: str) -> str:
    file = tmp_path / "register.csv"
    file.write_text("\n".join(["user,group,until,reason,customer,subscription", *lines]))
    return str(file)


def grants_by_hand(world: System) -> int:
    return len(asked(world, "grant"))


def test_A22_unique_matches_are_filled_in_several_reported_and_none_guessed(
    world: System, tmp_path: Path
) -> None:
    mine = supporter(world, "alice")
    first, second = supporter(world, "bob"), supporter(world, "bob")
    theirs = supporter(world, None, metadata={"note": "from before, linked to nobody"})
    confirm(world)
    file = register(
        tmp_path,
        "alice,supporters,,paid in 2025,,",
        "bob,supporters,,paid in 2025,,",
        f"carol,supporters,,paid in 2025,{theirs.customer},",
        f"carol,pioneers,{in_days(world, 9)},founder,,",
    )
    dry = json.loads(typed(world, "import", file, "--by", "maria", "--json", code=1))
    assert fates(dry) == ["matched", "ambiguous", "matched", "new"]
    assert [line["matched"] for line in dry["lines"]] == [mine.id, None, theirs.id, None]
    assert all(one.id in dry["lines"][1]["says"] for one in (first, second))
    assert "carol" not in world.members("supporters")
    told = typed(world, "import", file, "--by", "maria", code=1)
    assert f"{mine.id}: agrees with Stripe" in told
    done = json.loads(typed(world, "import", file, "--apply", "--by", "maria", "--json", code=1))
    assert fates(done) == fates(dry)
    confirm(world)
    assert world.members("supporters") == {"alice", "bob", "carol"}
    assert grants_by_hand(world) == 1
    # It rests on the subscription: with that it ends, and with nothing else.
    before = {name: log_of(world, name) for name in ("alice", "bob", "carol")}
    again = json.loads(typed(world, "import", file, "--apply", "--by", "maria", "--json", code=1))
    assert fates(again) == ["matched", "ambiguous", "matched", "known"]
    confirm(world)
    assert {name: log_of(world, name) for name in before} == before
    world.sdk.v1.subscriptions.cancel(theirs.id)
    confirm(world)
    assert world.members("supporters") == {"alice", "bob"}


def test_A22_a_line_may_name_one_of_several_and_nothing_that_is_not_theirs(
    world: System, tmp_path: Path
) -> None:
    supporter(world, "bob")
    second, hers = supporter(world, "bob"), supporter(world, "alice")
    confirm(world)
    file = register(
        tmp_path,
        f"bob,supporters,,,,{second.id}",
        f"carol,supporters,,,,{hers.id}",
        f"carol,supporters,,,{hers.customer},",
        "carol,supporters,,,cus_nobody,",
    )
    told = json.loads(typed(world, "import", file, "--apply", "--by", "maria", "--json", code=1))
    assert fates(told) == ["matched", "ambiguous", "wrong", "wrong"]
    assert told["lines"][0]["matched"] == second.id
    confirm(world)
    assert world.members("supporters") == {"alice", "bob"}
    assert grants_by_hand(world) == 0


def test_A23_the_dry_run_lists_where_the_old_record_and_stripe_differ(
    world: System, tmp_path: Path
) -> None:
    right, wrong = supporter(world, "alice"), supporter(world, "bob")
    ending = supporter(world, "carol", cancel_at_period_end=True)
    confirm(world)
    file = register(
        tmp_path,
        f"alice,supporters,{paid_until(right)},,,",
        f"bob,supporters,{in_days(world, -400)},the year before,,",
        f"bob,supporters,{in_days(world, -40)},the last that was recorded,,",
        "carol,supporters,,for ever,,",
        "alice,pioneers,,founder,,",
    )
    renews = f"Stripe says it renews on {paid_until(wrong)}"
    told = asked(world, "import", file, "--by", "maria")
    assert [(line["fate"], line["says"]) for line in told["lines"]] == [
        ("matched", ""),
        ("over", "its date is past"),
        ("matched", f"the row says until {in_days(world, -40)}, {renews}"),
        ("matched", f"the row says for good, Stripe says until {paid_until(ending)}"),
        ("new", f"the row says pioneers, Stripe says {right.id} leads to supporters"),
    ]
