"""Memberships that the bridge created and has no record of, as after a restored backup."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import datetime

from bridge.core.memberships.decision import WantedMembership
from bridge.core.memberships.effects import Effect, What
from bridge.core.model.actor import Actor
from bridge.core.model.words import said
from bridge.errors import NotFound, Permanent
from bridge.operations.finding import find_group
from bridge.operations.preview import effects
from bridge.store import additions, groups, member, work
from bridge.store.additions import Addition
from bridge.texts import gettext
from bridge.wiring import Bridge


@dataclass(frozen=True, slots=True)
class Adopted:
    """A membership that is managed by the bridge again."""

    user_id: int
    group_id: int
    group: str
    since_at: datetime


def unknown_additions(
    bridge: Bridge, group_name: str | None = None, user_id: int | None = None
) -> Iterator[Addition]:
    """Users whom the bridge's own user added to groups and who are not on record.

    `group_name`, `user_id`: only this group, only this user. Raises: NotFound for an unknown group.
    """
    only = find_group(bridge, group_name).id if group_name is not None else None
    with bridge.store.read() as connection:
        group_ids = [one.group_id for one in additions.unknown(connection)]
    for group_id in group_ids:
        if only in {None, group_id}:
            yield from _of_group(bridge, group_id, user_id)


def _of_group(bridge: Bridge, group_id: int, user_id: int | None) -> Iterator[Addition]:
    after = 0
    while True:
        with bridge.store.read() as connection:
            page = additions.page(connection, group_id, after_user_id=after)
        yield from (one for one in page if user_id in {None, one.user_id})
        if not page:
            return
        after = page[-1].user_id


def preview_adopt(bridge: Bridge, found: Iterable[Addition]) -> Iterator[Effect]:
    """What `adopt` would change, from stored data: who stays, and who loses the group."""
    for one in found:
        lost = WantedMembership(one.group_id, wanted=True, wanted_since=one.since_at)

        def adopted(
            before: dict[int, WantedMembership], lost: WantedMembership = lost
        ) -> dict[int, WantedMembership]:
            known = before.get(lost.group_id)
            return before | {lost.group_id: replace(known, wanted=True) if known else lost}

        what = What(before=adopted, adopted_group_id=one.group_id)
        for effect in effects(bridge, one.user_id, what):
            if effect.group_id == one.group_id:
                yield effect if effect.turn == "stays in" else replace(effect, because=NOTHING)


NOTHING = gettext("nothing grants it: a grant by hand may have been lost, too")
"""The words for somebody who would lose the group."""


def adopt(
    bridge: Bridge, actor: Actor, found: Iterable[Addition], *, reason: str | None = None
) -> tuple[Adopted, ...]:
    """Make these memberships owned: they stay while something grants them, and then end.

    Adopted ones are skipped. `give_up` is the reverse. Raises: NotFound if
    none of them waits for adoption.
    """
    words = said(reason)
    by_group: dict[int, dict[int, Addition]] = {}
    for one in found:
        by_group.setdefault(one.group_id, {})[one.user_id] = one
    done: list[Adopted] = []
    for group_id, of_group in by_group.items():
        with bridge.store.write() as connection:
            names = groups.load_groups(connection)
            now = bridge.clock.now()
            user_ids = additions.adopt(
                connection, group_id, list(of_group), actor=str(actor), now=now, reason=words
            )
        name = names[group_id].name if group_id in names else str(group_id)
        done += [Adopted(one, group_id, name, of_group[one].since_at) for one in user_ids]
        for user_id in user_ids:
            bridge.hint("decide", work.user_key(user_id))
    if not done:
        raise NotFound(gettext("there is nobody to adopt"))
    return tuple(done)


def preview_give_up(bridge: Bridge, user_id: int, group_id: int) -> tuple[Effect, ...]:
    """What `give_up` would change: they stay. Raises: Permanent if it is not possible."""
    with bridge.store.read() as connection:
        row = member.memberships_of(connection, user_id).get(group_id)
        names = groups.names_of_all(connection)
    if row is None or not row.actual:
        raise Permanent(gettext("they have left the group by now: nothing is left to undo"))
    if row.owned != "proven":
        raise Permanent(gettext("it is undone already: the bridge no longer manages it"))
    return (Effect(user_id, group_id, names.get(group_id, str(group_id)), "stays in", ""),)


def give_up(
    bridge: Bridge, actor: Actor, user_id: int, group_id: int, *, reason: str | None = None
) -> None:
    """Undo `adopt`: the membership waits for a moderator again. Raises: as the preview."""
    preview_give_up(bridge, user_id, group_id)
    now, words = bridge.clock.now(), said(reason)
    with bridge.store.write() as connection:
        if not additions.give_up(
            connection, group_id, user_id, actor=str(actor), now=now, reason=words
        ):
            raise Permanent(gettext("something has changed since you looked: look again"))
    bridge.hint("decide", work.user_key(user_id))
