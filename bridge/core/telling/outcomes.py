"""The details of a line of the log: why, in words, and the reason that somebody gave."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from bridge.core.ledger.amounts import format_minor
from bridge.core.memberships import why
from bridge.core.memberships.whatif import NOTHING_LEADS_TO_IT
from bridge.core.model.change import Change
from bridge.core.telling.holds import FOR_MODERATORS as HOLDS
from bridge.core.telling.reasons import FOR_MODERATORS as REASONS
from bridge.core.telling.words import day_words
from bridge.texts import gettext

ENDINGS: Mapping[str, str] = {
    why.LET_GO: gettext("a moderator let it end"),
    why.OUTRANKED: gettext("something higher of the same ladder takes its place"),
    why.NOT_THEIRS: gettext("what gave it no longer belongs to them"),
    why.NOT_MAPPED: gettext("what they pay for no longer includes this group"),
    NOTHING_LEADS_TO_IT: gettext("nothing of theirs leads to it"),
}
OWNED: Mapping[str, str] = {
    "no": gettext("added by somebody else, so the bridge never removes them"),
    "claimed": gettext("the bridge had just asked for it"),
    "proven": gettext("added by the bridge"),
}
PROOFS: Mapping[str, str] = {
    "claim": gettext("they claimed it by the link of their payment"),
    "customer": gettext("the customer was made for them"),
    "invitation": gettext("they followed the invitation for their payment"),
    "made for them": gettext("the customer was made for them"),
    "operator": gettext("linked by hand"),
    "reference": gettext("they paid by a link of their own"),
}
NOT_DONE: Mapping[str, str] = {
    "Blocked": gettext("the forum refused requests for a while"),
    "Broken": gettext("the forum’s answer could not be read"),
    "Forbidden": gettext("the forum does not allow it"),
    "NoRequestLeft": gettext("too many requests were under way"),
    "NotFound": gettext("the forum did not find it"),
    "Permanent": gettext("the forum refused it"),
    "RateLimited": gettext("the forum asked to wait"),
    "Transient": gettext("the forum could not do it then"),
    "Uncertain": gettext("the forum did not say whether it was done"),
    "Unreachable": gettext("the forum could not be reached"),
    "not in the group": gettext("they are not in the group"),
    "still in the group": gettext("they are still in the group"),
}
WRITTEN: Mapping[str, str] = {
    "first": gettext("begun"),
    "again": gettext("as a new answer"),
}
REMOVED: Mapping[str, str] = {
    "swapped": gettext("another step of the same ladder takes its place"),
    "observed_done": gettext("seen when the group was read"),
}
STATES: Mapping[str, str] = {
    "active": gettext("active"),
    "anonymized": gettext("made anonymous"),
    "gone": gettext("not found on the forum"),
    "staged": gettext("without a sign-in so far"),
    "suspended": gettext("suspended"),
}

DECIDED = ("wanted", "unwanted", "changed", "confirmed", "held", "released")
KEPT_BACK = ("lifted", "kept_out", "held_again", "override")
SENT = ("intent_add", "intent_remove", "removed")
IN_WORDS = frozenset(
    {
        *("payment_recorded", "payment_reversed", "relinked", "removals_released"),
        *("removals_stopped", "token_made", "unrelinked"),
    }
)
"""Actions whose outcome is words of the bridge, or a name."""
FAILED = ("_refused", "_unknown")
IDS = frozenset(
    {
        "seat_again",
        "seat_assigned",
        "seat_too_many",
        "seat_unassigned",
        "paid_twice",
        "replayed",
        "reminded",
    }
)
"""Actions whose outcome is an id of a subscription, an event or an invoice."""


@dataclass(frozen=True, slots=True)
class Said:
    """The bridge's words for why, and the reason that somebody typed."""

    words: str = ""
    reason: str = ""


def said(change: Change) -> Said:
    """A line's text besides its action, in words."""
    action, outcome, detail = change.action, change.outcome or "", change.detail or {}
    typed = str(detail.get("reason") or "")
    if action in DECIDED:
        return Said(_capital(_decision(change)))
    if action in _WORDS:
        return Said(_capital(_WORDS[action](change)), typed)
    money = _money(detail)
    if action in IN_WORDS | IDS:
        return Said(_joined(outcome if action in IN_WORDS else "", money), typed)
    if action == "adopted":
        return Said("", "" if outcome == "proven" else outcome)
    mapped = _mapping(detail) if action.startswith("mapping_changed") else ""
    failed = str(detail.get("why") or "") if action.endswith(FAILED) else ""
    return Said(_joined(mapped or money, failed, by=": "), outcome)


def _joined(*words: str, by: str = ", ") -> str:
    return by.join(filter(None, words))


def _money(detail: Mapping[str, Any]) -> str:
    """How much an act was about; lines of earlier versions may not say so."""
    amount = (detail.get("refund") or detail).get("amount_minor")
    currency = detail.get("currency")
    return format_minor(amount, currency) if isinstance(amount, int) and currency else ""


def _capital(words: str) -> str:
    return words[:1].upper() + words[1:]


def reason_words(code: str | None) -> str:
    """Why something is given, held or ended, for moderators; a code of another version as it is."""
    if not code:
        return ""
    for words in (REASONS, HOLDS, ENDINGS):
        if code in words:
            return words[code]  # type: ignore[index] # a StrEnum is looked up by its text
    return code.replace("_", " ")


def _decision(change: Change) -> str:
    until = (change.detail or {}).get("until")
    words = reason_words(change.outcome)
    if change.action in ("wanted", "changed") and until:
        day = day_words(datetime.fromisoformat(str(until)))
        return gettext("%(why)s, until %(day)s") % {"why": words, "day": day}
    return words


def _sent(change: Change) -> str:
    detail = change.detail or {}
    return REMOVED.get(change.outcome or "") or reason_words(detail.get("why"))


def _seen(change: Change) -> str:
    return _one_of(OWNED, change.outcome or "")


def state_words(state: str) -> str:
    """The state of an account, as a sentence."""
    return _capital(_one_of(STATES, state))


def _state(change: Change) -> str:
    return gettext("before: %s") % _one_of(STATES, (change.outcome or "").removeprefix("was "))


def _mapping(detail: Mapping[str, Any]) -> str:
    nothing = gettext("nothing")
    return gettext("%(key)s of %(thing)s: %(before)s, now %(after)s") % {
        "key": detail.get("key"),
        "thing": detail.get("name") or detail.get("thing"),
        "before": detail.get("before") or nothing,
        "after": detail.get("after") or nothing,
    }


def _one_of(words: Mapping[str, str], code: str) -> str:
    return words.get(code, code.replace("_", " "))


_WORDS: Mapping[str, Callable[[Change], str]] = {
    **dict.fromkeys(SENT, _sent),
    **dict.fromkeys(KEPT_BACK, lambda one: reason_words(one.outcome)),
    **dict.fromkeys(("added", "observed_done", "seen", "was_member"), _seen),
    **dict.fromkeys((f"account_{one}" for one in (*STATES, "back")), _state),
    "linked": lambda one: _one_of(PROOFS, one.outcome or ""),
    "not_done": lambda one: _one_of(NOT_DONE, one.outcome or ""),
    "statement_sent": lambda one: _one_of(WRITTEN, one.outcome or ""),
}


def ids_of(change: Change) -> tuple[tuple[str, str], ...]:
    """A line's stored values: its number, ids and codes, and the state before and after.

    The values are the stored ones, so that they can be looked up.
    """
    known = {
        gettext("Line of the log"): change.id,
        gettext("Cause"): change.cause,
        gettext("Customer"): change.customer_id,
        gettext("Rule"): change.rule_id,
        gettext("Code"): change.action,
        gettext("Outcome"): change.outcome,
        # As written, the order would be another after a move to another database.
        **dict(sorted((change.detail or {}).items())),
    }
    return tuple((label, _plain(value)) for label, value in known.items() if value)


def _plain(value: object) -> str:
    return (
        value
        if isinstance(value, str)
        else json.dumps(value, ensure_ascii=False, default=str, sort_keys=True)
    )
