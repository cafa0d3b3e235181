"""Who may do what in the console: roles come from the forum, rights are this one table."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Literal

Role = Literal["administrator", "moderator", "treasurer", "reader"]
Right = Literal["look", "decide", "money", "export", "refund", "tokens"]

RIGHTS: Mapping[Role, frozenset[Right]] = {
    "administrator": frozenset({"look", "decide", "money", "export", "refund", "tokens"}),
    "moderator": frozenset({"look", "decide", "money", "export"}),
    "treasurer": frozenset({"look", "money", "export", "refund"}),
    "reader": frozenset({"look"}),
}
"""`look`: see everything. `decide`: change who is in what, and what is paid for. `money`: record
payments. `export`: take a list away as a file. `refund`: give money back through Stripe, where the
site has switched that on. `tokens`: let other programs in.
"""


def role_of(
    *,
    is_admin: bool,
    is_moderator: bool,
    groups: Collection[str],
    treasurers: str | None,
    readers: str | None,
) -> Role | None:
    """Somebody's highest role according to the forum, if any."""
    if is_admin:
        return "administrator"
    if is_moderator:
        return "moderator"
    return role_by_group(groups, treasurers=treasurers, readers=readers)


def role_by_group(
    groups: Collection[str], *, treasurers: str | None, readers: str | None
) -> Role | None:
    """The highest role that these groups give."""
    names = {name.lower() for name in groups}
    if treasurers and treasurers.lower() in names:
        return "treasurer"
    if readers and readers.lower() in names:
        return "reader"
    return None


def may_hand_out(rights: Collection[Right], role: Role) -> bool:
    """Whether somebody may give others a role: who decides, and has all its rights themselves."""
    return {"decide", *RIGHTS[role]} <= set(rights)
