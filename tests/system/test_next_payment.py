"""Stripe then takes exactly the next payment that members were told."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from bridge.core.ledger.amounts import format_minor
from tests.harness import System, system
from tests.system.acts import message_to, page_of, pass_days

TIERS = [
    {"up_to": 2, "unit_amount": 1000},
    {"up_to": "inf", "unit_amount": 500, "flat_amount": 300},
]


@dataclass(frozen=True)
class Plan:
    """A price beside the usual €10.00 a month, and how it is subscribed to."""

    price: Mapping[str, Any] = field(default_factory=dict)
    quantity: int | None = 1
    more: Mapping[str, Any] = field(default_factory=dict)
    balance: int = 0
    currency: str = "eur"


# Who -> what they pay for, and whether the amount can be told before.
PLANS: dict[str, tuple[Plan, bool]] = {
    "plain": (Plan(), True),
    "several": (Plan(quantity=3), True),
    "dollars": (
        Plan({"currency_options": {"usd": {"unit_amount": 1200}}}, more={"currency": "usd"}),
        False,
    ),
    "packages": (Plan({"transform_quantity": {"divide_by": 10, "round": "up"}}, 11), False),
    "graduated": (Plan({"billing_scheme": "tiered", "tiers_mode": "graduated"}, 6), False),
    "volume": (Plan({"billing_scheme": "tiered", "tiers_mode": "volume"}, 4), False),
    "metered": (Plan({"recurring": {"interval": "month", "usage_type": "metered"}}, None), False),
    "credit": (Plan(balance=-2500), False),
    # What is owed is taken with the first payment.
    "owes": (Plan(balance=400), True),
    "late": (Plan(), False),
}


def subscribe(world: System, user: str, plan: Plan) -> Any:
    price = dict(plan.price)
    what: dict[str, Any] = {
        "product": world.sdk.v1.products.create(
            {"name": f"Plan {user}", "metadata": {"discourse_groups": "supporters"}}
        ).id,
        "currency": plan.currency,
        "recurring": {"interval": "month"},
        **price,
    }
    what |= {"tiers": TIERS} if "tiers_mode" in price else {"unit_amount": 1000}
    made = world.sdk.v1.prices.create(what)  # type: ignore[arg-type] # a dict of its fields
    customer = world.customer(user, **({"balance": plan.balance} if plan.balance else {}))
    item: dict[str, Any] = {"price": made.id}
    if plan.quantity is not None:
        item["quantity"] = plan.quantity
    whole: Any = {"customer": customer, "items": [item], **plan.more}
    return world.sdk.v1.subscriptions.create(whole)


def announced(text: str) -> str | None:
    """The amount of the next payment; None if only its date is shown."""
    (found,) = re.findall(r"Next payment(?:: (\S+))? on ", text)
    return found or None


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Any:
    path: Path = tmp_path_factory.mktemp("next")
    with system(path) as it:
        it.advance(2)
        it.group("supporters")
        yield it


def test_A140_the_amount_of_the_next_payment_is_right_or_left_out(world: System) -> None:
    bought = {user: subscribe(world, user, plan) for user, (plan, _) in PLANS.items()}
    world.settle()
    pass_days(world, 1)
    credit: Any = {"amount": -500, "currency": "eur"}
    world.sdk.v1.customers.balance_transactions.create(bought["late"].customer, credit)
    # The page knows at once; a message is edited once a day where nobody comes or goes.
    pass_days(world, 2.1)
    before = {user: announced(message_to(world, user)) for user in PLANS}
    pages = {user: page_of(world, user) for user in PLANS}
    for _ in range(30):
        world.advance(86_400)
    charged = {}
    for user, subscription in bought.items():
        now = world.sdk.v1.subscriptions.retrieve(subscription.id, {"expand": ["latest_invoice"]})
        invoice: Any = now.latest_invoice
        charged[user] = format_minor(invoice.amount_due, invoice.currency, "en")
    told = {user: amount for user, amount in before.items() if amount is not None}
    assert told == {user: charged[user] for user in told}
    assert set(told) == {user for user, (_, known) in PLANS.items() if known}
    assert all(amount in pages[user] for user, amount in told.items())
