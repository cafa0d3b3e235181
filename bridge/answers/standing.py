"""Somebody's standing for a machine, from what is stored alone: no call to Stripe or the forum."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from bridge.core.memberships.member import Member
from bridge.core.telling.of_member import statement_input
from bridge.core.telling.standing import NOTHING, GroupStanding, group_standings
from bridge.errors import NotFound
from bridge.store import member as members
from bridge.store import users
from bridge.wiring import Bridge


@dataclass(frozen=True, slots=True)
class Standing:
    """How somebody stands: to each group that was asked about, the good ones first.

    `as_of`: when Stripe was last read completely. `names`: group id -> name.
    """

    user_id: int
    username: str | None
    as_of: datetime | None
    groups: tuple[GroupStanding, ...]
    names: dict[int, str]

    @property
    def is_good(self) -> bool:
        """In one of the groups, or due in it."""
        return bool(self.groups) and self.groups[0].is_good

    def as_json(self) -> dict[str, object]:
        """The answer on the wire."""
        first = self.groups[0] if self.groups else None
        return {
            "user_id": self.user_id,
            "username": self.username,
            "standing": "good" if self.is_good else "bad",
            "reason": first.reason if first else "no group is set up",
            "code": first.code if first else NOTHING,
            "as_of": _iso(self.as_of),
            "groups": [
                {
                    "id": one.group_id,
                    "group": self.names[one.group_id],
                    "in": one.is_in,
                    "due": one.is_due,
                    "state": one.state,
                    "until": _iso(one.until_at),
                    "reason": one.reason,
                    "code": one.code,
                }
                for one in self.groups
            ],
        }


def standing(bridge: Bridge, user_id: int, group_name: str | None) -> Standing:
    """Good or bad, why, and as of when.

    Good: in the group, or due in it; without a group, in any that a mapping rule leads to.
    Raises: NotFound for a user or a group that was never seen.
    """
    now = bridge.clock.now()
    with bridge.store.read() as connection:
        profile = users.profile_of(connection, user_id)
        member = members.load(connection, user_id)
        law = bridge.rulebook.law(connection)
    if profile is None and not (member.customer_ids or member.memberships):
        raise NotFound("no such user")
    names = {one.id: one.name for one in member.groups.values()}
    asked = _asked(names, group_name)
    if asked is None:
        asked = {id_ for id_ in law.rules.mapped_group_ids if id_ in names}
    given = statement_input(member, law, bridge.addresses, now)
    return Standing(
        user_id=user_id,
        username=profile.username if profile else None,
        as_of=_as_of(member, now),
        groups=tuple(group_standings(given, asked, _day)),
        names=names,
    )


def _asked(names: dict[int, str], group_name: str | None) -> set[int] | None:
    if group_name is None:
        return None
    asked = {id_ for id_, name in names.items() if name.lower() == group_name.lower()}
    if not asked:
        raise NotFound("no such group")
    return asked


def _as_of(member: Member, now: datetime) -> datetime | None:
    """When Stripe was last read completely; now, for somebody who is not a customer there."""
    return member.read_at if member.read_at or member.customer_ids else now


def _iso(at: datetime | None) -> str | None:
    return at.isoformat(timespec="seconds") if at else None


def _day(at: datetime) -> str:
    return f"{at:%Y-%m-%d}"
