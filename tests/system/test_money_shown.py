"""Members' money, on their own page and in their message on the forum.

All of them live through the same eight days, so that time passes only once. They read on the third
day, when some payments are still on their way, and on the last.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import pytest

from bridge.sandbox.stripe import fail_payments
from tests.harness import System, system
from tests.system.acts import (
    checkout,
    message_to,
    moves,
    page_of,
    pass_days,
    pay_open_invoices,
)

MINUS = "\N{MINUS SIGN}"
OF_CREDIT, AT_LESS = ("credit", "split"), ("percent", "fixed", "intro", "loyal", "once")
WAITING = ("upgrade", "sent", "debit", "slow_order", "bounced")


@dataclass
class Told:
    """Each member's page and message, on the third day and on the last.

    `sent_at`: when the invoice to be paid by hand was. `dearer_minor`: what the upgrade costs.
    """

    world: System
    sent_at: datetime
    dearer_minor: int
    midway: dict[str, tuple[str, str]] = field(default_factory=dict)
    end: dict[str, tuple[str, str]] = field(default_factory=dict)


@pytest.fixture(scope="module")
def told(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Told]:
    with system(tmp_path_factory.mktemp("money")) as world:
        _buy_at_less(world)
        _pay_from_credit(world)
        low = world.price("supporters")
        bought = world.subscribe(world.customer("upgrade"), low)
        later = {"collection_method": "send_invoice", "days_until_due": 30}
        sent = world.subscribe(world.customer("sent"), low, **later)
        once = world.price("visitors", interval=None)
        slow = {"debit": "subscription", "slow_order": "payment", "bounced": "payment"}
        for user, mode in slow.items():
            price = low if mode == "subscription" else once
            session = checkout(world, user, price, mode=mode, card="pm_usBankAccount")
        fail_payments(world.sandbox.world, session.customer, times=1)  # what the bank will say
        pass_days(world, 1)
        _upgrade_without_cover(world, bought)
        pass_days(world, 1.1)
        (dearer,) = open_invoices(world, bought.customer)
        (owed,) = open_invoices(world, sent.customer)
        sent_at = datetime.fromtimestamp(owed.status_transitions.finalized_at, UTC)
        it, members = Told(world, sent_at, dearer.amount_due), (*OF_CREDIT, *AT_LESS, *WAITING)
        it.midway = {one: (page_of(world, one), message_to(world, one)) for one in members}
        pay_open_invoices(world, bought.customer)
        world.sdk.v1.invoices.void_invoice(owed.id)
        pass_days(world, 6.3)
        it.end = {one: (page_of(world, one), message_to(world, one)) for one in members}
        yield it


def open_invoices(world: System, customer: str) -> list[Any]:
    """A customer's open amount."""
    return world.sdk.v1.invoices.list({"customer": customer, "status": "open"}).data


def _buy_at_less(world: System) -> None:
    off: dict[str, Any] = {
        "percent": {"percent_off": 25, "duration": "once"},
        "fixed": {"amount_off": 123, "currency": "eur", "duration": "once"},
        "intro": {"percent_off": 50, "duration": "once"},
        "loyal": {"percent_off": 50, "duration": "forever"},
        "once": {"percent_off": 10, "duration": "once"},
    }
    codes = {user: world.sdk.v1.coupons.create(what).id for user, what in off.items()}
    dear, weekly = world.price("patrons", amount=2000), world.price("choir", interval="week")
    prices = {"percent": dear, "fixed": dear, "intro": weekly, "loyal": weekly}
    for user, price in prices.items():
        world.subscribe(world.customer(user), price, discounts=[{"coupon": codes[user]}])
    mug = world.price("", interval=None, discourse_kind="other")
    checkout(world, "once", mug, mode="payment", discounts=[{"coupon": codes["once"]}])


def _pay_from_credit(world: System) -> None:
    weekly = world.price("garden", interval="week")
    for user, balance in (("credit", -3000), ("split", -400)):
        customer = world.customer(user)
        credit: Any = {"amount": balance, "currency": "eur"}
        world.sdk.v1.customers.balance_transactions.create(customer, credit)
        world.subscribe(customer, weekly)


def _upgrade_without_cover(world: System, bought: Any) -> None:
    """Go to a dearer price, billed at once, with a card that is refused."""
    fail_payments(world.sandbox.world, bought.customer, times=1)
    item = {"id": bought["items"].data[0].id, "price": world.price("founders", amount=4000)}
    what: Any = {"items": [item], "proration_behavior": "always_invoice"}
    world.sdk.v1.subscriptions.update(bought.id, what)


@pytest.mark.parametrize(
    ("user", "off", "net"), [("percent", "€5.00", "€15.00"), ("fixed", "€1.23", "€18.77")]
)
def test_A26_gross_discount_and_net_appear_on_the_statement(
    told: Told, user: str, off: str, net: str
) -> None:
    for text in told.end[user]:
        assert f"€20.00, less {off} discount" in text
        assert f"Paid in total {net}" in text


def test_A26_E23_of_something_bought_once_too(told: Told) -> None:
    for text in told.end["once"]:
        assert "€10.00, less €1.00 discount" in text
        assert "Paid in total €9.00" in text


@pytest.mark.parametrize(
    ("user", "times", "total"), [("intro", 1, "€15.00"), ("loyal", 2, "€10.00")]
)
def test_A25_an_introductory_code_counts_once_one_for_ever_always_and_nobody_leaves(
    told: Told, user: str, times: int, total: str
) -> None:
    assert moves(told.world, user, "choir") == ["in"]
    for text in told.end[user]:
        assert text.count("€10.00, less €5.00 discount") == times
        assert f"Paid in total {total}" in text


def test_A27_E33_what_is_paid_from_credit_says_so_and_renews(told: Told) -> None:
    assert moves(told.world, "credit", "garden") == ["in"]
    for text in told.end["credit"]:
        assert text.count("Paid from credit") == 2
        assert "charged" not in text


def test_A29_the_split_between_credit_and_card_is_shown(told: Told) -> None:
    for text in told.end["split"]:
        assert text.count("€4.00 from credit, €6.00 charged") == 1
        assert "Paid in total €16.00" in text


def test_A31_A124_an_upgrade_that_was_refused_is_unpaid_and_then_shows_credit_and_debit(
    told: Told,
) -> None:
    for text in told.midway["upgrade"]:
        assert "Unpaid" in text
        assert "Pending" not in text
        owed = f"€{told.dearer_minor / 100:.2f}"  # it depends on how long this month is
        assert f"{owed} for Remaining time on Membership founders (since " in text
        assert "Unused time" not in text
        assert "Paid in total €10.00" in text
    for text in told.end["upgrade"]:
        assert "Unpaid" not in text
        assert "Remaining time on Membership founders" in text
        assert f"{MINUS}€" in text.partition("Unused time on Membership supporters")[2]
        assert f"Paid in total €{(1000 + told.dearer_minor) / 100:.2f}" in text


def test_A31_E31_what_is_voided_is_not_pending_any_more(told: Told) -> None:
    for text in told.midway["sent"]:
        assert f"Pending: €10.00 for Membership supporters (since {told.sent_at.day} " in text
    for text in told.end["sent"]:
        assert "Pending" not in text
        assert "Paid" not in text


@pytest.mark.parametrize("user", ["debit", "slow_order"])
def test_E2_E43_a_bank_debit_under_way_is_pending_and_has_not_failed(told: Told, user: str) -> None:
    for text in told.midway[user]:
        assert "Pending: €10.00 for Membership" in text
        assert "failed" not in text
        assert "Paid" not in text
    for text in told.end[user]:
        assert "Pending" not in text
        assert "Paid in total €10.00" in text


def test_E43_a_bank_debit_that_failed_is_pending_no_more_and_gives_nothing(told: Told) -> None:
    assert all("Pending: €10.00" in text for text in told.midway["bounced"])
    assert moves(told.world, "bounced", "visitors") == []
    for text in told.end["bounced"]:
        assert "Pending" not in text
        assert "Paid" not in text


def test_E2_a_first_payment_that_is_pending_gives_nothing_yet(told: Told) -> None:
    for text in told.midway["debit"]:
        assert "You are not in supporters. The first payment for your monthly membership" in text
    for text in told.end["debit"]:
        assert "You are in supporters" in text
