"""The site settings that matter to a bridge, with their defaults, in the order of the list."""

from __future__ import annotations

from typing import Any

DEFAULT_SETTINGS: dict[str, Any] = {
    "default_locale": "en",
    "title": "Discourse",
    "site_description": "",
    "short_site_description": "",
    "login_required": False,
    "must_approve_users": False,
    "invite_only": False,
    "enable_discourse_connect": False,
    "enable_discourse_connect_provider": False,
    "discourse_connect_provider_secrets": "",
    "hide_email_address_taken": True,
    "moderators_manage_groups": False,
    "moderators_view_emails": False,
    "personal_message_enabled_groups": "11",
    "retry_web_hook_events": False,
    "min_post_length": 20,
    "min_personal_message_post_length": 10,
    "max_post_length": 32000,
    "min_topic_title_length": 15,
    "max_topic_title_length": 255,
    "editing_grace_period": 300,
    "editing_grace_period_max_diff": 100,
    "editing_grace_period_max_diff_high_trust": 400,
    "invite_expiry_days": 90,
    "cors_origins": "",
    "logo": "",
    "favicon": "",
}
