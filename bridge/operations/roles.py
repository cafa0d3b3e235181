"""Which role somebody has on the forum now, and who may hand out the groups that give one."""

from __future__ import annotations

from bridge.core.model.actor import Actor
from bridge.core.model.roles import RIGHTS, Role, may_hand_out, role_by_group, role_of
from bridge.errors import NotFound, Permanent
from bridge.texts import gettext
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


def refuse_handing_out(bridge: Bridge, actor: Actor, *group_names: str) -> None:
    """Refuse to let somebody give a group that gives more rights here than they have.

    Whoever can run commands on the bridge's machine has all rights. Raises: Permanent.
    """
    if actor.through == "command":
        return
    rights = next((has for role, has in RIGHTS.items() if role == actor.role), frozenset())
    for name in group_names:
        role = role_by_group(
            [name], treasurers=bridge.policy.treasurers, readers=bridge.policy.readers
        )
        if role is not None and not may_hand_out(rights, role):
            raise Permanent(
                gettext(
                    "%(group)s gives rights in this console that you cannot hand out: ask an "
                    "administrator"
                )
                % {"group": name}
            )
