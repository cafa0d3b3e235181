"""Writes through the API in processes that die at each step: a retry with the key does it once."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import func, select

from bridge.core.model.actor import operator
from bridge.operations import ledger
from bridge.operations.tokens import SCOPES, make_token
from bridge.store.schema.ledger import ledger_notes, money_lines
from bridge.store.schema.rights import hand_grants
from bridge.web import create_app
from bridge.wiring import Bridge
from tests.harness import System, system
from tests.system.dying import Killed, Moment, dying

PAYMENT = {"amount_minor": 1200, "currency": "eur", "method": "cash", "what": "Summer party"}
GRANT = {"group": "guests", "reason": "Helps at the door"}
WRITES = {"payments": money_lines, "grants": hand_grants, "ledger/notes": ledger_notes}


@pytest.fixture
def world(tmp_path: Path, database_url: str) -> Iterator[System]:
    with system(tmp_path, database_url=database_url) as it:
        it.group("guests")
        it.user("alice")
        it.settle()
        yield it


class Machine:
    """Another machine with a token."""

    def __init__(self, world: System) -> None:
        until = world.bridge.clock.now() + timedelta(days=30)
        self.path = f"/api/v1/people/{world.user('alice')}"
        self.world = world
        self._secret = make_token(world.bridge, operator("root"), "shop", SCOPES, until).secret

    def send(self, what: str, key: str, body: dict[str, Any], *, to: Bridge | None = None) -> Any:
        """The answer to a write, or the death of the process that had it."""
        headers = {"Authorization": f"Bearer {self._secret}", "Idempotency-Key": key}
        app = create_app(to or self.world.bridge)
        return app.test_client().post(f"{self.path}/{what}", json=body, headers=headers)

    def line(self) -> str:
        """A line of the ledger."""
        self.send("payments", "a line", PAYMENT)
        ledger.update(self.world.bridge, lambda _what, _count: None)
        headers = {"Authorization": f"Bearer {self._secret}"}
        app = create_app(self.world.bridge)
        found = app.test_client().get(f"{self.path}/ledger", headers=headers).get_json()
        return str(found["lines"][0]["id"])


def times(world: System, what: str) -> int:
    with world.bridge.store.read() as connection:
        return connection.scalar(select(func.count()).select_from(WRITES[what])) or 0


@pytest.mark.parametrize("what", WRITES)
def test_A59_A60_a_write_whose_process_died_is_done_once_by_a_retry_with_its_key(
    world: System, what: str
) -> None:
    machine = Machine(world)
    notes = what == "ledger/notes"
    body: dict[str, Any] = PAYMENT if what == "payments" else GRANT
    if notes:
        body = {"line": machine.line(), "note": "Paid at the door"}
    number, met = 1, True
    while met:
        before, moment, key = times(world, what), Moment(number), f"key {number}"
        mortal = dying(world.bridge, moment)
        this = body | ({"until": f"2099-01-{number:02}T00:00:00Z"} if what == "grants" else {})
        if met := _dies(machine, what, key, this, mortal):
            answers = [machine.send(what, key, this) for _ in range(2)]
            assert [one.status_code for one in answers] == [201, 201], (
                moment.seen,
                answers[0].text,
            )
            assert answers[0].json == answers[1].json
        assert times(world, what) == before + 1, moment.seen
        other = machine.send(what, key, this | {"reason": "Another", "note": "Another"})
        assert other.status_code == 409
        number += 1
    assert number > 6, "the commits of reservation, effect and answer, each before and after"


def _dies(machine: Machine, what: str, key: str, body: dict[str, Any], mortal: Bridge) -> bool:
    try:
        machine.send(what, key, body, to=mortal)
    except Killed:
        return True
    return False


def test_A59_two_payments_alike_with_two_keys_are_two_and_a_key_is_free_again_after_a_day(
    world: System,
) -> None:
    machine = Machine(world)
    sent = [machine.send("payments", key, PAYMENT).json["id"] for key in ("a", "b", "a")]
    assert sent[0] == sent[2] != sent[1]
    world.advance(24 * 3600 + 1)
    assert machine.send("payments", "a", PAYMENT).json["id"] not in sent
    assert times(world, "payments") == 3
    refused = machine.send("payments", "c", PAYMENT | {"method": "gold"})
    assert refused.status_code == 400
    assert machine.send("payments", "c", PAYMENT).status_code == 201, "its key stayed free"
