"""The constant parts of /site.json and /about.json."""

from __future__ import annotations

from typing import Any

NOTIFICATION_TYPES = (
    "mentioned", "replied", "quoted", "edited", "liked", "private_message",
    "invited_to_private_message", "invitee_accepted", "posted", "moved_post", "linked",
    "granted_badge", "invited_to_topic", "custom", "group_mentioned", "group_message_summary",
    "watching_first_post", "topic_reminder", "liked_consolidated", "post_approved",
    "code_review_commit_approved", "membership_request_accepted",
    "membership_request_consolidated", "bookmark_reminder", "reaction", "votes_released",
    "event_reminder", "event_invitation", "chat_mention", "chat_message", "chat_invitation",
    "chat_group_mention", "chat_quoted", "assigned", "question_answer_user_commented",
    "watching_category_or_tag", "new_features", "admin_problems", "linked_consolidated",
    "chat_watched_thread", "following", "following_created_topic", "following_replied",
    "circles_activity",
)  # fmt: skip
TIPS = (
    "first_notification", "topic_timeline", "post_menu", "topic_notification_levels",
    "suggested_topics",
)  # fmt: skip
SITE: dict[str, Any] = {
    "default_archetype": "regular",
    "notification_types": {name: n for n, name in enumerate(NOTIFICATION_TYPES, 1)},
    "post_types": {"regular": 1, "moderator_action": 2, "small_action": 3, "whisper": 4},
    "user_tips": {name: n for n, name in enumerate(TIPS, 1)},
    "trust_levels": {"newuser": 0, "basic": 1, "member": 2, "regular": 3, "leader": 4},
    "filters": ["latest", "unread", "new", "top", "categories"],
    "periods": ["all", "yearly", "quarterly", "monthly", "weekly", "daily"],
    "top_menu_items": ["latest", "new", "unread", "top", "categories"],
    "anonymous_top_menu_items": ["latest", "top", "categories"],
    "uncategorized_category_id": 1,
    "user_field_max_length": 2048,
    "post_action_types": [],
    "topic_flag_types": [],
    "can_create_tag": True,
    "can_tag_topics": True,
    "can_tag_pms": True,
    "tags_filter_regexp": "[\\/\\?#\\[\\]@!\\$&'\\(\\)\\*\\+,;=\\.%\\\\`^\\s|\\{\\}\"<>]+",
    "top_tags": [],
    "topic_featured_link_allowed_category_ids": [],
    "user_themes": [],
    "user_color_schemes": [],
    "default_light_color_scheme": None,
    "default_dark_color_scheme": None,
    "censored_regexp": [],
    "custom_emoji_translation": {},
    "watched_words_replace": None,
    "watched_words_link": None,
    "archetypes": [
        {"id": "regular", "name": "Regular Topic", "options": []},
        {"id": "banner", "name": "translation missing", "options": []},
    ],
    "auth_providers": [],
    "full_name_required_for_signup": False,
    "full_name_visible_in_signup": True,
}
ABOUT_STATS: dict[str, int] = {
    f"{what}_{when}": 0
    for what in ("topics", "posts", "users", "active_users", "likes", "participating_users")
    for when in ("last_day", "7_days", "30_days", "count")
    if (what, when) not in (("active_users", "count"), ("participating_users", "count"))
}
CATEGORY: dict[str, Any] = {
    "style_type": "square", "emoji": None, "icon": None, "topic_count": 0, "post_count": 0,
    "read_restricted": False, "permission": 1, "notification_level": 1, "can_edit": True,
    "topic_template": None, "has_children": False, "subcategory_count": None, "sort_order": None,
    "sort_ascending": None, "show_subcategory_list": False, "num_featured_topics": 3,
    "default_view": None, "subcategory_list_style": "rows_with_featured_topics",
    "default_top_period": "all", "default_list_filter": "all", "minimum_required_tags": 0,
    "navigate_to_first_post_after_read": False, "allowed_tags": [], "allowed_tag_groups": [],
    "allow_global_tags": False, "required_tag_groups": [], "read_only_banner": None,
    "uploaded_logo": None, "uploaded_logo_dark": None, "uploaded_background": None,
    "uploaded_background_dark": None, "custom_fields": None, "form_template_ids": [],
}  # fmt: skip


def category(kept: dict[str, Any]) -> dict[str, Any]:
    """A category with everything that it has not."""
    return {**CATEGORY, **kept}


# The list of categories says less about each than /site.json.
NOT_LISTED = (
    "allowed_tags", "allowed_tag_groups", "allow_global_tags", "required_tag_groups",
    "read_only_banner", "custom_fields", "form_template_ids",
)  # fmt: skip


def listed_category(kept: dict[str, Any], topics: list[dict[str, Any]]) -> dict[str, Any]:
    """A category with its topics, as the list of categories shows it."""
    spans = ("day", "week", "month", "year", "all_time")
    return {
        **{k: v for k, v in category(kept).items() if k not in NOT_LISTED},
        "topic_count": len(topics),
        "post_count": sum(t["posts_count"] for t in topics),
        **{f"topics_{span}": len(topics) for span in spans},
        "subcategory_ids": [],
        **({"topics": topics} if topics else {}),
    }


# Keys of /site.json that 3.2 did not have yet, by its parts.
NOT_IN_3_2 = {
    "": (
        "default_light_color_scheme",
        "full_name_required_for_signup",
        "full_name_visible_in_signup",
    ),
    "categories": ("emoji", "icon", "style_type", "subcategory_count"),
    "groups": ("automatic",),
    "notification_types": ("chat_watched_thread", "linked_consolidated"),
}


def old_site(shape: dict[str, Any]) -> dict[str, Any]:
    """The 3.2 shape of /site.json."""
    old = {k: v for k, v in shape.items() if k not in NOT_IN_3_2[""]}
    for part, gone in NOT_IN_3_2.items():
        if isinstance(old.get(part), list):
            old[part] = [{k: v for k, v in one.items() if k not in gone} for one in old[part]]
        elif part:
            old[part] = {k: v for k, v in old[part].items() if k not in gone}
    old["user_tips"] = {**old["user_tips"], "admin_guide": len(TIPS) + 1}
    return old


def new_category(id_: int, name: str, colour: str, description: str = "") -> dict[str, Any]:
    """The stored keys of a category."""
    slug = name.lower().replace(" ", "-")
    return {
        "id": id_,
        "name": name,
        "slug": slug,
        "color": colour,
        "text_color": "FFFFFF",
        "position": id_,
        "description": description,
        "description_text": description,
        "description_excerpt": description,
        "topic_url": f"/t/about-the-{slug}-category/{id_}",
    }
