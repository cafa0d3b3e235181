"""Everything that happened about somebody, read a page at a time."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime

from bridge.core.ledger.lines import MoneyLine
from bridge.core.model.change import Change
from bridge.core.model.key import Key, Until
from bridge.core.telling import timeline as telling
from bridge.core.telling.doers import events_in
from bridge.core.telling.timeline import RANKS, Entry, Kind, Known, Page
from bridge.store import Connection, changes, doers, inbox, messages, money

PAGE = 50


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """Which entries: of one kind or group, after an entry, and none later than a moment.

    `known_at`: only what the bridge had heard of by then. `settled_news`: also news that was
    processed: what followed from it is told by entries of its own.
    """

    kind: Kind | None = None
    group_id: int | None = None
    before: Key | None = None
    at: datetime | None = None
    known_at: datetime | None = None
    settled_news: bool = True

    def has(self, kind: Kind) -> bool:
        """Whether entries of this kind are asked for; only the log knows groups."""
        if self.group_id is not None and kind not in ("groups", "acts"):
            return False
        return self.kind in (None, kind)

    def until(self, rank: int) -> Until | None:
        """Where the table of this rank goes on."""
        if self.before is not None:
            return self.before.until(rank)
        return Until(self.at, with_it=True) if self.at is not None else None


def timeline(
    connection: Connection,
    user_id: int,
    group_names: Mapping[int, str],
    asked: Asked | None = None,
    limit: int = PAGE,
) -> Page:
    """What happened to somebody, the newest first."""
    asked = asked or Asked()
    more = limit + 1
    log = _log(connection, user_id, asked, more)
    lines: tuple[MoneyLine, ...] = ()
    if asked.has("money"):
        until = asked.until(RANKS["money"])
        lines = money.newest_of_user(connection, user_id, until, more, asked.known_at)
    causes = [*(one.cause for one in log), *(one.recorded_by for one in lines)]
    known = known_of(connection, causes, [user_id], group_names)
    told: list[Entry] = []
    if asked.has("messages"):
        sent = messages.told(connection, user_id, asked.until(RANKS["messages"]), more)
        told = [telling.of_message(key, at) for key, at in sent]
    news: list[Entry] = []
    if asked.has("news"):
        until = asked.until(RANKS["news"])
        found = inbox.about_user(
            connection, user_id, until, more, asked.known_at, settled=asked.settled_news
        )
        news = [telling.of_news(one) for one in found]
    of_log = [telling.of_change(one, known) for one in log]
    paid = [telling.of_money(one, user_id, known) for one in lines]
    return telling.page_of((of_log, paid, told, news), limit)


def known_of(
    connection: Connection,
    causes: Iterable[str | None],
    user_ids: Iterable[int],
    group_names: Mapping[int, str],
) -> Known:
    """The names and types that lines with these causes mention."""
    said = list(causes)
    events = events_in(said)
    return Known(
        doers.names_of(connection, said, list(user_ids)),
        group_names,
        {one.event_id: one.type for one in inbox.received(connection, events)} if events else {},
    )


def _log(connection: Connection, user_id: int, asked: Asked, limit: int) -> list[Change]:
    if not (asked.has("groups") or asked.has("acts")):
        return []
    by_people = None if asked.kind is None else asked.kind == "acts"
    until = asked.until(RANKS["log"])
    return changes.of_user(
        connection, user_id, until, limit, group_id=asked.group_id, by_people=by_people
    )
