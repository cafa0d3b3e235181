"""What a moderator reads around an act: whom it is about, what became of it, and how to undo it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.harness import System, system
from tests.system.acts import confirm, console_of, do, words


@pytest.fixture
def world(tmp_path: Path, database_url: str) -> Iterator[System]:
    with system(tmp_path, database_url=database_url) as it:
        it.price("supporters")
        it.settle()
        yield it


def test_the_page_after_an_act_says_that_it_is_applied_and_reloads_until_it_is(
    world: System,
) -> None:
    mia, alice = console_of(world), f"/moderate/person/{world.user('alice')}"
    done = do(mia, f"{alice}/grant", group="supporters", until="", reason="Speaker")
    assert done.location == alice
    for _ in range(2):
        page = mia.get(alice)
        assert page.headers["Refresh"] == "1"
        assert "Being applied… This page reloads" in words(page.text)
        assert "alice gets supporters." in words(page.text), "the words stay while it reloads"
    world.settle()
    page = mia.get(alice)
    assert "Refresh" not in page.headers
    assert "Being applied" not in page.text
    assert "alice gets supporters." in words(page.text)
    assert "supporters In" in words(page.text)
    assert "alice gets supporters." not in words(mia.get(alice).text)


def test_a_page_stops_reloading_when_an_act_takes_longer_and_says_so(world: System) -> None:
    mia, alice = console_of(world), f"/moderate/person/{world.user('alice')}"
    do(mia, f"{alice}/grant", group="supporters", until="", reason="Speaker")
    world.advance(21)
    page = mia.get("/moderate/log")
    assert "Refresh" not in page.headers
    assert "Not everything that you decided is applied yet." in words(page.text)
    world.settle()
    assert "Not everything" not in mia.get("/moderate/log").text


def test_a_form_never_reloads_while_somebody_types(world: System) -> None:
    mia, alice = console_of(world), f"/moderate/person/{world.user('alice')}"
    do(mia, f"{alice}/grant", group="supporters", until="", reason="Speaker")
    assert "Refresh" not in mia.get(f"{alice}/grant").headers
    assert "Refresh" in mia.get(alice).headers


def test_a_list_reloads_until_what_was_decided_has_left_it(world: System) -> None:
    price = world.price("supporters")
    world.subscribe(world.customer("alice"), price)
    confirm(world)
    product = str(world.sdk.v1.prices.retrieve(price).product)
    world.sdk.v1.products.update(product, {"metadata": {"discourse_groups": ""}})
    confirm(world)
    mia, held = console_of(world), "/moderate/lists/held"
    row = f"{world.user('alice')}:{world.group('supporters')}"
    assert "alice" in words(mia.get(held).text)
    done = do(mia, "/moderate/act/end-held", which=row, reason="No longer offered")
    assert done.location == held
    assert mia.get(held).headers["Refresh"] == "1"
    world.settle()
    page = mia.get(held)
    assert "Refresh" not in page.headers
    assert "alice" not in words(page.text)
