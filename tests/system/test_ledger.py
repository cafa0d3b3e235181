"""The ledger through the running bridge, on both databases, and the commands about it."""

from __future__ import annotations

import csv
import io
import json
import re
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import stripe
from sqlalchemy import text

from bridge.core.ledger.line import CREDIT
from bridge.core.model.actor import operator
from bridge.errors import Permanent
from bridge.operations import exporting, ledger
from bridge.operations.exporting import Asked
from bridge.sandbox.stripe import delivery, fail_payments
from bridge.sandbox.stripe.balance import pay_out
from bridge.store import history
from bridge.store import ledger as store
from bridge.stripe_api.books import SOURCES
from bridge.worker.booking import natures
from tests.harness import DAY, POLICY, System, system
from tests.system.acts import checkout, message_to, page_of, pass_days
from tests.system.typing_commands import typed


@pytest.fixture
def world(tmp_path: Path, database_url: str) -> Iterator[System]:
    with system(tmp_path, database_url=database_url) as it:
        everything_sold(it)
        yield it


@pytest.fixture
def plain(tmp_path: Path) -> Iterator[System]:
    """A world for tests that do not depend on the database."""
    with system(tmp_path) as it:
        it.subscribe(it.customer("ann"), it.price("supporters"))
        it.settle()
        ledger.update(it.bridge, quietly)
        yield it


def quietly(_what: str, _count: int) -> None:
    """Nobody watches."""


def everything_sold(world: System) -> None:
    """A subscription renewed, an order with a share, a refund, a dispute, a payout."""
    daily = world.price("supporters", interval="day", discourse_fund="Roof")
    share = world.price("", interval=None, amount=5000, discourse_kind="share")
    world.subscribe(world.customer("ann"), daily)
    checkout(world, "ben", share, mode="payment")
    checkout(world, "cyd", share, mode="payment", card="pm_card_createDispute")
    world.settle()
    pass_days(world, 3)
    world.settle()
    (charge, *_) = world.sdk.v1.charges.list({"limit": 1}).data
    world.sdk.v1.refunds.create({"charge": charge.id, "amount": 300})
    pay_out(account(world), "eur")
    world.settle()


def account(world: System) -> Any:
    from bridge.sandbox.stripe import account_of  # noqa: PLC0415

    return account_of(world.sandbox.world)


def all_lines(world: System) -> list[Any]:
    with world.bridge.store.read() as connection:
        return list(store.read_lines(connection))


def test_A56_A57_A74_I6_what_was_sold_is_booked_once_and_ties_to_stripe(world: System) -> None:
    made = ledger.update(world.bridge, quietly)
    assert made.findings == ()
    assert len(all_lines(world)) > 20
    found = ledger.check(world.bridge)
    assert found.findings == ()
    assert found.booked == found.at_stripe != {}
    assert found.payouts == 1
    again = ledger.update(world.bridge, quietly)
    assert (again.changed, again.lines) == (0, 0)
    with world.bridge.store.read() as connection:
        balances = store.balances(connection)
    assert balances["equity:shares", "eur"] == -10_000
    funds = {line.fund for line in all_lines(world) if line.account == "income:membership"}
    assert funds == {"Roof"}
    # Four days at 5 euros, of which 3 were given back.
    (row,) = csv.DictReader(io.StringIO(typed(world, "export", "funds", "--reason", "audit")))
    assert (row["fund"], row["account"]) == ("Roof", "income:membership")
    assert int(row["amount_minor"]) == -balances["income:membership", "eur"]
    for told in (page_of(world, "ann"), message_to(world, "ann")):
        assert "Fund: Roof" in told


def test_A68_a_ledger_that_is_dropped_and_made_again_is_the_same(world: System) -> None:
    world.user("eve")
    ledger.update(world.bridge, quietly)
    typed(
        world,
        *("record-payment", "eve", "--amount", "12.00", "--currency", "eur", "--what", "Cash"),
        *("--method", "cash", "--by", "mod", "--yes"),
    )
    ledger.update(world.bridge, quietly)
    before, code = all_lines(world), ledger.verify(world.bridge).code
    assert any(line.account == "assets:cash" for line in before)
    exported = csv.DictReader(io.StringIO(typed(world, "export", "csv", "--reason", "audit")))
    providers = {(row["provider"], row["user_id"]) for row in exported}
    assert providers == {("stripe", ""), ("manual", str(world.user("eve")))}
    shown: dict[str, int] = {}
    done = ledger.rebuild(world.bridge, lambda what, count: shown.update({what: count}))
    assert shown["lines proven"] == done.verified.lines == len(before)
    assert all_lines(world) == before
    assert (done.verified.code, done.verified.broken) == (code, ())
    assert ledger.verify(world.bridge, code).broken == ()


def test_A55_A74_A75_A85_reports_are_written_from_the_ledger(world: System) -> None:
    ledger.update(world.bridge, quietly)

    def report(what: str) -> list[dict[str, str]]:
        return list(csv.DictReader(io.StringIO(typed(world, "export", what, "--reason", "audit"))))

    (payout,) = report("payouts")
    assert payout["difference_minor"] == "0"
    shares = report("shares")
    ids = {f"id:{world.user(name)}" for name in ("ben", "cyd")}
    assert {row["holder"] for row in shares} == ids
    assert [row["first"] for row in shares] == ["1", "2"]
    (fees,) = (row for row in report("fees") if row["method"] == "card")
    assert int(fees["payments"]) == len(world.sdk.v1.charges.list({"limit": 100}).data)
    bank = report("xero-bank")
    moved = sum(int(row["*Amount"].replace(".", "")) for row in bank)
    assert moved == ledger.check(world.bridge).booked["eur"]
    said = typed(world, "export", "xero-journals", "--reason", "audit", code=3)
    assert "B142" in said
    assert "income:membership" in said


def test_A75_a_posting_batch_of_a_year_is_written_in_datevs_encoding(tmp_path: Path) -> None:
    chart = {name: {"code": code} for name, code in (("assets", "1360"), ("income", "8200"))}
    chart["assets:receivable"] = {"code": "1410"}
    chart["expenses"] = {"code": "4970"}
    whose = {"consultant": 29098, "client": 55003, "account_length": 4, "first_month": 1}
    with system(tmp_path, policy=replace(POLICY, accounts=chart, datev=whose)) as it:
        it.subscribe(it.customer("ann"), it.price("supporters"))
        it.settle()
        ledger.update(it.bridge, quietly)
        now = it.bridge.clock.now()
        root, today = operator("root"), Asked(now - timedelta(seconds=60), now)
        pieces = list(exporting.export(it.bridge, root, "datev", today, reason="tax"))
        with pytest.raises(Permanent, match="give its first and last day"):
            exporting.export(it.bridge, root, "datev", Asked(), reason="tax")
        years = Asked(now - timedelta(days=400), now)
        with pytest.raises(Permanent, match="one financial year"):
            exporting.export(it.bridge, root, "datev", years, reason="tax")
    header, columns, *rows = "".join(pieces).encode("cp1252").decode("cp1252").splitlines()
    assert header.startswith('"EXTF";700;21;"Buchungsstapel";13;')
    assert f"{now:%Y%m%d}" in header
    assert columns.count(";") == 124
    assert sorted(row.split(";")[6:8] for row in rows) == [
        ["1360", "1410"],
        ["1410", "8200"],
        ["4970", "1410"],
    ]


def test_A70_the_file_of_conversions_can_be_of_either_currency(plain: System) -> None:
    def converted(*more: str) -> list[dict[str, str]]:
        told = typed(plain, "export", "conversions", "--reason", "audit", *more)
        return list(csv.DictReader(io.StringIO(told)))

    insert = (
        "INSERT INTO ledger_lines (provider, account, entry_id, number, family, kind, book, at,"
        " amount_minor, currency, what) VALUES ('stripe', 'own', 'txn_x', :number, 'cus_x',"
        " 'conversion', 'equity:conversion', 1, :amount, :currency, 'Conversion at 0.92')"
    )
    with plain.bridge.store.write() as connection:
        for number, amount, currency in ((1, 1000, "usd"), (2, -920, "eur")):
            side = {"number": number, "amount": amount, "currency": currency}
            connection.execute(text(insert), side)
    (row,) = converted()
    assert (row["presented_minor"], row["settled_minor"]) == ("1000", "920")
    assert converted("--currency", "usd") == converted("--currency", "eur") == [row]
    assert converted("--currency", "gbp") == []


def test_I6_what_does_not_add_up_is_told_by_every_check_until_it_does(plain: System) -> None:
    (invoice,) = account(plain).tables["invoice"].values()
    told, total = ("lines_do_not_add_up", (invoice["id"],)), invoice["total"]
    invoice["total"] = total + 34
    for _ in range(2):
        ledger.rebuild(plain.bridge, quietly)
    assert told in {(one.code, one.ids) for one in ledger.check(plain.bridge).findings}
    assert invoice["id"] in typed(plain, "ledger", "check", code=1)
    invoice["total"] = total
    ledger.rebuild(plain.bridge, quietly)
    assert told not in {(one.code, one.ids) for one in ledger.check(plain.bridge).findings}


def test_a_product_that_was_never_read_is_told_apart_from_one_without_a_rule(
    plain: System,
) -> None:
    mug = plain.sdk.v1.products.create({"name": "Mug"}).id
    plain.settle()
    with plain.bridge.store.read() as connection:
        nature_of = natures(history.Laws(connection, plain.bridge.policy))
    now = plain.bridge.clock.now()
    known, gone = nature_of(mug, None, now), nature_of("prod_gone", "price_gone", now)
    assert (known.account, known.is_known) == ("income:other", True)
    assert (gone.account, gone.is_known) == ("income:other", False)


def halted(world: System) -> frozenset[str]:
    """The rules that lead to groups that were not read yet."""
    with world.bridge.store.read() as connection:
        return world.bridge.rulebook.rules(connection).halted


def test_I6_what_was_sold_before_its_product_or_its_group_was_read_is_booked_as_what_it_is(
    tmp_path: Path,
) -> None:
    with system(tmp_path) as world:
        delivery.lose(world.sandbox.world, 1000)  # nothing is heard of: neither product nor sale
        share = world.price("", interval=None, amount=5000, discourse_kind="share")
        later = world.price("supporters", discourse_fund="Roof")
        checkout(world, "ann", share, mode="payment")
        world.subscribe(world.customer("ben"), later)
        assert ledger.update(world.bridge, quietly).findings == ()
        before = all_lines(world)
        sold = {line.account: line for line in before if line.kind == "sale"}
        assert sold["equity:shares"].amount_minor == -5000
        assert sold["income:membership"].fund == "Roof"
        assert halted(world)
        world.advance(DAY)
        world.settle()
        assert not halted(world)
        assert ledger.rebuild(world.bridge, quietly).made.findings == ()
        assert all_lines(world) == before


def test_A75_failed_payments_are_told_with_their_reasons_and_what_became_of_them(
    plain: System,
) -> None:
    price = plain.price("supporters", amount=700, interval="month")
    ben, cyd = plain.customer("ben"), plain.customer("cyd")
    for customer in (ben, cyd):
        plain.subscribe(customer, price)
    begin = plain.bridge.clock.now()
    fail_payments(plain.sandbox.world, ben, times=1)
    fail_payments(plain.sandbox.world, cyd, times=99)
    plain.advance(40 * DAY)
    with pytest.raises(stripe.CardError):
        plain.sdk.v1.payment_intents.create(
            {
                "amount": 900,
                "currency": "eur",
                "customer": (stranger := plain.customer(None)),
                "payment_method": "pm_card_chargeDeclinedExpiredCard",
                "confirm": True,
            }
        )
    plain.settle()

    def told(*more: str) -> list[dict[str, Any]]:
        period = ("--from", f"{begin:%Y-%m-%d}", "--reason", "audit", "--json")
        rows = typed(plain, "export", "failed-payments", *period, *more).splitlines()
        return [json.loads(row) for row in rows]

    by_person: dict[str, list[Any]] = {}
    for row in told():
        by_person.setdefault(row["person"], []).append(row)
    (of_ben,) = by_person[f"id:{plain.user('ben')}"]
    assert (of_ben["outcome"], of_ben["attempt"], of_ben["amount_minor"]) == ("recovered", 1, 700)
    assert of_ben["recovered_at"] > of_ben["at"]
    of_cyd = by_person[f"id:{plain.user('cyd')}"]
    assert [row["attempt"] for row in of_cyd] == list(range(1, len(of_cyd) + 1))
    assert len(of_cyd) > 1
    invoices = plain.sdk.v1.invoices.list({"customer": cyd, "status": "open"}).data
    assert {row["invoice_id"] for row in of_cyd} == {one.id for one in invoices}
    (other,) = by_person[stranger]
    assert (other["reason"], other["decline_code"]) == ("The card has expired.", "expired_card")
    assert (other["invoice_id"], other["outcome"]) == ("", "given_up")
    assert told("--currency", "usd") == told("--to", f"{begin:%Y-%m-%d}") == []
    text_ = typed(plain, "export", "failed-payments", "--reason", "audit")
    assert len(list(csv.DictReader(io.StringIO(text_)))) == sum(map(len, by_person.values()))


def test_a_file_that_is_no_table_is_not_written_as_json(plain: System) -> None:
    refused = typed(plain, "export", "hledger", "--json", "--reason", "audit", code=1)
    assert "form of its own" in refused


def test_A68_a_pass_that_is_killed_at_any_page_goes_on_there(world: System) -> None:

    class Killed(Exception):
        """The process dies here."""

    # One page further each time, and at last after the lines are written.
    for _ in SOURCES:
        seen = 0

        def die(_what: str, _count: int) -> None:
            nonlocal seen
            seen += 1
            if seen > 1:
                raise Killed

        with pytest.raises(Killed):
            ledger.update(world.bridge, die)
    assert all_lines(world)
    ledger.update(world.bridge, quietly)
    assert ledger.check(world.bridge).findings == ()


def test_A68_a_rebuild_that_is_killed_is_gone_on_with_and_loses_no_credit(plain: System) -> None:
    """Credit that was given and taken back by hand shows only where the customer is asked for."""

    class Killed(Exception):
        """The process dies here."""

    moves = plain.sdk.v1.customers.balance_transactions
    bob = plain.customer("bob")
    for amount in (-500, 500):
        given: Any = {"amount": amount, "currency": "eur"}
        moves.create(bob, given)
    ledger.rebuild(plain.bridge, quietly)
    before = all_lines(plain)
    assert {line.amount_minor for line in before if line.kind == "credit"} == {-500, 500}

    def die(what: str, _count: int) -> None:
        if what == "invoices":
            raise Killed

    with pytest.raises(Killed):
        ledger.rebuild(plain.bridge, die)
    ledger.update(plain.bridge, quietly)
    assert all_lines(plain) == before
    assert ledger.verify(plain.bridge).broken == ()


def test_A68_a_rebuild_keeps_the_credit_of_customers_who_were_deleted(plain: System) -> None:
    """Stripe tells nobody any more what their credit was: not in lists, and not by their ids."""
    bob, cyd = plain.customer("bob"), plain.customer(None)
    for customer, amount in ((bob, -700), (cyd, -500), (cyd, 500)):
        given: Any = {"amount": amount, "currency": "eur"}
        plain.sdk.v1.customers.balance_transactions.create(customer, given)
    plain.subscribe(bob, plain.price("supporters"))
    ledger.rebuild(plain.bridge, quietly)
    plain.settle()
    before, proven = all_lines(plain), ledger.verify(plain.bridge)
    moved = [-700, 700, -500, 500]
    assert sorted(x.amount_minor for x in before if x.account == CREDIT) == sorted(moved)
    for customer in (bob, cyd):
        plain.sdk.v1.customers.delete(customer)
    plain.settle()
    for _ in range(2):
        rebuilt = ledger.rebuild(plain.bridge, quietly)
        assert rebuilt.made.findings == ()
        assert rebuilt.verified == proven
        assert all_lines(plain) == before


@pytest.mark.parametrize(
    ("sql", "code"),
    [
        ("DELETE FROM ledger_lines WHERE number = 1", "line_missing"),
        (
            "UPDATE ledger_lines SET amount_minor = amount_minor + 1 WHERE number = 2",
            "line_changed",
        ),
        ("DELETE FROM ledger_seals WHERE number = 2", "chain_broken"),
        ("UPDATE ledger_seals SET family_chain = 'x' WHERE number = 2", "chain_broken"),
    ],
)
def test_a_line_that_vanished_or_was_changed_is_found_by_its_seal(
    plain: System, sql: str, code: str
) -> None:
    with plain.bridge.store.write() as connection:
        connection.execute(text(sql))
    assert code in {finding.code for finding in ledger.verify(plain.bridge).broken}
    assert code in typed(plain, "ledger", "verify", code=1)


def test_a_code_that_was_never_shown_is_refused(plain: System) -> None:
    assert "never had the code" in typed(plain, "ledger", "verify", "--from", "abc", code=1)


def test_a_statement_carries_a_code_that_proves_the_books_of_that_day_later(plain: System) -> None:
    plain.subscribe(plain.customer("ann"), plain.price("supporters", amount=500))
    plain.settle()
    plain.advance(DAY)
    plain.settle()
    (code,) = re.findall(r"Ledger code: (\w+)\.", message_to(plain, "ann"))
    plain.subscribe(plain.customer("ben"), plain.price("supporters"))
    plain.settle()
    ledger.update(plain.bridge, quietly)
    plain.advance(DAY)
    plain.settle()
    newer = ledger.verify(plain.bridge).code
    assert newer != code
    # Others' payments alone edit nobody's message; the code that stands there still proves.
    assert f"Ledger code: {code}." in message_to(plain, "ann")
    assert f"Ledger code: {newer}." in page_of(plain, "ann")
    assert ledger.verify(plain.bridge, code).broken == ()


def test_A65_an_export_is_complete_logged_with_its_reason_and_private(
    plain: System, tmp_path: Path
) -> None:
    out = tmp_path / "ledger.json"
    typed(plain, "export", "json", "--reason", "year end", "--out", str(out))
    rows = [json.loads(row) for row in out.read_text().splitlines()]
    assert [row["id"] for row in rows] == [line.id for line in all_lines(plain)]
    assert out.stat().st_mode & 0o777 == 0o600
    with plain.bridge.store.read() as connection:
        told = connection.execute(
            text("SELECT cause, outcome FROM changes WHERE action = 'exported'")
        ).one()
    assert told.outcome == "year end"
    assert told.cause.startswith("operator:")


def test_a_period_that_ends_before_it_begins_makes_no_file(plain: System, tmp_path: Path) -> None:
    out = tmp_path / "ledger.csv"
    period = ("--from", "2026-02-01", "--to", "2026-01-01")
    typed(plain, "export", "csv", *period, "--reason", "audit", "--out", str(out), code=1)
    assert list(tmp_path.glob("*ledger*")) == []
