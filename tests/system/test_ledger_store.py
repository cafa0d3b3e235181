"""What the ledger keeps, on both databases, without Stripe."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest

from bridge.core.ledger.line import Finding
from bridge.store import Store, ledger_findings, migrate

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)


@pytest.fixture
def store(database_url: str) -> Iterator[Store]:
    made = Store(database_url)
    migrate.upgrade(made, NOW)
    yield made
    made.close()


def test_I6_a_finding_is_kept_until_its_family_is_booked_without_it(store: Store) -> None:
    odd = Finding("lines_do_not_add_up", ("in_1",), "the lines add up to 1, the total is 2 EUR")
    other = Finding("type_not_known", ("txn_1",), "moon_tax")
    later = Finding("reference_missing", ("txn_2", "ch_1"), "the charge is not known yet")
    with store.write() as connection:
        ledger_findings.replace(connection, "stripe", "own", "cus_1", [odd], NOW)
        ledger_findings.replace(connection, "stripe", "own", "txn_1", [other], NOW)
        again = NOW + timedelta(days=1)
        ledger_findings.replace(connection, "stripe", "own", "cus_1", [later, odd], again)
    with store.read() as connection:
        assert ledger_findings.everything(connection) == [odd, other, later]
    with store.write() as connection:
        ledger_findings.replace(connection, "stripe", "own", "cus_1", [], NOW)
        assert ledger_findings.everything(connection) == [other]
        ledger_findings.drop(connection)
        assert ledger_findings.everything(connection) == []
