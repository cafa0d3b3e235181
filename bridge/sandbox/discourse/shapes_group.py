"""Groups and their members as Discourse serializes them."""

from __future__ import annotations

from typing import Any

from bridge.sandbox.discourse.permissions import can_edit_group, can_see_members
from bridge.sandbox.discourse.shapes_user import avatar, basic_user
from bridge.sandbox.discourse.state import Forum, Group, GroupLogLine, Membership, User, iso

# Things that this forum does not have: e-mail into groups, flair pictures, tags.
NO_MAIL: dict[str, Any] = {
    "smtp_server": None,
    "smtp_port": None,
    "smtp_ssl_mode": 0,
    "smtp_enabled": False,
    "smtp_updated_at": None,
    "smtp_updated_by": None,
    "imap_server": None,
    "imap_port": None,
    "imap_ssl": None,
    "imap_mailbox_name": "",
    "imap_mailboxes": [],
    "imap_enabled": False,
    "imap_updated_at": None,
    "imap_updated_by": None,
    "email_username": None,
    "email_password": None,
    "email_from_alias": None,
    "imap_last_error": None,
    "imap_old_emails": None,
    "imap_new_emails": None,
    "message_count": 0,
    "allow_unknown_sender_topic_replies": False,
}
NO_DEFAULTS: dict[str, list[Any]] = {
    f"{kind}_{of}": []
    for of in ("category_ids", "tags")
    for kind in ("watching", "tracking", "watching_first_post", "regular", "muted")
}


def basic_group(forum: Forum, group: Group, viewer: User | None) -> dict[str, Any]:
    """BasicGroupSerializer."""
    shape: dict[str, Any] = {"id": group.id, "automatic": group.automatic, "name": group.name}
    if group.automatic:
        shape["display_name"] = group.name
    cooked = f"<p>{group.bio_raw}</p>" if group.bio_raw else None
    shape |= {
        "user_count": len(group.members),
        "mentionable_level": group.mentionable_level,
        "messageable_level": group.messageable_level,
        "visibility_level": group.visibility_level,
        "primary_group": group.primary_group,
        "title": group.title,
        "grant_trust_level": group.grant_trust_level,
        "incoming_email": None,
        "has_messages": any(group.id in t.allowed_group_ids for t in forum.topics.values()),
        "flair_url": None,
        "flair_bg_color": group.flair_bg_color,
        "flair_color": None,
        "bio_raw": group.bio_raw,
        "bio_cooked": cooked,
        "bio_excerpt": group.bio_raw,
        "public_admission": group.public_admission,
        "public_exit": group.public_exit,
        "allow_membership_requests": group.allow_membership_requests,
        "full_name": group.full_name,
        "default_notification_level": group.default_notification_level,
        "membership_request_template": None,
        "members_visibility_level": group.members_visibility_level,
        "can_see_members": can_see_members(viewer, group),
        "can_admin_group": bool(viewer and viewer.admin),
        "publish_read_state": False,
    }
    if can_edit_group(forum, viewer, group):
        shape["can_edit_group"] = True
    return shape


def listed_group(forum: Forum, group: Group, viewer: User | None) -> dict[str, Any]:
    """A group of /groups.json."""
    shape = basic_group(forum, group, viewer)
    if viewer is not None:
        mine = group.members.get(viewer.id)
        shape["is_group_user"] = mine is not None
        if mine is not None and mine.owner:
            shape["is_group_owner"] = True
    return shape


def shown_group(forum: Forum, group: Group, viewer: User | None) -> dict[str, Any]:
    """A group of /groups/NAME.json."""
    mine = group.members.get(viewer.id) if viewer else None
    mail = dict(NO_MAIL)
    if forum.is_old():
        mail["smtp_ssl"] = mail.pop("smtp_ssl_mode")
        mail["smtp_ssl"] = None
    return {
        **basic_group(forum, group, viewer),
        "is_group_user": mine is not None,
        "is_group_owner_display": bool(mine and mine.owner),
        "mentionable": bool(viewer and (viewer.admin or group.mentionable_level)),
        "messageable": bool(group.messageable_level),
        "automatic_membership_email_domains": None,
        **mail,
        **NO_DEFAULTS,
    }


def primary_group_keys(forum: Forum, user: User) -> dict[str, Any]:
    """Keys that are there only when there is a primary group."""
    shape: dict[str, Any] = {}
    if user.primary_group_id in forum.groups:
        shape["primary_group_name"] = forum.groups[user.primary_group_id].name
    if user.flair_group_id in forum.groups:
        shape["flair_name"] = forum.groups[user.flair_group_id].name
        shape["flair_group_id"] = user.flair_group_id
    return shape


def group_member(forum: Forum, user: User, membership: Membership) -> dict[str, Any]:
    """GroupUserSerializer: a line of the list of members, without an address."""
    return {
        "id": user.id,
        "username": user.username,
        "name": user.name,
        "avatar_template": avatar(user),
        **(primary_group_keys(forum, user) if user.primary_group_id or user.flair_group_id else {}),
        "trust_level": user.trust_level,
        "title": user.title,
        "last_posted_at": iso(user.last_posted_at),
        "last_seen_at": iso(user.last_seen_at),
        "added_at": iso(membership.added_at),
        "timezone": user.timezone,
    }


def log_line(forum: Forum, line: GroupLogLine) -> dict[str, Any]:
    """A line of the group's history; people who are gone are null."""
    target = forum.users.get(line.target_id) if line.target_id else None
    acting = forum.users.get(line.acting_id)
    return {
        "action": line.action,
        "subject": line.subject,
        "prev_value": line.prev_value,
        "new_value": line.new_value,
        "created_at": iso(line.at),
        "acting_user": basic_user(acting) if acting else None,
        "target_user": basic_user(target) if target else None,
    }
