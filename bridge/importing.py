"""A register from before the bridge: who is in what until when, taken over as grants by hand."""

from __future__ import annotations

import csv
import hashlib
import time
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from typing import Literal, TextIO, TypeVar

from bridge.core.model import HandGrant
from bridge.errors import NotFound, Permanent, RateLimited
from bridge.grants_by_hand import find_group
from bridge.store import hand_grants, statements, work
from bridge.wiring import Bridge

COLUMNS = ("user", "group", "until", "reason")
CARDS = 50
Fate = Literal["new", "known", "over", "unknown user", "unknown group", "ambiguous", "wrong"]
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Row:
    """A line of the file, as it is written there."""

    line: int
    user: str
    group: str
    until: str
    reason: str


@dataclass(frozen=True, slots=True)
class Outcome:
    """What becomes of a line, or why nothing does."""

    row: Row
    fate: Fate
    says: str = ""
    grant: HandGrant | None = None


def read_rows(file: TextIO) -> list[Row]:
    """The lines of a CSV file. Raises: Permanent when a column is missing."""
    reader = csv.DictReader(file)
    missing = [name for name in COLUMNS[:2] if name not in (reader.fieldnames or ())]
    if missing:
        raise Permanent(
            f"the file has no column {' and no column '.join(missing)}: its first line names the "
            f"columns {','.join(COLUMNS)}"
        )
    return [
        Row(reader.line_num, *((line.get(name) or "").strip() for name in COLUMNS))
        for line in reader
    ]


def import_rows(
    bridge: Bridge,
    rows: Iterable[Row],
    *,
    really: bool,
    actor: str,
    progress: Callable[[int], None] = lambda _: None,
) -> list[Outcome]:
    """Look every line up, and with `really` take those over that are still in force.

    Taking over the same file again changes nothing. Nobody is guessed.
    """
    found = []
    for outcome in _sorted_out(bridge, rows, actor):
        found.append(outcome)
        progress(len(found))
    found = list(_without_contradictions(found))
    if really:
        now = bridge.clock.now()
        with bridge.store.write() as connection:
            for one in found:
                if one.fate == "new" and one.grant is not None:
                    hand_grants.give(connection, one.grant, now)
        for user_id in {one.grant.user_id for one in found if one.fate == "new" and one.grant}:
            bridge.hint("decide", work.user_key(user_id))
    return found


def _sorted_out(bridge: Bridge, rows: Iterable[Row], actor: str) -> Iterator[Outcome]:
    now = bridge.clock.now()
    lines = list(rows)
    names = _names_now(bridge, {row.user for row in lines})
    for row in lines:
        try:
            until_at = _last_moment(row.until)
        except ValueError:
            yield Outcome(row, "wrong", f"{row.until!r} is no day; write it as 2027-03-31")
            continue
        if until_at is not None and until_at <= now:
            yield Outcome(row, "over", "it is over already")
            continue
        user_id = names.get(row.user.lower()) or _user(bridge, row.user)
        if user_id is None:
            yield Outcome(row, "unknown user", f"the forum has no user {row.user}")
            continue
        try:
            group = find_group(bridge, row.group)
        except Permanent as error:
            yield Outcome(row, "unknown group", str(error))
            continue
        reason = row.reason or "taken over"
        grant_id = _id(user_id, group.id, row.until, reason)
        given = HandGrant(grant_id, user_id, group.id, now, until_at, reason, actor, "import")
        with bridge.store.read() as connection:
            known = hand_grants.exists(connection, grant_id)
        yield Outcome(row, "known" if known else "new", grant=given)


def _without_contradictions(found: list[Outcome]) -> Iterator[Outcome]:
    """Whoever stands in the file twice for a group is for a person to decide."""
    pairs = [(one.grant.user_id, one.grant.group_id) for one in found if one.grant]
    often = {pair for pair, count in Counter(pairs).items() if count > 1}
    for one in found:
        if one.grant and (one.grant.user_id, one.grant.group_id) in often:
            yield Outcome(one.row, "ambiguous", "the file has this user and group more than once")
        else:
            yield one


def _names_now(bridge: Bridge, names: Collection[str]) -> dict[str, int]:
    """Name in lower case -> user, of those who were seen before, fifty of them by one request."""
    with bridge.store.read() as connection:
        seen = statements.known_by_names(connection, names)
    found: dict[str, int] = {}
    for start in range(0, len(seen), CARDS):
        ids = seen[start : start + CARDS]
        cards = _patiently(partial(bridge.discourse.user_cards, ids))
        found |= {card.username.lower(): card.id for card in cards}
    return found


def _user(bridge: Bridge, name: str) -> int | None:
    if not name:
        return None
    try:
        if name.isdigit():
            user = _patiently(lambda: bridge.discourse.user(int(name), priority="low"))
        else:
            user = _patiently(lambda: bridge.discourse.user_by_name(name))
    except NotFound:
        return None
    with bridge.store.write() as connection:
        statements.see_user(connection, user, bridge.clock.now())
    return user.id


def _patiently(ask: Callable[[], T]) -> T:
    """Ask the forum as often as it may be asked; a long file takes its time."""
    while True:
        try:
            return ask()
        except RateLimited as refusal:
            time.sleep(min(refusal.retry_after or 1.0, 60.0))


def _last_moment(text: str) -> datetime | None:
    """The end of the last day, as it stands in the file; None where there is none."""
    if not text:
        return None
    day = datetime.strptime(text, "%Y-%m-%d").replace(tzinfo=UTC)
    return day.replace(hour=23, minute=59, second=59)


def _id(*parts: object) -> str:
    """The same for the same line, so that a second import finds it."""
    text = "\x1f".join(map(str, parts))
    return f"import_{hashlib.sha256(text.encode()).hexdigest()[:24]}"
