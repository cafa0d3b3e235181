"""The doctor's words about the forum's key, and its requests that Discourse must refuse."""

from __future__ import annotations

from typing import Any

from bridge.core.model.check import Check

NOBODY = 2_147_483_647  # the highest id that Discourse's database can hold


def wrong_key(username: str) -> Check:
    """What is said where everything is refused."""
    return Check(
        "key",
        ok=False,
        message=(
            f"Discourse refuses everything: DISCOURSE_API_KEY is wrong or revoked, or the user "
            f"{username} (DISCOURSE_API_USERNAME) is unknown, suspended, or not the "
            "one that the key is for"
        ),
    )


def checked(scope: str, what: str, ok: bool, group: dict[str, Any] | None = None) -> Check:  # noqa: FBT001
    """Whether the key can do something, and what to do if not."""
    where = f" of the group {group['name']}" if group and "name" in group else ""
    if ok:
        return Check(scope, ok=True, message=f"The key can {what}{where}")
    return Check(
        scope,
        ok=False,
        message=(
            f"The key cannot {what}{where}: give it the scope {scope}, and let its user be an "
            "administrator" + (" or an owner of the group" if where else "")
        ),
    )


def bot(username: str, me: dict[str, Any] | None) -> list[Check]:
    """Newcomers may not send messages; staff may, and reach those who want none."""
    if me is None:
        return []
    staff, trusted = bool(me.get("admin") or me.get("moderator")), int(me.get("trust_level") or 0)
    ok = staff or trusted > 0
    advice = "" if staff else ": make it a moderator, so that everybody is reached"
    said = "may send messages" if ok else "is new and may not send messages"
    return [Check("bot", ok=ok, message=f"The user {username} {said}{advice}")]
