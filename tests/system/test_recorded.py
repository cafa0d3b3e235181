"""Real events of Stripe's, of many API versions, through the running HTTP endpoint."""

from __future__ import annotations

import hashlib
import hmac
import json
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import requests
from sqlalchemy import Row, select

from bridge.sandbox.stripe.loading import load
from bridge.store.schema.work import inbox, work
from bridge.web import create_app
from tests.contract.recorded import CONTRACT, needs_contract
from tests.harness import System, served, system

RECORDED = CONTRACT / "stripe" / "recorded"
FILES = sorted(RECORDED.glob("*/*.json"))
SUBSCRIPTIONS = [
    path for path in FILES if "subscription" in path.name and "schedule" not in path.name
]
GRANTING = {"active", "trialing"}

pytestmark = [needs_contract, pytest.mark.contract]


def name_of(path: Path) -> str:
    return f"{path.parent.name}-{path.stem}"


@pytest.fixture
def world(tmp_path: Path) -> Iterator[System]:
    """A separate system for each file, because many share their ids."""
    with system(tmp_path) as it:
        yield it


def deliver(world: System, body: bytes, url: str | None = None) -> int:
    """These very bytes, signed as Stripe signs them; the status of the answer."""
    at = int(time.time())
    secret = world.sandbox.info["stripe_webhook_secret"]
    mac = hmac.new(secret.encode(), f"{at}.".encode() + body, hashlib.sha256).hexdigest()
    answer = requests.post(
        f"{url or world.url}/webhooks/stripe",
        data=body,
        headers={"Stripe-Signature": f"t={at},v1={mac}", "Content-Type": "application/json"},
        timeout=10,
    )
    return answer.status_code


def stored(world: System, event_id: str) -> Row[Any]:
    with world.bridge.store.read() as connection:
        return connection.execute(select(inbox).where(inbox.c.event_id == event_id)).one()


def payload_of(path: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(path.read_text())
    return found


def test_there_are_as_many_recorded_events_as_the_contract_lists() -> None:
    assert len(FILES) == 56


@pytest.mark.parametrize("path", FILES, ids=name_of)
def test_each_recorded_event_is_answered_200_and_ends_done_or_ignored(
    world: System, path: Path
) -> None:
    payload = payload_of(path)
    live = replace(world.bridge.settings, stripe_api_key="sk_live_for_the_mode_alone")
    if payload["livemode"]:
        # The simulated Stripe has no live mode: the endpoint has it, and reads with a test key.
        with served(create_app(replace(world.bridge, settings=live))) as url:
            assert deliver(world, path.read_bytes(), url) == 200
    else:
        assert deliver(world, path.read_bytes()) == 200
    assert stored(world, payload["id"]).status == "received"
    world.settle()
    row = stored(world, payload["id"])
    assert (row.type, row.api_version) == (payload["type"], payload.get("api_version"))
    assert row.status in {"done", "ignored"}
    assert row.outcome or row.status == "done"
    with world.bridge.store.read() as connection:
        errors = connection.scalars(select(work.c.error).where(work.c.error.is_not(None))).all()
    assert errors == []


@pytest.mark.parametrize(
    "path", [path for path in FILES if payload_of(path)["livemode"]], ids=name_of
)
def test_F22_a_recorded_event_of_the_other_mode_is_kept_dead_and_visible(
    world: System, path: Path
) -> None:
    assert deliver(world, path.read_bytes()) == 200
    mark = world.mark()
    world.settle()
    row = stored(world, payload_of(path)["id"])
    assert (row.status, "of the other mode" in row.outcome) == ("dead", True)
    assert [e for e in world.calls("stripe", mark) if "customer=" in e.query] == []


@pytest.mark.parametrize("path", SUBSCRIPTIONS, ids=name_of)
def test_the_membership_follows_each_recorded_subscription(world: System, path: Path) -> None:
    payload = payload_of(path)
    found = payload["data"]["object"]
    load(world.sandbox.world, [found])
    world.group("supporters")
    for product_id in sorted(products_in(found)):
        world.sdk.v1.products.update(product_id, {"metadata": {"discourse_groups": "supporters"}})
    world.link(found["customer"], "alice")
    assert deliver(world, path.read_bytes()) == 200
    world.settle()
    assert stored(world, payload["id"]).status == "done"
    should = {"supporters"} if found["status"] in GRANTING else set()
    assert world.groups_of("alice") == should
    # The same news again, after it has ended at Stripe: what the event says does not matter.
    over = {**found, "status": "canceled", "ended_at": int(world.sandbox.world.clock.now())}
    load(world.sandbox.world, [over])
    again = json.dumps({**payload, "id": f"{payload['id']}_again"}).encode()
    assert deliver(world, again) == 200
    world.settle()
    assert world.groups_of("alice") == should
    world.advance(61)
    world.settle()
    assert world.groups_of("alice") == set()


def products_in(subscription: dict[str, Any]) -> set[str]:
    items = subscription["items"]["data"]
    return {(item.get("price") or item["plan"])["product"] for item in items}
