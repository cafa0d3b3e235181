"""The ledger as CSV and JSON lines, safe to open in a spreadsheet."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import fields
from datetime import datetime
from decimal import Decimal
from operator import attrgetter
from typing import Any

from bridge.core.ledger.amounts import decimals_of
from bridge.core.ledger.line import Line

COLUMNS = tuple(field.name for field in fields(Line))
# Not `asdict`, which copies: there may be half a million.
_VALUES = attrgetter(*COLUMNS)
# A cell that starts with one of these is a formula to a spreadsheet.
_FORMULA = ("=", "+", "-", "@", "\t", "\r")


def cell(value: object) -> str:
    """A value as the text of a cell; a quote before what a spreadsheet would compute."""
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


def lines_as_csv(lines: Iterable[Line]) -> Iterator[str]:
    """Every line with all it has, amounts in minor units beside the currency's decimals."""
    header = (*COLUMNS, "decimals")
    rows = ((*_VALUES(line), decimals_of(line.currency)) for line in lines)
    return rows_as_csv(header, rows)


def lines_as_json(lines: Iterable[Line]) -> Iterator[str]:
    """One JSON object a line."""
    for line in lines:
        row: dict[str, Any] = dict(zip(COLUMNS, _VALUES(line), strict=True))
        row["at"] = cell(line.at)
        yield json.dumps(row, ensure_ascii=False, separators=(",", ":")) + "\n"
