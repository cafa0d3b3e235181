"""The books of payloads that Stripe sent: what is computed of each is known to the last letter.

The payloads are kept beside the checkout, not in it; here are the ledgers that follow from them, as
beancount. `GOLDEN=write` writes them anew.
"""

from __future__ import annotations

import json
import os
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from beancount.loader import load_string

from bridge.core.ledger.entries import ledger
from bridge.core.ledger.line import Ledger
from bridge.core.ledger.objects import MoneyObject
from bridge.core.ledger.products import ACCOUNTS, Nature
from bridge.exports.journal import beancount
from bridge.stripe_api.money_objects import (
    read_balance_move,
    read_charge,
    read_credit_move,
    read_credit_note,
    read_dispute,
    read_invoice,
    read_order,
    read_payout,
    read_refund,
)
from tests.contract.recorded import CONTRACT, needs_contract

GOLDEN = Path(__file__).parent / "golden"
RECORDED = CONTRACT / "stripe" / "recorded"


def nature(product_id: str | None, _price: str | None, _at: datetime) -> Nature:
    return Nature(ACCOUNTS["membership" if product_id else "other"])


def rows(embedded: object) -> list[Any]:
    return list(embedded["data"]) if isinstance(embedded, Mapping) else []


def charge_and_refunds(raw: Any) -> list[MoneyObject | None]:
    refunds = rows(raw.get("refunds"))
    moves = [moved(raw, raw["amount"]), *(moved(one, -one["amount"]) for one in refunds)]
    return [read_charge(raw), *map(read_refund, refunds), *moves]


def moved(raw: Any, amount: int) -> MoneyObject | None:
    """The balance transaction that a charge or refund names; the payloads do not hold it."""
    if not raw.get("balance_transaction"):
        return None
    said = {"id": raw["balance_transaction"], "type": raw["object"], "source": raw["id"], "fee": 0}
    times = {"created": raw["created"], "available_on": raw["created"]}
    return read_balance_move({**said, **times, "amount": amount, "currency": raw["currency"]})


READERS: Mapping[str, Callable[[Any], Sequence[MoneyObject | None]]] = {
    "invoice": lambda raw: [read_invoice(raw, rows(raw["lines"]), rows(raw.get("payments")))],
    "charge": charge_and_refunds,
    "refund": lambda raw: [read_refund(raw)],
    "dispute": lambda raw: [read_dispute(raw)],
    "credit_note": lambda raw: [read_credit_note(raw, rows(raw["lines"]))],
    "payout": lambda raw: [read_payout(raw, [])],
    "balance_transaction": lambda raw: [read_balance_move(raw)],
    "customer_balance_transaction": lambda raw: [read_credit_move(raw)],
    "checkout.session": lambda raw: [read_order(raw, rows(raw.get("line_items")))],
}


def objects_in(raw: Any) -> list[MoneyObject]:
    """What moves money of an object of Stripe's, with the objects inside of it."""
    return [one for one in READERS[raw["object"]](raw) if one is not None]


def text_of(made: Ledger) -> str:
    """The ledger as beancount, with what was found as comments."""
    found = "".join(f"; {one.code} {' '.join(one.ids)}: {one.says}\n" for one in made.findings)
    if not made.lines:
        return found
    accounts = {line.account for line in made.lines}
    first = min(line.at for line in made.lines).date()
    return found + "".join(beancount(made.lines, accounts, first))


def recorded_money() -> list[Path]:
    found = []
    for path in sorted(RECORDED.rglob("*.json")):
        subject = json.loads(path.read_text())["data"]["object"]
        if subject.get("object") in READERS and subject.get("id"):
            found.append(path)
    return found


def check(name: str, made: Ledger) -> None:
    """The same text as ever, in balance, and accepted by beancount."""
    sums: Counter[tuple[str, str]] = Counter()
    for line in made.lines:
        sums[line.entry_id, line.currency] += line.amount_minor
    assert not any(sums.values())
    text, path = text_of(made), GOLDEN / f"{name}.beancount"
    if os.environ.get("GOLDEN") == "write":
        path.parent.mkdir(exist_ok=True)
        path.write_text(text)
    assert text == path.read_text()
    _, problems, _ = load_string(text)
    assert problems == []


@needs_contract
@pytest.mark.parametrize(
    "path", recorded_money(), ids=lambda path: f"{path.parent.name}-{path.stem}"
)
def test_A68_the_books_of_a_recorded_payload_are_the_same_to_the_last_letter(path: Path) -> None:
    subject = json.loads(path.read_text())["data"]["object"]
    check(f"{path.parent.name}-{path.stem}", ledger(objects_in(subject), nature))


@needs_contract
def test_A68_the_books_of_stripes_own_examples_are_the_same_to_the_last_letter() -> None:
    examples = json.loads((CONTRACT / "stripe" / "fixtures3.json").read_text())["resources"]
    found = [one for name in sorted(READERS) for one in objects_in(examples[name])]
    check("stripes-own-examples", ledger(found, nature))
