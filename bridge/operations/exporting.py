"""Exports of the ledger. The log records who made which and why; no copy is kept."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, fields, replace
from datetime import date, datetime
from typing import Any

from bridge.core.ledger import reports
from bridge.core.ledger.chart import Chart, Target
from bridge.core.ledger.line import GIFTS, Line
from bridge.core.ledger.member_register import MemberEntry, member_register
from bridge.core.ledger.share_register import Holding
from bridge.core.model.actor import Actor
from bridge.core.model.words import checked_words
from bridge.core.telling.failed_attempts import FailedPaymentRow, failed_payment_rows
from bridge.errors import Config, Permanent
from bridge.exports import datev, journal, tables, xero
from bridge.store import Connection, by_hand, changes, countries, holdings, links, money_objects
from bridge.store import ledger as store
from bridge.store import registers as recorded
from bridge.store.countries import SaleCountry
from bridge.texts import gettext
from bridge.wiring import Bridge


@dataclass(frozen=True, slots=True)
class Asked:
    """A requested file: its period, and its currency if it has only one.

    `as_json`: a table as JSON lines instead of CSV.
    """

    since: datetime | None = None
    until: datetime | None = None
    currency: str | None = None
    as_json: bool = False


def export(bridge: Bridge, actor: Actor, what: str, asked: Asked, *, reason: str) -> Iterator[str]:
    """A file, in pieces, so that 500,000 lines need little memory.

    Raises: Permanent for an unknown file, a period that ends before it begins, an invalid reason,
    or several currencies in a file that allows one; Config if [accounts] lacks an account.
    """
    if what not in FILES:
        raise Permanent(
            gettext("%(what)s is no file: choose one of %(choices)s")
            % {"what": repr(what[:40]), "choices": ", ".join(FILES)}
        )
    checked_words(gettext("reason"), reason)
    if asked.since and asked.until and asked.until <= asked.since:
        raise Permanent(
            gettext("the period ends on %(until)s, before it starts")
            % {"until": f"{asked.until:%Y-%m-%d}"}
        )
    if asked.as_json and what in HAVE_ONE_FORM:
        raise Permanent(
            gettext("%(what)s has a form of its own and cannot be JSON") % {"what": what},
            "one-form",
        )
    now = bridge.clock.now()
    if what.startswith("xero"):
        asked = _in_one_currency(bridge, asked, needs_chart=what != "xero-bank")
    if what == "datev":
        asked = _in_one_currency(bridge, asked, needs_chart=True)
        _year_of_books(bridge, asked)
    with bridge.store.write() as connection:
        changes.log(
            connection,
            "exported",
            now=now,
            cause=str(actor),
            outcome=reason.strip(),
            detail={
                "file": what,
                "since": asked.since.isoformat() if asked.since else None,
                "until": asked.until.isoformat() if asked.until else None,
            },
        )
    return _pieces(bridge, what, asked)


def export_list(
    bridge: Bridge,
    actor: Actor,
    name: str,
    header: Sequence[str],
    rows: Iterable[Sequence[object]],
    *,
    said: Mapping[str, str],
    reason: str,
) -> Iterator[str]:
    """A list of the console as CSV, row by row.

    `said`: its filter, for the log. Raises: Permanent for an invalid reason.
    """
    words = checked_words(gettext("reason"), reason)
    with bridge.store.write() as connection:
        changes.log(
            connection,
            "exported",
            now=bridge.clock.now(),
            cause=str(actor),
            outcome=words,
            detail={"file": name, **said},
        )
    return tables.rows_as_csv(header, rows)


def _in_one_currency(bridge: Bridge, asked: Asked, *, needs_chart: bool) -> Asked:
    with bridge.store.read() as connection:
        accounts, currencies = store.accounts(connection), store.currencies(connection)
    if asked.currency is None and len(currencies) > 1:
        names = ", ".join(one.upper() for one in currencies)
        raise Permanent(
            gettext("the ledger has %(currencies)s, but this file needs one currency: choose one")
            % {"currencies": names},
            "one-currency",
        )
    chart = _chart(bridge)
    if needs_chart and (missing := chart.missing(accounts)):
        raise Config(
            "B142",
            gettext("[accounts] in bridge.toml does not map %(accounts)s.")
            % {"accounts": ", ".join(missing)},
            gettext(
                'Add a line for each, such as "income:membership" = "200"; see docs/ledger.md.'
            ),
        )
    return replace(asked, currency=asked.currency or next(iter(currencies), None))


def _chart(bridge: Bridge) -> Chart:
    return Chart({name: Target(**said) for name, said in bridge.policy.accounts.items()})


def _pieces(bridge: Bridge, what: str, asked: Asked) -> Iterator[str]:
    with bridge.store.read() as connection:
        yield from written(bridge, connection, what, asked)


def written(bridge: Bridge, connection: Connection, what: str, asked: Asked) -> Iterator[str]:
    """A file from the data of a transaction; without a reason, and not logged."""
    made = FILES[what](bridge, connection, asked)
    if isinstance(made, tables.Table):
        return made.as_json() if asked.as_json else made.as_csv()
    return made


def _lines(connection: Connection, asked: Asked) -> Iterator[Line]:
    found = store.read_lines(connection, since=asked.since, until=asked.until)
    return (line for line in found if asked.currency in (None, line.currency))


def _postings(connection: Connection, asked: Asked) -> Iterator[Line]:
    """Lines for accounting software, which knows accounts and not whose something is."""
    return (line for line in _lines(connection, asked) if line.kind not in GIFTS)


def _ledger(connection: Connection, asked: Asked) -> tables.Table:
    found = store.lines_by_account(connection, asked.since, asked.until)
    return tables.ledger_table(
        (of, line) for of, line in found if asked.currency in (None, line.currency)
    )


def _beancount(bridge: Bridge, connection: Connection, asked: Asked) -> Iterator[str]:
    opened = store.first_day(connection) or bridge.clock.now()
    accounts = store.accounts(connection)
    return journal.beancount(_lines(connection, asked), accounts, opened.date())


def _hledger(_bridge: Bridge, connection: Connection, asked: Asked) -> Iterator[str]:
    return journal.hledger(_lines(connection, asked), store.accounts(connection))


def _rows(kind: type[Any], rows: Iterable[Any]) -> tables.Table:
    header = [field.name for field in fields(kind)]
    return tables.Table(header, (tuple(asdict(row).values()) for row in rows))


def _payouts(_bridge: Bridge, connection: Connection, asked: Asked) -> tables.Table:
    found = [
        reports.payout_row(payout, money_objects.moves(connection, payout.move_ids))
        for payout in money_objects.payouts(connection)
        if (asked.since is None or payout.at >= asked.since)
        and (asked.until is None or payout.at < asked.until)
    ]
    return _rows(reports.PayoutRow, found)


def _shares(bridge: Bridge, connection: Connection, asked: Asked) -> tables.Table:
    found = holdings.register_within(connection, asked.until or bridge.clock.now())
    return _rows(Holding, found.holdings)


def _members(bridge: Bridge, connection: Connection, asked: Asked) -> tables.Table:
    as_of = asked.until or bridge.clock.now()
    found = member_register(recorded.steps(connection), as_of)
    return _rows(MemberEntry, found)


def _countries(_bridge: Bridge, connection: Connection, asked: Asked) -> tables.Table:
    return _rows(SaleCountry, countries.read(connection, asked.since, asked.until))


def _conversions(_bridge: Bridge, connection: Connection, asked: Asked) -> tables.Table:
    """For all currencies: each row has two, and either may be the requested one."""
    found = reports.conversions(store.read_lines(connection, since=asked.since, until=asked.until))
    return _rows(
        reports.ConversionRow,
        (
            row
            for row in found
            if asked.currency in (None, row.presented_currency, row.settled_currency)
        ),
    )


def _failed_payments(bridge: Bridge, connection: Connection, asked: Asked) -> tables.Table:
    """Read from Stripe, not from the ledger, because no money moved."""
    users = links.users_of_all(connection)

    def person(customer_id: str | None) -> str:
        user_id = users.get(customer_id or "")
        return f"id:{user_id}" if user_id is not None else customer_id or "unknown"

    attempts = bridge.stripe.failed_attempts(asked.since, asked.until)
    found = (one for one in attempts if asked.currency in (None, one.currency))
    return _rows(FailedPaymentRow, failed_payment_rows(found, person))


File = Callable[[Bridge, Connection, Asked], tables.Table | Iterator[str]]


def _year_of_books(bridge: Bridge, asked: Asked) -> date:
    """The first day of the period's financial year, because postings name no year."""
    said = bridge.policy.datev
    if not said:
        raise Permanent(gettext("bridge.toml has no [datev]: docs/ledger.md says what it needs"))
    if asked.since is None or asked.until is None:
        raise Permanent(gettext("a posting batch covers a period: give its first and last day"))
    begins = datev.year_of(asked.since.date(), said["first_month"])
    if datev.year_of(asked.until.date(), said["first_month"]) != begins:
        raise Permanent(
            gettext("a posting batch covers one financial year: export each year separately")
        )
    if wrong := sorted({one.code for one in _chart(bridge).targets.values() if not one.is_number}):
        raise Permanent(
            gettext("DATEV’s accounts are numbers, [accounts] has %(accounts)s")
            % {"accounts": ", ".join(wrong)}
        )
    return begins


def _datev(bridge: Bridge, connection: Connection, asked: Asked) -> Iterator[str]:
    said, now = bridge.policy.datev, bridge.clock.now()
    begins = _year_of_books(bridge, asked)
    books = datev.Books(said["consultant"], said["client"], said["account_length"], begins)
    period = (asked.since or now).date(), (asked.until or now).date()
    return datev.batch(_postings(connection, asked), _chart(bridge), books, period, now)


ENCODINGS: Mapping[str, str] = {"datev": datev.ENCODING}
"""Files that are not in UTF-8."""

FILES: Mapping[str, File] = {
    "csv": lambda _, connection, asked: _ledger(connection, asked).as_csv(),
    "json": lambda _, connection, asked: _ledger(connection, asked).as_json(),
    "beancount": _beancount,
    "hledger": _hledger,
    "xero-bank": lambda _, connection, asked: xero.bank_statement(_lines(connection, asked)),
    "xero-invoices": lambda bridge, connection, asked: xero.sales_invoices(
        _lines(connection, asked), _chart(bridge)
    ),
    "xero-journals": lambda bridge, connection, asked: xero.manual_journals(
        _postings(connection, asked), _chart(bridge)
    ),
    "datev": _datev,
    "fees": lambda _, connection, asked: _rows(
        reports.FeeRow, reports.fees_by_method(_lines(connection, asked))
    ),
    "taxes": lambda _, connection, asked: _rows(
        reports.TaxRow, reports.taxes(_lines(connection, asked))
    ),
    "donations": lambda _, connection, asked: _rows(
        reports.GiftRow,
        reports.donations(_lines(connection, asked), holdings.holder_of(connection)),
    ),
    "funds": lambda _, connection, asked: _rows(
        reports.FundRow, reports.by_fund(_lines(connection, asked))
    ),
    "payouts": _payouts,
    "conversions": _conversions,
    "shares": _shares,
    "members": _members,
    "countries": _countries,
    "failed-payments": _failed_payments,
    "receipts": lambda _, connection, asked: _rows(
        by_hand.Receipt, by_hand.receipts(connection, asked.since, asked.until)
    ),
}
"""Every file, and the function that writes it."""

HAVE_ONE_FORM = (
    "csv",
    "json",
    "beancount",
    "hledger",
    "xero-bank",
    "xero-invoices",
    "xero-journals",
    "datev",
)
"""Files with a format of their own; all others can be CSV or JSON."""
