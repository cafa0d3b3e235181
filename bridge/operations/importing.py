"""Imports an existing register: its memberships become grants by hand.

If a line's user has a running subscription that leads to its group, no grant is needed.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Iterable, Iterator
from datetime import datetime
from functools import partial
from typing import TypeVar

from bridge.core.memberships.register import Entry, match
from bridge.core.memberships.register_file import (
    OVER,
    Outcome,
    Row,
    id_of,
    without_contradictions,
)
from bridge.core.model.actor import Actor
from bridge.core.model.days import through
from bridge.core.model.people import fold
from bridge.core.model.rights import HandGrant
from bridge.core.rights.grants import grants
from bridge.errors import NotFound, Permanent, RateLimited
from bridge.operations.finding import find_group, find_person
from bridge.operations.preview import with_customers
from bridge.store import Connection, facts, groups, hand_grants, links, work
from bridge.store import names as names_of_users
from bridge.wiring import Bridge

CARDS = 50
T = TypeVar("T")


def preview_import(
    bridge: Bridge, rows: Iterable[Row], *, progress: Callable[[int], None] = lambda _: None
) -> list[Outcome]:
    """Look up every line: what `import_rows` would do with it. Nobody is guessed."""
    return _looked_up(bridge, rows, "", progress)


def import_rows(
    bridge: Bridge,
    actor: Actor,
    rows: Iterable[Row],
    *,
    progress: Callable[[int], None] = lambda _: None,
) -> list[Outcome]:
    """Import the lines that are still in force; the same file again changes nothing.

    `revoke` ends the grant of a line.
    """
    found = _looked_up(bridge, rows, str(actor), progress)
    now = bridge.clock.now()
    with bridge.store.write() as connection:
        for one in found:
            if one.fate == "new" and one.grant is not None:
                hand_grants.give(connection, one.grant, now)
            if one.matched is not None and one.grant is not None:
                _link(connection, one.matched.customer_id, one.grant.user_id, str(actor), now)
    for user_id in {one.grant.user_id for one in found if one.fate == "new" and one.grant}:
        bridge.hint("decide", work.user_key(user_id))
    return found


def _looked_up(
    bridge: Bridge, rows: Iterable[Row], actor: str, progress: Callable[[int], None]
) -> list[Outcome]:
    found = []
    for outcome in _sorted_out(bridge, rows, actor):
        found.append(outcome)
        progress(len(found))
    return list(without_contradictions(found, bridge.clock.now()))


def _sorted_out(bridge: Bridge, rows: Iterable[Row], actor: str) -> Iterator[Outcome]:
    lines = list(rows)
    names = _names_now(bridge, {row.user for row in lines})
    for row in lines:
        try:
            until_at = through(row.until) if row.until else None
        except Permanent as error:
            yield Outcome(row, "wrong", str(error))
            continue
        yield _outcome(bridge, row, until_at, names.get(fold(row.user)), actor)


def _outcome(
    bridge: Bridge, row: Row, until_at: datetime | None, user_id: int | None, actor: str
) -> Outcome:
    now = bridge.clock.now()
    is_over = until_at is not None and until_at <= now
    if is_over and user_id is None:
        return Outcome(row, "over", OVER)  # not worth a request to the forum
    try:
        user_id = user_id or _patiently(lambda: find_person(bridge, row.user)).id
    except NotFound as error:
        return Outcome(row, "unknown user", str(error))
    except Permanent as error:
        return Outcome(row, "ambiguous", str(error))
    try:
        group = find_group(bridge, row.group)
    except Permanent as error:
        return Outcome(row, "over", OVER) if is_over else Outcome(row, "unknown group", str(error))
    reason = row.reason or "taken over"
    grant_id = id_of(user_id, group.id, row.until, reason)
    given = HandGrant(grant_id, user_id, group.id, now, until_at, reason, actor, "import")
    with bridge.store.read() as connection:
        if not is_over and hand_grants.exists(connection, grant_id):
            return Outcome(row, "known", grant=given)
    return _matched(bridge, row, given, is_over=is_over)


def _matched(bridge: Bridge, row: Row, given: HandGrant, *, is_over: bool) -> Outcome:
    """What happens to a new line: it is matched with Stripe, or imported."""
    with bridge.store.read() as connection:
        owner = links.user_of(connection, row.customer) if row.customer else None
        known, _ = facts.facts_of(connection, given.user_id)
        unread = [
            one.customer_id
            for one in links.customers_among(
                connection, links.customers_of(connection, given.user_id)
            )
            if one.read_at is None and one.deleted_at is None
        ]
        names = {one.id: one.name for one in groups.load_groups(connection).values()}
    if owner not in (None, given.user_id):
        return Outcome(row, "wrong", f"{row.customer} is linked to user {owner}")
    if row.customer and owner is None:
        unread.append(row.customer)
    try:
        known = with_customers(bridge, known, given.user_id, unread)
    except NotFound:
        return Outcome(row, "wrong", f"Stripe has no customer {row.customer}")
    with bridge.store.read() as connection:
        rules = bridge.rulebook.rules(connection)
    verdicts = grants(known, rules, bridge.policy, given.from_at)
    until = given.until_at.date() if given.until_at else None
    entry = Entry(given.group_id, until, row.customer, row.subscription)
    found = match(entry, known.subscriptions, verdicts, names)
    if found.found == "one":
        return Outcome(row, "matched", found.says, given, found.subscription)
    if is_over:
        return Outcome(row, "over", OVER)
    if found.found in ("several", "wrong"):
        return Outcome(row, "ambiguous", found.says)
    return Outcome(row, "new", found.says, given)


def _link(
    connection: Connection, customer_id: str, user_id: int, actor: str, now: datetime
) -> None:
    """Link a customer named in the file to the user, on behalf of the person who imports it."""
    if links.user_of(connection, customer_id) is None:
        links.link(connection, customer_id, user_id, proof="operator", actor=actor, now=now)


def _names_now(bridge: Bridge, names: Collection[str]) -> dict[str, int]:
    """Folded name -> user, for users seen before; fifty per request.

    A name of digits is looked up alone, because it may have been meant as an id.
    """
    plain = [name for name in names if name and not name.isdigit()]
    with bridge.store.read() as connection:
        seen = names_of_users.owners_of(connection, plain)
    found: dict[str, int] = {}
    for start in range(0, len(seen), CARDS):
        ids = seen[start : start + CARDS]
        cards = _patiently(partial(bridge.discourse.user_cards, ids))
        found |= {fold(card.username): card.id for card in cards}
    return found


def _patiently(ask: Callable[[], T]) -> T:
    """Wait for free requests to the forum; a long file takes time."""
    while True:
        try:
            return ask()
        except RateLimited as refusal:
            time.sleep(min(refusal.retry_after or 1.0, 60.0))
