"""Who may do what in the console: roles come from the forum, rights are this one table."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Literal

Role = Literal["administrator", "moderator", "treasurer", "reader"]
Right = Literal["look", "decide", "money", "export"]

RIGHTS: Mapping[Role, frozenset[Right]] = {
    "administrator": frozenset({"look", "decide", "money", "export"}),
    "moderator": frozenset({"look", "decide", "money", "export"}),
    "treasurer": frozenset({"look", "money", "export"}),
    "reader": frozenset({"look"}),
}
"""`look`: see everything. `decide`: change who is in what. `money`: record payments.

`export`: take a list away as a file.
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
    names = {name.lower() for name in groups}
    if is_admin:
        return "administrator"
    if is_moderator:
        return "moderator"
    if treasurers and treasurers.lower() in names:
        return "treasurer"
    if readers and readers.lower() in names:
        return "reader"
    return None
