"""The moderators' daily or weekly digest: open work, and what happened."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from urllib.parse import urlencode

from bridge.core.memberships.record import CAME_IN, WENT_OUT
from bridge.core.telling.log import action_words
from bridge.texts import gettext, ngettext

PERIODS: Mapping[str, timedelta] = {"daily": timedelta(days=1), "weekly": timedelta(days=7)}

_WAITING: Mapping[str, Callable[[int], str]] = {
    "failed": lambda n: ngettext("%(num)d failed payment", "%(num)d failed payments", n),
    "held": lambda n: ngettext(
        "%(num)d change that waits for your decision",
        "%(num)d changes that wait for your decision",
        n,
    ),
    "applications": lambda n: ngettext(
        "%(num)d application that waits for approval",
        "%(num)d applications that wait for approval",
        n,
    ),
    "stopped": lambda n: ngettext(
        "%(num)d group from which removals are stopped",
        "%(num)d groups from which removals are stopped",
        n,
    ),
    "dead": lambda n: ngettext("%(num)d unreadable event", "%(num)d unreadable events", n),
    "drift": lambda n: ngettext(
        "%(num)d member whom staff removed, or who left, although they pay",
        "%(num)d members whom staff removed, or who left, although they pay",
        n,
    ),
    "unlinked": lambda n: ngettext(
        "%(num)d payer without a forum account", "%(num)d payers without a forum account", n
    ),
    "double": lambda n: ngettext(
        "%(num)d subscription that is paid although another one includes it",
        "%(num)d subscriptions that are paid although others include them",
        n,
    ),
}
"""Worklist -> its words for a number of rows."""


_FOLLOWING = frozenset(
    {"wanted", "unwanted", "confirmed", "changed", "held", "intent_add", "intent_remove"}
)
"""Actions of the bridge that follow from what somebody decided, and name them as the cause."""


@dataclass(frozen=True, slots=True)
class Counted:
    """How often the log has an action since the last digest. `by_person`: somebody decided it."""

    action: str
    group_id: int | None
    by_person: bool
    count: int


@dataclass(frozen=True, slots=True)
class Line:
    """A line of the digest, and where the console shows its rows."""

    what: str
    path: str


@dataclass(frozen=True, slots=True)
class Digest:
    """Open work, who joined and left, and what people did since a time."""

    since: datetime
    until: datetime
    waiting: tuple[Line, ...]
    moved: tuple[Line, ...]
    decided: tuple[Line, ...]

    @property
    def is_silent(self) -> bool:
        """Whether the digest is empty."""
        return not (self.waiting or self.moved or self.decided)


def digest(
    since: datetime,
    until: datetime,
    waiting: Mapping[str, int],
    happened: Iterable[Counted],
    groups: Mapping[int, str],
) -> Digest:
    """The digest of a period. `waiting`: worklist -> rows; `groups`: id -> name."""
    came: Counter[int] = Counter()
    went: Counter[int] = Counter()
    decided: Counter[str] = Counter()
    for one in happened:
        if one.by_person and one.action not in _FOLLOWING | CAME_IN | WENT_OUT:
            decided[one.action] += one.count
        if one.group_id is not None and one.action in CAME_IN:
            came[one.group_id] += one.count
        if one.group_id is not None and one.action in WENT_OUT:
            went[one.group_id] += one.count
    return Digest(
        since,
        until,
        tuple(
            Line(words(n) % {"num": n}, f"/moderate/lists/{name}")
            for name, words in _WAITING.items()
            if (n := waiting.get(name, 0))
        ),
        tuple(
            Line(
                gettext("%(group)s: %(came)d joined, %(went)d left")
                % {"group": groups.get(id_, str(id_)), "came": came[id_], "went": went[id_]},
                _to("/moderate/log", group=id_),
            )
            for id_ in sorted({*came, *went}, key=lambda id_: groups.get(id_, str(id_)))
        ),
        tuple(
            Line(
                gettext("%(what)s: %(count)d") % {"what": action_words(action), "count": count},
                _to("/moderate/log", kind=action),
            )
            for action, count in sorted(decided.items())
        ),
    )


def is_due(period: str, last_at: datetime | None, now: datetime) -> bool:
    """Whether a digest is due; the first one a whole period after it was switched on."""
    return last_at is not None and last_at + PERIODS[period] <= now


def _to(path: str, **query: object) -> str:
    return f"{path}?{urlencode(query)}"
