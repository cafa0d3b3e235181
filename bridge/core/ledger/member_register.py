"""The register of members: application, approval or decline, payment, cessation.

It is a pure function of the recorded steps, as of any date (A61, A62). People who were declined, or
ceased to be members, may apply again; that begins another entry.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from itertools import groupby
from operator import attrgetter
from typing import Literal

from bridge.core.model.steps import MemberStep, counting
from bridge.texts import gettext

State = Literal["applied", "approved", "paid", "member", "declined", "ceased"]


class Impossible(Exception):
    """An impossible step: a repeated one, or one before the step that it must follow."""


@dataclass(frozen=True, slots=True)
class MemberEntry:
    """One period in which somebody was a member, or wanted to be."""

    user_id: int
    applied_at: datetime
    approved_at: datetime | None = None
    paid_at: datetime | None = None
    declined_at: datetime | None = None
    declined_because: str | None = None
    ceased_at: datetime | None = None
    ceased_because: str | None = None

    @property
    def is_open(self) -> bool:
        """Whether it is neither declined nor ended, so that nobody needs to apply again."""
        return self.declined_at is None and self.ceased_at is None

    @property
    def state(self) -> State:
        """Whether they were approved and have paid."""
        if self.ceased_at is not None:
            return "ceased"
        if self.declined_at is not None:
            return "declined"
        if self.approved_at and self.paid_at:
            return "member"
        return "approved" if self.approved_at else "paid" if self.paid_at else "applied"

    @property
    def member_since(self) -> datetime | None:
        """The later of approval and payment."""
        if self.approved_at is None or self.paid_at is None:
            return None
        return max(self.approved_at, self.paid_at)


def member_register(
    steps: Iterable[MemberStep], as_of: datetime, known_at: datetime | None = None
) -> tuple[MemberEntry, ...]:
    """All entries as of a moment, as known at another, in order of their application.

    `steps`: the steps of one person follow each other. Raises: Impossible.
    """
    found: list[MemberEntry] = []
    for _, of_user in groupby(steps, key=attrgetter("user_id")):
        known = tuple(one for one in of_user if known_at is None or one.known_at <= known_at)
        entries: list[MemberEntry] = []
        for step in counting(known, as_of):
            _take(entries, step)
        found += entries
    return tuple(sorted(found, key=attrgetter("applied_at", "user_id")))


def waiting_since(steps: Iterable[MemberStep], now: datetime) -> datetime | None:
    """Since when a person's application has waited for approval; None if none waits."""
    try:
        entries = member_register(steps, now)
    except Impossible:
        return None
    last = entries[-1] if entries else None
    waits = last is not None and last.is_open and last.approved_at is None
    return last.applied_at if last is not None and waits else None


@dataclass(frozen=True, slots=True)
class Following:
    """What happens to steps when one account follows another.

    `moved`: what the other account gets; `superseded`: what of its own that takes the place of.
    """

    moved: tuple[MemberStep, ...] = ()
    superseded: tuple[MemberStep, ...] = ()


def following(
    theirs: Sequence[MemberStep], others: Sequence[MemberStep], to_id: int, now: datetime
) -> Following:
    """The steps of one account added to those of another, once both are one person.

    All follow if possible. If both accounts applied, the approved entry wins; if both were
    approved, nothing follows.
    """
    moved = tuple(replace(one, user_id=to_id) for one in counting(tuple(theirs), now))
    own = counting(tuple(others), now)
    if _can_be((*own, *moved), now):
        return Following(moved)
    applied = [number for number, one in enumerate(own) if one.kind == "application"] or [0]
    before, superseded = own[: applied[-1]], tuple(own[applied[-1] :])
    is_open = {one.kind for one in superseded} <= {"application", "payment"}
    is_approved = any(one.kind == "approval" for one in moved)
    if is_open and is_approved and _can_be((*before, *moved), now):
        return Following(moved, superseded)
    return Following()


def _can_be(steps: Iterable[MemberStep], now: datetime) -> bool:
    try:
        member_register(steps, now)
    except Impossible:
        return False
    return True


def _take(entries: list[MemberEntry], step: MemberStep) -> None:
    open_entry = entries[-1] if entries and entries[-1].is_open else None
    if step.kind == "application":
        if open_entry is not None:
            raise Impossible(
                gettext("id:%(user_id)s applied on %(applied_at)s")
                % {"user_id": step.user_id, "applied_at": f"{open_entry.applied_at:%Y-%m-%d}"}
            )
        entries.append(MemberEntry(step.user_id, step.at))
        return
    if open_entry is None:
        raise Impossible(
            gettext("id:%(user_id)s has not applied: record the application first")
            % {"user_id": step.user_id}
        )
    entries[-1] = _with_step(open_entry, step)


def _with_step(entry: MemberEntry, step: MemberStep) -> MemberEntry:
    before = {"approval": entry.approved_at, "payment": entry.paid_at}.get(step.kind or "")
    if before is not None:
        raise Impossible(
            gettext("the %(kind)s of id:%(user_id)s is recorded on %(before)s")
            % {"kind": step.kind, "user_id": step.user_id, "before": f"{before:%Y-%m-%d}"}
        )
    if step.kind == "approval":
        return replace(entry, approved_at=step.at)
    if step.kind == "payment":
        return replace(entry, paid_at=step.at)
    if step.kind == "decline":
        if entry.approved_at is not None:
            day = f"{entry.approved_at:%Y-%m-%d}"
            raise Impossible(
                gettext("id:%(user_id)s was approved on %(day)s: record a cessation")
                % {"user_id": step.user_id, "day": day}
            )
        return replace(entry, declined_at=step.at, declined_because=step.reason)
    return replace(entry, ceased_at=step.at, ceased_because=step.reason)
