"""The scenario files: each plays through, ends as its title says, and always alike."""

from __future__ import annotations

from typing import Any

import pytest

from bridge.sandbox import scenario
from bridge.sandbox.run import start
from bridge.sandbox.scenario import SCENARIOS

# Scenario: what its kept objects show at the end, by path.
ENDS: dict[str, dict[str, Any]] = {
    "renewal_in_processing": {"subscription.status": "active"},
    "instalments": {"subscription.status": "canceled"},
    "two_subscriptions_one_cancelled": {"first.status": "active", "second.status": "canceled"},
    "downgrade_at_renewal": {
        "subscription.status": "active",
        "invoices.data.0.amount_paid": 500,
        "invoices.data.1.amount_paid": 1500,
    },
    "introductory_code": {
        "invoices.data.0.amount_paid": 500,
        "invoices.data.1.amount_paid": 250,
    },
    "credit_for_three_terms": {
        "customer.balance": 0,
        "invoices.data.0.amount_paid": 500,
        "invoices.data.1.amount_due": 0,
        "invoices.data.3.amount_due": 0,
    },
    "upgrade_by_cancel_and_create": {"old.status": "canceled", "new.status": "active"},
    "upgrade_whose_payment_fails": {
        "subscription.status": "active",
        "subscription.items.data.0.price.unit_amount": 500,
    },
    "payment_fails_for_good": {"late.status": "past_due", "subscription.status": "canceled"},
    "one_off_after_cancellation": {"subscription.status": "canceled", "invoice.status": "paid"},
}


def played(name: str) -> tuple[scenario.Kept, list[tuple[Any, ...]]]:
    sandbox = start(seed=5, frozen_at=1_790_000_000)
    try:
        kept = scenario.play_file(sandbox.world, sandbox.info, SCENARIOS / f"{name}.toml")
        entries = sandbox.world.journal.since()
        return kept, [(e.at, e.method, e.path, e.status, e.response) for e in entries]
    finally:
        sandbox.close()


def at(value: Any, path: str) -> Any:
    for part in path.split("."):
        value = value[int(part)] if isinstance(value, list) else value[part]
    return value


def test_every_scenario_file_has_an_expected_end() -> None:
    assert {f.stem for f in SCENARIOS.glob("*.toml")} == set(ENDS)


@pytest.mark.parametrize("name", ENDS)
def test_a_scenario_ends_as_its_title_says(name: str) -> None:
    kept, _ = played(name)
    assert {path: at(kept, path) for path in ENDS[name]} == ENDS[name]


def test_the_same_seed_and_scenario_give_the_same_journal() -> None:
    _, first = played("payment_fails_for_good")
    assert len(first) > 5
    assert first == played("payment_fails_for_good")[1]
