"""The site itself: its description, settings, colours, read-only mode."""

from __future__ import annotations

import json
from typing import Any

from flask import Blueprint, Response

from bridge.sandbox.discourse.answers import TEXT, answer, empty, not_found, unprocessable
from bridge.sandbox.discourse.call import Call, call
from bridge.sandbox.discourse.palette import DARK, LIGHT, stylesheet
from bridge.sandbox.discourse.permissions import can_see_group
from bridge.sandbox.discourse.settings import DEFAULT_SETTINGS
from bridge.sandbox.discourse.shapes_site import ABOUT_STATS, SITE, category, old_site
from bridge.sandbox.discourse.shapes_user import basic_user
from bridge.sandbox.discourse.state import Forum, User, iso

routes = Blueprint("site", __name__)

VERSIONS = {"3.5": "3.5.0.beta9-dev", "3.2": "3.2.0.beta4-dev"}


def full_version(forum: Forum) -> str:
    """The version as pages name it."""
    return VERSIONS.get(forum.version, forum.version)


@routes.get("/srv/status")
def _status() -> Response:
    return Response("ok", content_type=TEXT)


@routes.get("/site/basic-info")
def _basic_info() -> Response:
    forum = call().forum
    logo = f"{forum.address}/images/discourse-logo-sketch.png"
    small = f"{forum.address}/images/discourse-logo-sketch-small.png"
    return answer(
        {
            "logo_url": logo,
            "logo_small_url": small,
            "apple_touch_icon_url": small,
            "favicon_url": small,
            "title": forum.settings["title"],
            "description": forum.settings["site_description"],
            "header_primary_color": LIGHT["header_primary"].lstrip("#"),
            "header_background_color": LIGHT["header_background"].lstrip("#"),
            "login_required": forum.settings["login_required"],
            "locale": forum.settings["default_locale"],
            "include_in_discourse_discover": False,
            "mobile_logo_url": logo,
        }
    )


@routes.get("/manifest.webmanifest")
def _manifest() -> Response:
    forum = call().forum
    title = forum.settings["title"]
    shape = {
        "name": title,
        "short_name": title,
        "description": forum.settings["site_description"],
        "display": "standalone",
        "start_url": f"{forum.path}/",
        "background_color": LIGHT["secondary"],
        "theme_color": LIGHT["header_background"],
        "icons": [{"src": "", "sizes": "512x512", "type": "image/png"}],
        "share_target": {
            "action": f"{forum.path}/new-topic",
            "method": "GET",
            "enctype": "application/x-www-form-urlencoded",
            "params": {"text": "body", "title": "title", "url": "title"},
        },
        "shortcuts": [
            {"name": name, "short_name": name, "url": forum.path + place}
            for name, place in (("New Topic", "/new-topic"), ("Inbox", "/my/messages"))
        ],
    }
    return Response(json.dumps(shape), content_type="application/manifest+json; charset=utf-8")


@routes.get("/about")
def _about() -> Response:
    made = call()
    forum = made.forum
    people = [u for u in forum.users.values() if u.id > 0]
    admins, moderators = [u for u in people if u.admin], [u for u in people if u.moderator]
    shape: dict[str, Any] = {
        "stats": {**ABOUT_STATS, "users_count": len(people), "topics_count": len(forum.topics)},
        "description": forum.settings["site_description"],
        "extended_site_description": "",
        "banner_image": None,
        "site_creation_date": iso(forum.started_at),
        "title": forum.settings["title"],
        "locale": forum.settings["default_locale"],
        "version": full_version(forum),
        "https": False,
        "can_see_about_stats": True,
        "contact_url": "",
        "contact_email": "",
        "moderator_ids": [u.id for u in moderators],
        "admin_ids": [u.id for u in admins],
        "category_moderators": [],
    }
    if forum.is_old():
        shape |= {"admins": _people(admins), "moderators": _people(moderators)}
    staff = {u.id: u for u in admins + moderators}
    return answer({"users": _people(list(staff.values())), "about": shape})


def _people(users: list[User]) -> list[dict[str, Any]]:
    return [{**basic_user(u), "title": u.title, "last_seen_at": iso(u.last_seen_at)} for u in users]


@routes.get("/site")
def _site() -> Response:
    made = call()
    groups = [
        {
            "id": g.id,
            "name": g.name,
            "flair_url": None,
            "flair_bg_color": g.flair_bg_color,
            "flair_color": None,
            "automatic": g.automatic,
        }
        for g in made.forum.groups.values()
        if can_see_group(made.user, g)
    ]
    shape = {
        **SITE,
        "groups": groups,
        "categories": [category(c) for c in made.forum.categories],
        "user_fields": made.forum.user_fields,
    }
    return answer(old_site(shape) if made.forum.is_old() else shape)


def _shown_setting(forum: Forum, name: str) -> dict[str, Any]:
    default, value = DEFAULT_SETTINGS[name], forum.settings[name]
    kinds = {bool: "bool", int: "integer", str: "string"}
    return {
        "setting": name,
        "humanized_name": name.replace("_", " ").capitalize(),
        "description": "",
        "keywords": [],
        "category": "required" if name == "default_locale" else "login",
        "default": _written(default),
        "value": _written(value),
        "type": kinds[type(default)],
        "preview": None,
        "secret": name.endswith("secrets"),
        "placeholder": None,
    }


def _written(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


@routes.get("/admin/site_settings")
def _settings() -> Response:
    """`names[]` picks some; the language always comes first [seen]."""
    made = call()
    wanted = made.words("names")
    names = [n for n in made.forum.settings if not wanted or n in wanted or n == "default_locale"]
    return answer({"site_settings": [_shown_setting(made.forum, n) for n in names]})


@routes.put("/admin/site_settings/<name>")
def _change_setting(name: str) -> Response:
    made = call()
    if name not in DEFAULT_SETTINGS:
        raise unprocessable(f"No setting named '{name}' exists")
    kind, given = type(DEFAULT_SETTINGS[name]), made.params.get(name, "")
    made.forum.settings[name] = (
        str(given).lower() in ("true", "t", "1") if kind is bool else kind(given)
    )
    return empty()


@routes.put("/admin/backups/readonly")
def _read_only() -> Response:
    made = call()
    made.forum.read_only = made.flag("enable")
    return empty()


@routes.get("/admin/customize/user_fields")
def _user_fields() -> Response:
    return answer({"user_fields": call().forum.user_fields})


@routes.post("/admin/customize/user_fields")
def _add_user_field() -> Response:
    made = call()
    field = _user_field(made, made.nested("user_field"))
    made.forum.user_fields.append(field)
    return answer({"user_field": field})


def _user_field(made: Call, given: dict[str, Any]) -> dict[str, Any]:
    return {
        "id": made.forum.new_id(),
        "name": str(given.get("name", "")),
        "description": str(given.get("description", "")),
        "field_type": str(given.get("field_type", "text")),
        "editable": bool(given.get("editable", True)),
        "required": bool(given.get("required", False)),
        "requirement": "optional",
        "show_on_profile": bool(given.get("show_on_profile", False)),
        "show_on_user_card": False,
        "searchable": False,
        "position": len(made.forum.user_fields) + 1,
        "options": None,
    }


@routes.delete("/admin/customize/user_fields/<int:field_id>")
def _drop_user_field(field_id: int) -> Response:
    made = call()
    kept = [f for f in made.forum.user_fields if f["id"] != field_id]
    if len(kept) == len(made.forum.user_fields):
        raise not_found()
    made.forum.user_fields = kept
    return answer({"success": "OK"})


@routes.get("/stylesheets/color_definitions_<name>.css")
def _colours(name: str) -> Response:
    colours_ = {"light": LIGHT, "dark": DARK}.get(name.partition("_")[0])
    if colours_ is None:
        raise not_found()
    return Response(stylesheet(colours_), content_type="text/css; charset=utf-8")
