"""What treasurers look at: the registers as of any date, and one member's money."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime

from bridge.core.ledger.member_register import MemberEntry, State
from bridge.core.ledger.share_register import Holding
from bridge.core.ledger.shown import Entry, InIssue, Page, by_state, entries, in_issue, page_of
from bridge.core.telling.doers import Doer, Names, doer
from bridge.core.telling.words import people_named
from bridge.errors import NotFound
from bridge.operations import registers
from bridge.store import doers, ledger, ledger_notes, users
from bridge.texts import gettext
from bridge.wiring import Bridge

PAGE = 200
LINES = 100


@dataclass(frozen=True, slots=True)
class When:
    """The moment, and the moment of knowledge; both default to now."""

    as_of: datetime | None = None
    known_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Shares:
    """A page of the register of shares. `findings`: inconsistencies, in words."""

    in_issue: tuple[InIssue, ...]
    page: Page[Holding]
    findings: tuple[str, ...]
    names: Mapping[int, str]


@dataclass(frozen=True, slots=True)
class Members:
    """A page of the register of members, and how many people are at each step."""

    counted: Mapping[State, int]
    page: Page[MemberEntry]
    names: Mapping[int, str]


@dataclass(frozen=True, slots=True)
class Money:
    """A member's entries, the newest first.

    `people`: the names of those whom the entries mention by id. `writers`: the notes' authors as
    stored. `before`: the line from which older entries continue.
    """

    username: str | None
    entries: tuple[Entry, ...]
    people: Names
    writers: Mapping[str, Doer]
    before: str | None


def shares(bridge: Bridge, when: When, after: int = 0) -> Shares:
    """The register of shares by class and number, also ended ones."""
    found = registers.shares(bridge, when.as_of, when.known_at)
    page = page_of(found.holdings, after, PAGE)
    people = (who for one in page.rows for who in (one.holder, one.transferred_from or ""))
    holders = {id_ for who in people if (id_ := user_of(who)) is not None}
    return Shares(
        in_issue(found.holdings),
        page,
        tuple(f"{one.says} ({', '.join(one.ids)})" for one in found.findings),
        _names(bridge, holders),
    )


def members(bridge: Bridge, when: When, state: State | None = None, after: int = 0) -> Members:
    """The register of members in order of application; `state`: only this step."""
    found = registers.members(bridge, when.as_of, when.known_at)
    page = page_of([one for one in found if state in (None, one.state)], after, PAGE)
    return Members(by_state(found), page, _names(bridge, {one.user_id for one in page.rows}))


def money(bridge: Bridge, user_id: int, before: str | None = None) -> Money:
    """A member's entries, with notes. Raises NotFound for an unknown user, or no line `before`."""
    with bridge.store.read() as connection:
        if before is not None and ledger.line_of_user(connection, user_id, before) is None:
            raise NotFound(
                gettext("id:%(user_id)s has no line %(before)s: begin without it")
                % {"user_id": user_id, "before": before}
            )
        known = users.known(connection, user_id)
        lines = ledger.newest_of_user(connection, user_id, before, LINES + 1)
        if known is None and not lines:
            raise NotFound(
                gettext("the bridge has never seen id:%(user_id)s") % {"user_id": user_id}
            )
        shown = lines[:LINES]
        notes = tuple(ledger_notes.of_lines(connection, [one.id for one in shown]))
        actors = {one.actor for one in notes}
        mentioned = {who for line in shown for who in people_named(line.what)}
        names = doers.names_of(connection, actors, mentioned)
    writers = {one: doer(one, names) for one in actors}
    more = shown[-1].id if len(lines) > LINES else None
    return Money(known[0] if known else None, entries(shown, notes), names, writers, more)


def user_of(holder: str) -> int | None:
    """The holder's user id; None for a customer without a user."""
    said = holder.removeprefix("id:")
    return int(said) if said != holder else None


def _names(bridge: Bridge, user_ids: Collection[int]) -> dict[int, str]:
    with bridge.store.read() as connection:
        known = users.names_of(connection, user_ids)
    return {user_id: name for user_id, name in known.items() if name}
