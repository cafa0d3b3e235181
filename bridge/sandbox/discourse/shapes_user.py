"""Users as Discourse serializes them, and the keys that this forum never fills."""

from __future__ import annotations

import zlib
from typing import Any

from bridge.sandbox.discourse.state import Forum, User, iso

SCHEDULE: dict[str, Any] = {"enabled": False} | {
    f"day_{day}_{end}_time": minutes
    for day in range(7)
    for end, minutes in (("start", 480), ("end", 1020))
}
EMPTY_LISTS = (
    "muted_category_ids", "regular_category_ids", "watched_tags", "watching_first_post_tags",
    "tracked_tags", "muted_tags", "tracked_category_ids", "watched_category_ids",
    "watched_first_post_category_ids", "muted_usernames", "ignored_usernames",
    "allowed_pm_usernames", "sidebar_tags", "sidebar_category_ids", "user_passkeys",
    "featured_user_badge_ids",
)  # fmt: skip
ALLOWED = (
    "can_edit", "can_edit_username", "can_edit_email", "can_edit_name", "can_upload_profile_header",
    "can_upload_user_card_background", "can_be_deleted", "can_delete_all_posts", "can_change_bio",
    "can_change_location", "can_change_website", "can_change_tracking_preferences",
    "can_mute_users", "can_ignore_users",
)  # fmt: skip
USER_OPTION: dict[str, Any] = {
    "mailing_list_mode": False, "mailing_list_mode_frequency": 1, "email_digests": True,
    "email_level": 1, "email_messages_level": 0, "external_links_in_new_tab": False,
    "bookmark_auto_delete_preference": 3, "color_scheme_id": None, "dark_scheme_id": None,
    "dynamic_favicon": False, "enable_quoting": True, "enable_smart_lists": True,
    "enable_markdown_monospace_font": True, "enable_defer": False, "digest_after_minutes": 10080,
    "automatically_unpin_topics": True, "auto_track_topics_after_msecs": 240000,
    "notification_level_when_replying": 2, "new_topic_duration_minutes": 2880,
    "email_previous_replies": 2, "email_in_reply_to": True, "like_notification_frequency": 1,
    "include_tl0_in_digests": False, "theme_ids": [], "theme_key_seq": 0,
    "enable_allowed_pm_users": False, "homepage_id": None, "hide_profile_and_presence": False,
    "hide_profile": False, "hide_presence": False, "text_size": "normal", "text_size_seq": 0,
    "title_count_mode": "notifications", "skip_new_user_tips": False,
    "default_calendar": "none_selected", "oldest_search_log_date": None,
    "sidebar_link_to_filtered_list": False, "sidebar_show_count_of_new_items": False,
    "watched_precedence_over_muted": None, "seen_popups": None,
    "topics_unread_when_closed": True, "composition_mode": 1, "interface_color_mode": 1,
}  # fmt: skip
NOT_IN_3_2 = (
    "can_ignore_users", "can_mute_users", "user_passkeys", "can_pick_theme_with_custom_homepage",
)  # fmt: skip
OPTIONS_NOT_IN_3_2 = (
    "enable_smart_lists", "enable_markdown_monospace_font", "hide_profile", "hide_presence",
    "topics_unread_when_closed", "composition_mode", "interface_color_mode",
)  # fmt: skip
ADMIN_ZEROS = (
    "time_read", "days_visited", "posts_read_count", "topics_entered", "post_count",
)  # fmt: skip
ADMIN_DETAIL: dict[str, Any] = {
    "ip_address": "127.0.0.1", "registration_ip_address": "127.0.0.1", "can_impersonate": True,
    "can_send_activation_email": True, "like_count": 0, "like_given_count": 0, "topic_count": 0,
    "post_edits_count": None, "flags_given_count": 0, "flags_received_count": 0,
    "private_topics_count": 0, "can_delete_all_posts": True, "can_be_anonymized": True,
    "can_be_merged": True, "badge_count": 0,
    "warnings_received_count": 0, "bounce_score": 0, "reset_bounce_score_after": None,
    "can_view_action_logs": True, "can_disable_second_factor": True,
    "can_delete_sso_record": False, "api_key_count": 0, "single_sign_on_record": None,
    "approved_by": None, "silenced_by": None, "include_ip": True, "similar_users_count": 0,
    "latest_export": None, "silence_reason": None, "can_be_deleted": True,
}  # fmt: skip


def avatar(user: User) -> str:
    """The letter picture's address; its colour follows the name."""
    colour = zlib.crc32(user.username.encode()) & 0x7F7F7F  # dark enough for a white letter
    return f"/letter_avatar_proxy/v4/letter/{user.username[0].lower()}/{colour:06x}/{{size}}.png"


def basic_user(user: User) -> dict[str, Any]:
    """BasicUserSerializer with the name."""
    return {
        "id": user.id,
        "username": user.username,
        "name": user.name,
        "avatar_template": avatar(user),
    }


def primary_and_flair(forum: Forum, user: User) -> dict[str, Any]:
    """Primary group and flair; null if there is none."""
    primary = forum.group_with(user.primary_group_id)
    flair = forum.group_with(user.flair_group_id)
    return {
        "primary_group_id": primary.id if primary else None,
        "primary_group_name": primary.name if primary else None,
        "flair_group_id": flair.id if flair else None,
        "flair_name": flair.name if flair else None,
        "flair_url": None,
        "flair_bg_color": flair.flair_bg_color if flair else None,
        "flair_color": None,
    }


def user_card(forum: Forum, user: User, viewer: User | None) -> dict[str, Any]:
    """UserCardSerializer."""
    can_message = bool(viewer and (viewer.staff or viewer.trust_level > 0))
    other = bool(viewer and viewer.id != user.id)
    shape = {
        **basic_user(user),
        "last_posted_at": iso(user.last_posted_at),
        "last_seen_at": iso(user.last_seen_at),
        "created_at": iso(user.created_at),
        "ignored": False,
        "muted": False,
        "can_ignore_user": other and not user.staff,
        "can_mute_user": other and not user.staff,
        "can_send_private_messages": can_message,
        "can_send_private_message_to_user": can_message and other,
        "trust_level": user.trust_level,
        "moderator": user.moderator,
        "admin": user.admin,
        "title": user.title,
        "badge_count": 0,
        "custom_fields": dict(user.custom_fields),
        "time_read": 0,
        "recent_time_read": 0,
        **primary_and_flair(forum, user),
        "featured_topic": None,
        "pending_posts_count": 0,
        "staged": user.staged,
        "featured_user_badge_ids": [],
    }
    if user.user_fields:
        shape["user_fields"] = dict(user.user_fields)
    if user.suspended_till is not None:
        shape["suspend_reason"] = user.suspend_reason
        shape["suspended_till"] = iso(user.suspended_till)
    return shape


def shown_user(
    forum: Forum, user: User, viewer: User | None, groups: list[dict[str, Any]]
) -> dict[str, Any]:
    """UserSerializer for /u/NAME.json; `groups` are those that the viewer may see."""
    inviter = forum.users.get(user.invited_by_id or 0)
    shape = {
        **user_card(forum, user, viewer),
        **dict.fromkeys(ALLOWED, True),
        **{key: [] for key in EMPTY_LISTS},
        "uploaded_avatar_id": None,
        "has_title_badges": False,
        "pending_count": 0,
        "profile_view_count": 0,
        "second_factor_enabled": False,
        "post_count": 0,
        "locale": None,
        "system_avatar_upload_id": None,
        "system_avatar_template": avatar(user),
        "mailing_list_posts_per_day": 0,
        "user_api_keys": None,
        "display_sidebar_tags": False,
        "can_pick_theme_with_custom_homepage": False,
        "user_auth_tokens": [],
        "user_notification_schedule": dict(SCHEDULE),
        "use_logo_small_as_avatar": False,
        "invited_by": basic_user(inviter) if inviter else None,
        "groups": groups,
        "group_users": [
            {"group_id": g["id"], "user_id": user.id, "notification_level": 3, "owner": owner}
            for g in groups
            for owner in (forum.groups[g["id"]].members[user.id].owner,)
        ],
        "user_option": user_option(user),
    }
    return old_user(shape) if forum.is_old() else shape


def user_option(user: User) -> dict[str, Any]:
    """A user's preferences; only messages and the time zone can be changed here."""
    return {
        "user_id": user.id,
        **USER_OPTION,
        "allow_private_messages": user.allow_private_messages,
        "timezone": user.timezone,
    }


def old_user(shape: dict[str, Any]) -> dict[str, Any]:
    """The 3.2 shape of a user page."""
    option = {k: v for k, v in shape["user_option"].items() if k not in OPTIONS_NOT_IN_3_2}
    kept = {k: v for k, v in shape.items() if k not in NOT_IN_3_2}
    return {**kept, "user_option": option}


def hook_user(forum: Forum, user: User) -> dict[str, Any]:
    """A user in a webhook: the page without private things, with addresses and groups' names."""
    card = user_card(forum, user, None)
    groups = [
        {"id": g.id, "automatic": g.automatic, "name": g.name, "user_count": len(g.members)}
        for g in forum.groups_of(user)
    ]
    private = ("can_ignore_user", "can_mute_user", "ignored", "custom_fields", "staged")
    kept = {k: v for k, v in card.items() if not k.startswith("can_send") and k not in private}
    addresses = {"email": user.email, "secondary_emails": list(user.secondary_emails)}
    return {**kept, **addresses, "external_id": user.external_id, "groups": groups}


def listed_user(user: User, now: float, *, emails: bool) -> dict[str, Any]:
    """AdminUserListSerializer; addresses only when asked for."""
    addresses = {"email": user.email, "secondary_emails": list(user.secondary_emails)}
    shape = {
        **basic_user(user),
        **(addresses if emails else {}),
        "active": user.active,
        "admin": user.admin,
        "moderator": user.moderator,
        "last_seen_at": iso(user.last_seen_at),
        "last_emailed_at": None,
        "created_at": iso(user.created_at),
        "last_seen_age": None if user.last_seen_at is None else now - user.last_seen_at,
        "last_emailed_age": None,
        "created_at_age": now - user.created_at,
        "trust_level": user.trust_level,
        "manual_locked_trust_level": None,
        "title": user.title,
        **dict.fromkeys(ADMIN_ZEROS, 0),
        "staged": user.staged,
    }
    if user.suspended_till is not None:
        shape["suspended_at"] = iso(user.suspended_at)
        shape["suspended_till"] = iso(user.suspended_till)
    return shape


def admin_user(
    forum: Forum, user: User, now: float, groups: list[dict[str, Any]]
) -> dict[str, Any]:
    """AdminDetailedUserSerializer."""
    by = forum.users.get(user.suspended_by_id or 0)
    shape = {
        **listed_user(user, now, emails=False),
        **ADMIN_DETAIL,
        "can_activate": not user.active,
        "can_deactivate": user.active,
        "can_grant_admin": not user.admin,
        "can_revoke_admin": user.admin,
        "can_grant_moderation": not user.moderator,
        "can_revoke_moderation": user.moderator,
        "full_suspend_reason": user.suspend_reason,
        # Comes from the staff's log, so it outlives the suspension.
        "suspended_by": basic_user(by) if by else None,
        "penalty_counts": {"silenced": 0, "suspended": int(user.suspended_till is not None)},
        "next_penalty": iso(now + 86400),
        "primary_group_id": user.primary_group_id,
        "groups": groups,
        "external_ids": {},
    }
    if forum.is_old():
        for key in ("include_ip", "latest_export", "similar_users_count"):
            del shape[key]
    return shape
