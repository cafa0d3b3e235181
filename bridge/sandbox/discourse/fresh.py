"""A forum as it is after its installation."""

from __future__ import annotations

from bridge.sandbox.discourse.people import add_user
from bridge.sandbox.discourse.shapes_site import new_category
from bridge.sandbox.discourse.state import (
    AUTOMATIC_GROUPS,
    SITE_ADMIN_ID,
    SYSTEM_ID,
    Forum,
    Group,
    Theme,
)
from bridge.sandbox.kernel import World

EVERYBODY = 99
HOSTS = ("localhost", "127.0.0.1")


def fresh_forum(world: World, url: str, version: str, path: str, connect_secret: str) -> Forum:
    """Automatic groups, the system user, an administrator `siteadmin`, three categories."""
    now = world.clock.now()
    forum = Forum(url=url, started_at=now, version=version, path=path.rstrip("/"))
    for group_id, name in AUTOMATIC_GROUPS.items():
        messageable = EVERYBODY if name == "moderators" else 0
        forum.groups[group_id] = Group(
            group_id,
            name,
            now,
            automatic=True,
            visibility_level=1,
            messageable_level=messageable,
        )
        forum.group_id_by_name[name] = group_id
    add_user(
        forum, "system", "no_email", now, id=SYSTEM_ID, admin=True, moderator=True, trust_level=4
    )
    add_user(
        forum,
        "siteadmin",
        "siteadmin@example.com",
        now,
        id=SITE_ADMIN_ID,
        name="Site Admin",
        admin=True,
        trust_level=1,
    )
    forum.categories = [
        new_category(4, "General", "25AAE2", "Create topics here that fit into no other category."),
        new_category(2, "Site Feedback", "808281", "Discussion about this site."),
    ]
    forum.themes = {
        -1: Theme(-1, "Foundation", component=False, created_at=now, updated_at=now, default=True),
        -2: Theme(-2, "Horizon", component=False, created_at=now, updated_at=now),
    }
    forum.settings["title"] = "A Community"
    if connect_secret:
        rows = [f"{host}|{connect_secret}" for host in HOSTS]
        forum.settings["enable_discourse_connect_provider"] = True
        forum.settings["discourse_connect_provider_secrets"] = "\n".join(rows)
    return forum
