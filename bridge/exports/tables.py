"""The ledger as CSV and JSON lines, safe to open in a spreadsheet."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, fields
from datetime import datetime
from decimal import Decimal
from operator import attrgetter

from bridge.core.ledger.amounts import decimals_of
from bridge.core.ledger.line import Line
from bridge.core.model.account import Account

_FIELDS = tuple(field.name for field in fields(Line))
COLUMNS = (*_FIELDS, "decimals", "provider", "provider_account")
"""The columns of the ledger; `account` is the account of the books."""
# Not `asdict`, which copies: there may be half a million.
_VALUES = attrgetter(*_FIELDS)
# A cell that starts with one of these is a formula to a spreadsheet.
_FORMULA = ("=", "+", "-", "@", "\t", "\r")


def cell(value: object) -> str:
    """A value as the text of a cell, quoted if a spreadsheet would run it as a formula."""
    if value is None:
        return ""
    if isinstance(value, datetime):
        return value.isoformat(timespec="seconds").replace("+00:00", "Z")
    if isinstance(value, int | Decimal):
        return f"{value:f}" if isinstance(value, Decimal) else str(value)
    text = str(value).replace("\x00", "")
    return f"'{text}" if text.startswith(_FORMULA) else text


def rows_as_csv(header: Sequence[str], rows: Iterable[Sequence[object]]) -> Iterator[str]:
    """CSV (RFC 4180), a row at a time."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\r\n")
    writer.writerow(header)
    for row in rows:
        writer.writerow([cell(value) for value in row])
        yield out.getvalue()
        out.seek(0)
        out.truncate()
    yield out.getvalue()


@dataclass(frozen=True, slots=True)
class Table:
    """Rows under a header, which can be written as CSV and as JSON lines."""

    header: Sequence[str]
    rows: Iterable[Sequence[object]]

    def as_csv(self) -> Iterator[str]:
        """A row at a time."""
        return rows_as_csv(self.header, self.rows)

    def as_json(self) -> Iterator[str]:
        """One JSON object a line."""
        for row in self.rows:
            yield _json(dict(zip(self.header, row, strict=True)))


def _json(row: Mapping[str, object]) -> str:
    said = {key: _plain(value) for key, value in row.items()}
    return json.dumps(said, ensure_ascii=False, separators=(",", ":")) + "\n"


def _plain(value: object) -> object:
    return cell(value) if isinstance(value, datetime | Decimal) else value


def ledger_table(lines: Iterable[tuple[Account, Line]]) -> Table:
    """Every line with all it has, amounts in minor units beside the currency's decimals."""
    rows = ((*_VALUES(line), decimals_of(line.currency), *of) for of, line in lines)
    return Table(COLUMNS, rows)
