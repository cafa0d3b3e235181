"""The register of members: application, approval, payment and cessation, each a separate step.

It is a pure function of the recorded steps, as of any date (A61, A62). Whoever ceased may apply
again; that begins another entry.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Literal

StepKind = Literal["application", "approval", "payment", "cessation"]
State = Literal["applied", "approved", "paid", "member", "ceased"]


class Impossible(Exception):
    """A step that cannot be: twice, or before the one that it follows."""


@dataclass(frozen=True, slots=True, kw_only=True)
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


@dataclass(frozen=True, slots=True)
class MemberEntry:
    """One time that somebody was a member, or wanted to be."""

    user_id: int
    applied_at: datetime
    approved_at: datetime | None = None
    paid_at: datetime | None = None
    ceased_at: datetime | None = None
    ceased_because: str | None = None

    @property
    def state(self) -> State:
        """A member is who was approved and has paid."""
        if self.ceased_at is not None:
            return "ceased"
        if self.approved_at and self.paid_at:
            return "member"
        return "approved" if self.approved_at else "paid" if self.paid_at else "applied"

    @property
    def member_since(self) -> datetime | None:
        """When the later of approval and payment was."""
        if self.approved_at is None or self.paid_at is None:
            return None
        return max(self.approved_at, self.paid_at)


def member_register(
    steps: Iterable[MemberStep], as_of: datetime, known_at: datetime | None = None
) -> tuple[MemberEntry, ...]:
    """All entries as of a moment, by what was known at another; in order of their application.

    Raises: Impossible for a step that cannot be.
    """
    known = [one for one in steps if known_at is None or one.known_at <= known_at]
    corrected = {one.corrects for one in known}
    entries: dict[int, list[MemberEntry]] = {}
    for step in sorted(known, key=lambda one: (one.at, one.known_at)):
        if step.kind is not None and step.id not in corrected and step.at <= as_of:
            _take(entries.setdefault(step.user_id, []), step)
    found = [entry for of_user in entries.values() for entry in of_user]
    return tuple(sorted(found, key=lambda entry: (entry.applied_at, entry.user_id)))


def _take(entries: list[MemberEntry], step: MemberStep) -> None:
    open_entry = entries[-1] if entries and entries[-1].ceased_at is None else None
    if step.kind == "application":
        if open_entry is not None:
            raise Impossible(f"user {step.user_id} applied on {open_entry.applied_at:%Y-%m-%d}")
        entries.append(MemberEntry(step.user_id, step.at))
        return
    if open_entry is None:
        raise Impossible(f"user {step.user_id} has not applied: record the application first")
    entries[-1] = _with_step(open_entry, step)


def _with_step(entry: MemberEntry, step: MemberStep) -> MemberEntry:
    before = {"approval": entry.approved_at, "payment": entry.paid_at}.get(step.kind or "")
    if before is not None:
        raise Impossible(f"the {step.kind} of user {step.user_id} is recorded on {before:%Y-%m-%d}")
    if step.kind == "approval":
        return replace(entry, approved_at=step.at)
    if step.kind == "payment":
        return replace(entry, paid_at=step.at)
    return replace(entry, ceased_at=step.at, ceased_because=step.reason)
