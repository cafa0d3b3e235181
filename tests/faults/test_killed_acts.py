"""A moderator's acts at Stripe whose process is killed: done once, and logged once."""

from __future__ import annotations

import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from bridge import crashpoints
from bridge.store import changes
from tests.harness import POLICY, System, system
from tests.system.typing_commands import variables

pytestmark = pytest.mark.faults


def kill(world: System, point: str, *words: str, **env: str) -> None:
    """Type a command whose process is killed when it comes to this point."""
    done = subprocess.run(
        [sys.executable, "-m", "bridge", *words, "--by", "mia"],
        env={**os.environ, **variables(world), **env, "BRIDGE_CRASH_AT": point},
        capture_output=True,
        check=False,
    )
    assert done.returncode == 137, (point, done.stderr[-500:])


def test_a_refund_whose_process_is_killed_at_any_step_is_made_once_and_logged_once(
    tmp_path: Path,
) -> None:
    config = tmp_path / "bridge.toml"
    config.write_text("[console]\nrefunds = true\n")
    with system(tmp_path, policy=replace(POLICY, refunds=True)) as world:
        price = world.price("patrons", amount=6000)
        world.user("mia")
        paid = {
            point: world.subscribe(world.customer(f"member{number}"), price)
            for number, point in enumerate(crashpoints.OF_ERRANDS)
        }
        world.settle()
        for point, subscription in paid.items():
            words = ("refund", str(subscription.latest_invoice), "--reason", "Moved away")
            kill(world, point, *words, BRIDGE_CONFIG=str(config))
        world.advance(130)
        world.settle()
        refunds = world.sdk.v1.refunds.list().data
        assert [one.amount for one in refunds] == [6000] * len(paid)
        with world.bridge.store.read() as connection:
            lines = changes.page(connection, action="refunded")
        assert len({line.user_id for line in lines}) == len(lines) == len(paid)
        assert {line.outcome for line in lines} == {"Moved away"}


def test_A33_a_mapping_change_whose_process_is_killed_is_saved_once_followed_and_logged_once(
    tmp_path: Path,
) -> None:
    """Each point has a product of its own, whose member moves from one group to the other."""
    with system(tmp_path) as world:
        world.user("mia")
        world.group("patrons")
        product_of: dict[str, str] = {}
        for number, point in enumerate(crashpoints.OF_ERRANDS):
            price = world.price("supporters")
            world.subscribe(world.customer(f"member{number}"), price)
            product_of[point] = str(world.sdk.v1.prices.retrieve(price).product)
        world.settle()
        assert len(world.members("supporters")) == len(product_of)
        mark = world.mark()
        for point, product in product_of.items():
            kill(world, point, "mapping", "set", product, "groups", "patrons", "--reason", "New")
        world.advance(130)
        for _ in range(2):  # a removal needs a second reading
            world.settle()
            world.advance(130)
        world.settle()
        sent = [
            one.path
            for one in world.calls("stripe", mark)
            if one.method == "POST" and one.path.startswith("/v1/products/")
        ]
        assert set(sent) == {f"/v1/products/{one}" for one in product_of.values()}
        for product in product_of.values():
            found = world.sdk.v1.products.retrieve(product)
            assert found.metadata.to_dict() == {"discourse_groups": "patrons"}
        assert len(world.members("patrons")) == len(product_of)
        assert world.members("supporters") == set()
        with world.bridge.store.read() as connection:
            lines = changes.page(connection, action="mapping_changed")
        told = [((line.detail or {})["thing"], (line.detail or {})["after"]) for line in lines]
        assert sorted(told) == sorted((product, "patrons") for product in product_of.values())
        assert {line.outcome for line in lines} == {"New"}
