"""Permissions: the part of Discourse's Guardian that matters to a bridge."""

from __future__ import annotations

from bridge.sandbox.discourse.state import Forum, Group, Topic, User

MEMBERS_LEVEL, STAFF_LEVEL, OWNERS_LEVEL = 2, 3, 4


def is_owner(user: User | None, group: Group) -> bool:
    """An owner of the group."""
    return bool(user and user.id in group.members and group.members[user.id].owner)


def _reaches(user: User | None, group: Group, level: int) -> bool:
    """Levels: 0 everybody, 1 logged in, 2 members, 3 staff and owners, 4 owners; admins always."""
    if level == 0 or (user is not None and (user.admin or is_owner(user, group))):
        return True
    if user is None or level >= OWNERS_LEVEL:
        return False
    is_member = user.id in group.members
    return {1: True, MEMBERS_LEVEL: is_member or user.staff, STAFF_LEVEL: user.staff}[level]


def can_see_group(user: User | None, group: Group) -> bool:
    """Whether the group exists for this user."""
    return _reaches(user, group, group.visibility_level)


def can_see_members(user: User | None, group: Group) -> bool:
    """Whether the list of members may be read."""
    return can_see_group(user, group) and _reaches(user, group, group.members_visibility_level)


def can_edit_group(forum: Forum, user: User | None, group: Group) -> bool:
    """Whether members may be added and removed: admins and owners, never in automatic groups."""
    if user is None or group.automatic:
        return False
    by_setting = user.moderator and forum.settings["moderators_manage_groups"]
    return user.admin or is_owner(user, group) or bool(by_setting)


def can_see_topic(user: User | None, topic: Topic) -> bool:
    """Messages are for their people and for admins; deleted topics for staff."""
    if topic.deleted_at is not None and not (user and user.staff):
        return False
    if not topic.is_message:
        return True
    if user is None:
        return False
    in_group = any(g in user.group_ids for g in topic.allowed_group_ids)
    return user.admin or user.id in topic.allowed_user_ids or in_group


def can_edit_post(user: User | None, topic: Topic, author_id: int) -> bool:
    """One's own posts, and staff what they see."""
    if user is None:
        return False
    return user.id == author_id or (user.staff and can_see_topic(user, topic))


def can_message_people(user: User) -> bool:
    """A newcomer may write to groups only."""
    return user.staff or user.trust_level > 0
