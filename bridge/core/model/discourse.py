"""Discourse's objects, as far as the bridge reads them. Ids are Discourse's numbers."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Literal


@dataclass(frozen=True, slots=True)
class Group:
    """A Discourse group, by its number; the name is for people and changes."""

    id: int
    name: str
    full_name: str | None = None
    automatic: bool = False
    user_count: int = 0


@dataclass(frozen=True, slots=True)
class Member:
    """A user in a group, as Discourse lists it."""

    user_id: int
    username: str
    added_at: datetime


State = Literal["active", "suspended", "staged", "anonymized", "gone"]


@dataclass(frozen=True, slots=True)
class User:
    """A Discourse user. `state` other than active: the grant is held, nothing is written."""

    id: int
    username: str
    name: str | None = None
    state: State = "active"
    group_ids: frozenset[int] = frozenset()
    group_names: frozenset[str] = frozenset()
    is_admin: bool = False
    is_moderator: bool = False
