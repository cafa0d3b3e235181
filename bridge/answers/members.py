"""The register of members: who is in which group, now or at the end of any day; in pages."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime

from bridge.core.memberships.listing import Asked, Sort, Source, Standing, sources_of, standing_of
from bridge.core.model.discourse import Group
from bridge.core.model.people import LARGEST_ID
from bridge.core.rules.compiled import Rule
from bridge.core.rules.values import Kind
from bridge.errors import Permanent
from bridge.store import Connection, groups, member_list, users
from bridge.store.member_list import START, Key, Listed
from bridge.texts import gettext
from bridge.wiring import Bridge

PAGE = 50
AT_ONCE = 1_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """What a register shows. Without a group: every group that the bridge looks after."""

    group_id: int | None = None
    standing: Standing | None = None
    source: Source | None = None
    kind: Kind | None = None
    at: datetime | None = None
    sort: Sort = "person"


@dataclass(frozen=True, slots=True)
class Row:
    """A membership: whose, in which group, how it stands, from where, since and until when."""

    user_id: int
    username: str | None
    group: str
    standing: Standing
    sources: tuple[Source, ...]
    kind: Kind | None
    since_at: datetime | None
    until_at: datetime | None


@dataclass(frozen=True, slots=True)
class Page:
    """A page of the register; `after`: where the next one begins. `groups`: to choose from."""

    rows: tuple[Row, ...]
    after: str | None
    groups: tuple[Group, ...]


@dataclass(frozen=True, slots=True)
class _Known:
    """Every group, those that the bridge gives, and of which kind each rule is."""

    groups: Mapping[int, Group]
    given: frozenset[int]
    kinds: Mapping[str, Kind]

    @property
    def to_choose(self) -> tuple[Group, ...]:
        return tuple(sorted((self.groups[one] for one in self.given), key=lambda one: one.name))


def mapped_groups(bridge: Bridge) -> list[Group]:
    """The groups of mapping rules, by name."""
    with bridge.store.read() as connection:
        mapped = bridge.rulebook.rules(connection).mapped_group_ids
        known = groups.load_groups(connection)
    return sorted((known[one] for one in mapped & known.keys()), key=lambda one: one.name)


def given_groups(bridge: Bridge) -> tuple[Group, ...]:
    """The groups that the bridge gives, by a rule or by hand, by name."""
    with bridge.store.read() as connection:
        return _known(bridge, connection).to_choose


def _known(bridge: Bridge, connection: Connection) -> _Known:
    rules = bridge.rulebook.rules(connection)
    every = groups.load_groups(connection)
    return _Known(
        groups=every,
        given=groups.with_members(connection, rules.mapped_group_ids),
        kinds={one.id: one.kind for one in rules.all if isinstance(one, Rule)},
    )


def members(bridge: Bridge, question: Question, *, after: str = "", limit: int = PAGE) -> Page:
    """A page of the register. Raises: Permanent for a place that no page ends at."""
    begin = _place(after)
    with bridge.store.read() as connection:
        known = _known(bridge, connection)
        found, last = _page(connection, known, question, begin, limit)
        rows = tuple(_row(one, known) for one in _named(connection, found))
    return Page(rows, ":".join(map(str, last)) if last else None, known.to_choose)


def place_of(user_id: int) -> str:
    """The place in a list by person after everything of this user."""
    return f"{user_id}:{user_id}:{LARGEST_ID}"


def every_member(bridge: Bridge, question: Question) -> Iterator[Row]:
    """All rows of the register, read a thousand at a time: no reader, however slow, holds one."""
    after: str | None = ""
    while after is not None:
        page = members(bridge, question, after=after, limit=AT_ONCE)
        yield from page.rows
        after = page.after


def _page(
    connection: Connection, known: _Known, question: Question, after: Key, limit: int
) -> tuple[list[Listed], Key | None]:
    group_ids = known.given if question.group_id is None else {question.group_id}
    group_ids &= known.groups.keys()
    asked = Asked(
        standing=question.standing,
        source=question.source,
        rule_ids=_rules_of(known, question.kind),
    )
    if question.at is not None:
        return member_list.page_at(
            connection, group_ids, asked, question.at, after=after, limit=limit
        )
    found = member_list.page(
        connection, group_ids, asked, sort=question.sort, after=after, limit=limit + 1
    )
    return found[:limit], found[limit - 1].key if len(found) > limit else None


def _rules_of(known: _Known, kind: Kind | None) -> frozenset[str] | None:
    if kind is None:
        return None
    return frozenset(rule_id for rule_id, one in known.kinds.items() if one == kind)


def _named(connection: Connection, found: list[Listed]) -> list[Listed]:
    """With their names of today; the past knew none."""
    unknown = [one.user_id for one in found if one.username is None]
    names = users.names_of(connection, unknown) if unknown else {}
    return [
        Listed(one.user_id, one.username or names.get(one.user_id), one.membership, one.key)
        for one in found
    ]


def _row(one: Listed, known: _Known) -> Row:
    membership = one.membership
    standing = standing_of(membership)
    if standing is None:
        raise AssertionError("the list contains somebody who is not in it")
    group = known.groups[membership.group_id]
    return Row(
        user_id=one.user_id,
        username=one.username,
        group=group.full_name or group.name,
        standing=standing,
        sources=sources_of(membership.membership.sources),
        kind=known.kinds.get(membership.membership.rule_id or ""),
        since_at=membership.actual_since,
        until_at=membership.membership.wanted_until,
    )


def _place(text: str) -> Key:
    if not text:
        return START
    try:
        value, user_id, group_id = (int(one) for one in text.split(":"))
    except ValueError as error:
        raise Permanent(gettext("this page of the list does not exist: begin again")) from error
    if max(abs(value), abs(user_id), abs(group_id)) > LARGEST_ID:
        raise Permanent(gettext("this page of the list does not exist: begin again"))
    return value, user_id, group_id
