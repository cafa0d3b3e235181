"""Writes everything stored to one file of open formats, and reads it into an empty bridge."""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bridge.core.model.actor import Actor
from bridge.core.model.words import checked_words
from bridge.errors import Permanent
from bridge.operations import exporting
from bridge.operations.exporting import Asked
from bridge.store import archive, changes, migrate, seal_chain
from bridge.texts import gettext
from bridge.wiring import Bridge

FORMAT = "community-subscription-bridge/1"
README, MANIFEST, SCHEMA = "README.md", "manifest.json", "schema.json"
# Files for people without the bridge; the tables contain all of it, too.
BOOKS = {
    "books/ledger.csv": "csv",
    "books/ledger.beancount": "beancount",
    "books/shares.csv": "shares",
    "books/members.csv": "members",
    "books/receipts.csv": "receipts",
}
Progress = Callable[[str, int], None]

_TEXT = """# Archive of a community subscription bridge

Everything that the bridge keeps: who has which membership and why, the mapping of products to
groups and its history, the ledger, and the registers of shares and of members.

- `data/*.jsonl`: one file for each table, one row on each line, as JSON. Times are ISO 8601 in UTC.
  Amounts are integers in the smallest unit of their currency.
- `schema.json`: a JSON Schema for a row of each table; `x-key` names its key.
- `manifest.json`: the format, the revision of the tables, how many rows each file has, and the code
  of the books.
- `books/`: the ledger as CSV and as a Beancount journal, the registers and the receipts as CSV.

| table | contents |
|---|---|
| `customers`, `users`, `names` | customers at Stripe, forum users, and whose each customer is |
| `subscriptions`, `purchases`, `catalogue` | what was last read at Stripe |
| `groups`, `group_pins` | what was last read on the forum |
| `readings` | the history of all of these, and of the mapping and the policy |
| `memberships`, `hand_grants`, `seats` | what the bridge decided, and what people gave by hand |
| `changes` | the log: who was told, added, removed, when, why and by whom |
| `money_lines`, `hand_payments` | the payments that statements show |
| `money_objects`, `ledger_lines` | the books |
| `ledger_seals` | the chain of hashes that proves the books |
| `share_acts`, `member_steps` | what moderators recorded in the registers |

People appear as the ids of their forum. The bridge keeps no e-mail addresses and no passwords, and
the keys and tokens are left out. `bridge archive read` brings everything into an empty bridge of
the same version.
"""


@dataclass(frozen=True, slots=True)
class Archived:
    """An archive's contents: the revision of its tables, rows by table, and the ledger code."""

    revision: str
    rows: dict[str, int]
    code: str | None


def write(bridge: Bridge, actor: Actor, file: Path, *, reason: str, progress: Progress) -> Archived:
    """Write everything as of one moment to a file, row by row.

    The log records who did it. Raises: Permanent for an invalid reason.
    """
    words = checked_words(gettext("reason"), reason)
    with bridge.store.write() as connection:
        now = bridge.clock.now()
        detail = {"file": "archive"}
        changes.log(connection, "exported", now=now, cause=str(actor), outcome=words, detail=detail)
    counts: dict[str, int] = {}
    with (
        zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED, allowZip64=True) as made,
        bridge.store.read() as connection,
    ):
        code = seal_chain.code(connection)
        for name in archive.tables():
            counts[name] = _write_rows(made, f"data/{name}.jsonl", archive.rows(connection, name))
            progress(name, counts[name])
        for path, what in BOOKS.items():
            _write_text(made, path, exporting.written(bridge, connection, what, Asked()))
        told = {"format": FORMAT, "revision": migrate.newest(), "rows": counts, "code": code}
        _write_text(made, README, [_TEXT])
        _write_text(made, SCHEMA, [json.dumps(archive.describe(), indent=2, sort_keys=True)])
        _write_text(made, MANIFEST, [json.dumps(told, indent=2, sort_keys=True)])
    return Archived(migrate.newest(), counts, code)


def _write_rows(made: zipfile.ZipFile, path: str, rows: Iterable[dict[str, Any]]) -> int:
    count = 0
    with io.TextIOWrapper(made.open(path, "w", force_zip64=True), encoding="utf-8") as out:
        for row in rows:
            out.write(json.dumps(row, ensure_ascii=False, sort_keys=True) + "\n")
            count += 1
    return count


def _write_text(made: zipfile.ZipFile, path: str, pieces: Iterable[str]) -> None:
    out = io.TextIOWrapper(made.open(path, "w", force_zip64=True), encoding="utf-8", newline="")
    with out:
        out.writelines(pieces)


def read(bridge: Bridge, file: Path, progress: Progress) -> Archived:
    """Read an archive into an empty bridge, completely or not at all.

    Raises: Permanent if the file is not an archive, is cut off or is of another version, or if the
    bridge is not empty.
    """
    try:
        with zipfile.ZipFile(file) as archived:
            told = _manifest(archived)
            migrate.upgrade(bridge.store, bridge.clock.now())
            with bridge.store.write() as connection:
                if not archive.is_empty(connection):
                    raise Permanent(
                        gettext(
                            "this bridge has data of its own: read the archive into an empty "
                            "database"
                        )
                    )
                for name in archive.tables():
                    count = archive.load(connection, name, _rows(archived, name))
                    if count != told.rows.get(name):
                        raise Permanent(
                            gettext("%(name)s has %(count)s rows, not %(expected)s")
                            % {"name": name, "count": count, "expected": told.rows.get(name)}
                        )
                    progress(name, count)
                migrate.gather_statistics(connection)
            bridge.limiter.prepare()
    except (zipfile.BadZipFile, KeyError, ValueError, EOFError) as error:
        raise Permanent(
            gettext("%(file)s is not a complete archive of a bridge: %(error)s")
            % {"file": file.name, "error": error}
        ) from error
    return told


def _manifest(archived: zipfile.ZipFile) -> Archived:
    told = json.loads(archived.read(MANIFEST))
    if told.get("format") != FORMAT:
        raise Permanent(
            gettext("the archive says that it is %(format)s, not %(wanted)s")
            % {"format": told.get("format"), "wanted": FORMAT}
        )
    if told["revision"] != migrate.newest():
        raise Permanent(
            gettext(
                "the archive has tables of revision %(revision)s, this version has %(newest)s: "
                "read it with the version that wrote it, then upgrade"
            )
            % {"revision": told["revision"], "newest": migrate.newest()}
        )
    return Archived(told["revision"], told["rows"], told["code"])


def _rows(archived: zipfile.ZipFile, name: str) -> Iterator[dict[str, Any]]:
    with io.TextIOWrapper(archived.open(f"data/{name}.jsonl"), encoding="utf-8") as lines:
        for line in lines:
            yield json.loads(line)
