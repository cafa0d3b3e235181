"""Which role somebody has on the forum now."""

from __future__ import annotations

from bridge.core.model.roles import Role, role_of
from bridge.errors import NotFound
from bridge.wiring import Bridge


def role_on_forum(bridge: Bridge, user_id: int) -> Role | None:
    """Somebody's present role on the forum: one request, not cached.

    Raises: Transient if the forum does not answer; then the role is unknown and nothing may be
    done.
    """
    try:
        user = bridge.discourse.user(user_id, priority="high")  # somebody waits for it
    except NotFound:
        return None
    if user.state != "active":
        return None
    return role_of(
        is_admin=user.is_admin,
        is_moderator=user.is_moderator,
        groups=user.group_names,
        treasurers=bridge.policy.treasurers,
        readers=bridge.policy.readers,
    )
