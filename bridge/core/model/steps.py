"""The steps by which people become members and cease to be, as they were recorded."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from operator import attrgetter
from typing import Literal

StepKind = Literal["application", "approval", "decline", "payment", "cessation"]


@dataclass(frozen=True, slots=True)
class MemberStep:
    """A step as it was recorded. `corrects`: it takes back that one instead, and has no kind."""

    id: str
    user_id: int
    kind: StepKind | None
    at: datetime
    known_at: datetime
    reason: str
    actor: str
    corrects: str | None = None


def counting(steps: tuple[MemberStep, ...], at: datetime) -> list[MemberStep]:
    """The steps up to a moment that nobody took back, in the order in which they happened."""
    taken_back = {one.corrects for one in steps}
    counts = [
        one for one in steps if one.kind is not None and one.at <= at and one.id not in taken_back
    ]
    return sorted(counts, key=attrgetter("at", "known_at"))
