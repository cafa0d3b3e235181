"""Acts by hand and their undoing, on both databases."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.harness import System, system
from tests.system.acts import confirm, pass_days
from tests.system.typing_commands import asked, typed


@pytest.fixture
def world(tmp_path: Path, database_url: str) -> Iterator[System]:
    with system(tmp_path, database_url=database_url) as it:
        it.advance(2)
        yield it


def test_A148_A125_A114_each_act_and_its_reverse_on_both_databases(  # noqa: PLR0915 - one story
    world: System,
) -> None:
    by = ("--by", "maria")
    customer = world.customer(None)
    world.subscribe(customer, world.price("supporters"))
    world.group("pioneers")
    world.user("Ümit")
    world.user("bruno")
    world.settle()
    pass_days(world, 0.02)
    assert [one["subject"] for one in asked(world, "alerts")] == [customer]
    assert [len(one["bought"]) for one in asked(world, "link")] == [1]
    typed(world, "link", customer, "ümit", *by)
    paid = ("--amount", "25", "--currency", "eur", "--what", "A year", "--method", "cash")
    bought = ("--group", "pioneers", "--for", "1y")
    line = asked(world, "record-payment", "ümit", *paid, *bought, *by)["line"]
    typed(world, "record-payment", "ümit", *paid, *bought, *by, code=1)
    confirm(world)
    assert world.groups_of("Ümit") == {"supporters", "pioneers"}
    umit = f"id:{world.user('Ümit')}"
    typed(world, "relink", umit, "bruno", *by)
    confirm(world)
    assert world.groups_of("bruno") == {"supporters", "pioneers"}
    assert asked(world, "unrelink", umit, *by)["customers"] == [customer]
    confirm(world)
    confirm(world)
    assert world.groups_of("bruno") == set()
    assert world.groups_of("Ümit") == {"supporters", "pioneers"}
    typed(world, "reverse-payment", line, *by)
    typed(world, "unlink", customer, *by)
    confirm(world)
    confirm(world)
    assert world.groups_of("Ümit") == set()
