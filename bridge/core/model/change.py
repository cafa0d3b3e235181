"""A line of the append-only log."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any


@dataclass(frozen=True, slots=True)
class Change:
    """A line of the log: something decided, sent, seen or done. `cause`: its event or actor.

    `outcome`: a code, an id, or typed text; `telling.outcomes` has the meaning for each action.
    """

    id: int
    at: datetime
    action: str
    user_id: int | None = None
    group_id: int | None = None
    customer_id: str | None = None
    cause: str | None = None
    rule_id: str | None = None
    outcome: str | None = None
    detail: Mapping[str, Any] | None = None
