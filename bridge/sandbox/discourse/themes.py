"""Themes and components: upload of a bundle, settings, parents."""

from __future__ import annotations

import io
import json
import re
import zipfile
from typing import Any

from flask import Blueprint, Response, request

from bridge.sandbox.discourse.answers import Refused, answer, invalid, no_content, not_found
from bridge.sandbox.discourse.call import Call, call
from bridge.sandbox.discourse.shapes_user import basic_user
from bridge.sandbox.discourse.state import Forum, Theme, iso

routes = Blueprint("themes", __name__)

# A setting in settings.yml: its name without indentation, its default below.
SETTING = re.compile(r"^(\w+):\s*\n(?:[ \t]+.*\n)*?[ \t]+default:[ \t]*(.*)$", re.MULTILINE)


BASE_PALETTE: dict[str, Any] = {
    "id": None, "name": "Base", "is_base": True, "base_scheme_id": None, "theme_id": None,
    "theme_name": None, "user_selectable": False, "colors": [],
}  # fmt: skip


def _read_bundle(raw: bytes) -> tuple[dict[str, Any], dict[str, str]]:
    """about.json and the texts, a folder around all taken off; no theme breaks the server."""
    try:
        with zipfile.ZipFile(io.BytesIO(raw)) as packed:
            names = [name for name in packed.namelist() if not name.endswith("/")]
            root = names[0].partition("/")[0] + "/" if names else ""
            if not all(name.startswith(root) for name in names):
                root = ""
            texts = {
                name.removeprefix(root): packed.read(name).decode("utf-8", "replace")
                for name in names
            }
        about = json.loads(texts["about.json"])
    except (zipfile.BadZipFile, KeyError, ValueError):
        raise Refused(500, {"status": 500, "error": "Internal Server Error"}) from None
    return about, texts


def _read_settings(text: str) -> dict[str, Any]:
    words = {"true": True, "false": False, "": ""}
    found = ((name, value.strip().strip("\"'")) for name, value in SETTING.findall(text + "\n"))
    return {name: words.get(value, value) for name, value in found}


@routes.get("/admin/themes")
def _index() -> Response:
    made = call()
    shown = [shown_theme(made.forum, t) for t in made.forum.themes.values()]
    return answer({"themes": shown, "extras": {"color_schemes": [], "locale": "en"}})


@routes.post("/admin/themes/import")
def _upload() -> Response:
    made = call()
    bundle = request.files.get("bundle") or request.files.get("theme")
    if bundle is None:
        raise invalid("bundle")
    about, texts = _read_bundle(bundle.read())
    defaults = _read_settings(texts.get("settings.yml", ""))
    theme = made.forum.themes.get(made.number("theme_id", 0))
    if theme is None:
        component = bool(about.get("component"))
        name = str(about.get("name", ""))
        theme = Theme(made.forum.new_id(), name, component, made.now, made.now)
        made.forum.themes[theme.id] = theme
    theme.name, theme.about, theme.files = str(about.get("name", theme.name)), about, texts
    theme.defaults, theme.updated_at = defaults, made.now
    theme.settings = {k: theme.settings.get(k, v) for k, v in defaults.items()}
    return answer({"theme": shown_theme(made.forum, theme)}, 201)


def shown_theme(forum: Forum, theme: Theme) -> dict[str, Any]:
    """ThemeSerializer, without what a picture would need."""
    parents = [forum.themes[p] for p in theme.parent_ids if p in forum.themes]
    children = [t for t in forum.themes.values() if theme.id in t.parent_ids]
    author = forum.users[1 if theme.id > 0 else -1]
    shape: dict[str, Any] = {
        "id": theme.id,
        "name": theme.name,
        "description": theme.about.get("description"),
        "created_at": iso(theme.created_at),
        "updated_at": iso(theme.updated_at),
        "component": theme.component,
        "color_scheme_id": None,
        "dark_color_scheme_id": None,
        "user_selectable": False,
        "auto_update": False,
        "remote_theme_id": None,
        "settings": [_setting(theme, name) for name in theme.defaults],
        "supported": True,
        "enabled": True,
        "theme_fields": [_field(name, text) for name, text in theme.files.items()],
        "screenshot_url": None,
        "system": theme.id < 0,
        "color_scheme": None,
        "owned_color_palette": None,
        "base_palette": BASE_PALETTE,
        "user": {**basic_user(author), "title": author.title},
        "remote_theme": None,
        "translations": [],
        "parent_themes": [_related(p) for p in parents],
    }
    if not theme.component:
        shape |= {"default": theme.default, "child_themes": [_related(c) for c in children]}
    return shape


def _setting(theme: Theme, name: str) -> dict[str, Any]:
    default = theme.defaults[name]
    return {
        "setting": name,
        "humanized_name": name.replace("_", " ").capitalize(),
        "type": "bool" if isinstance(default, bool) else "string",
        "default": default,
        "value": theme.settings.get(name, default),
        "textarea": False,
    }


def _related(theme: Theme) -> dict[str, Any]:
    return {
        "id": theme.id,
        "name": theme.name,
        "description": theme.about.get("description"),
        "created_at": iso(theme.created_at),
        "updated_at": iso(theme.updated_at),
        "default": theme.default,
        "component": theme.component,
    }


def _field(file: str, text: str) -> dict[str, Any]:
    """A file of the bundle as Discourse keeps it."""
    folder, _, rest = file.partition("/")
    stem = rest.rpartition(".")[0]
    name, target, kind = {
        "settings.yml": ("yaml", "settings", 5),
        "locales": (stem, "translations", 5),
        "javascripts": (rest, "extra_js", 6),
        "about.json": ("about", "about", 8),
    }.get(folder, ("scss" if file.endswith(".scss") else stem, folder, 1))
    return {"name": name, "target": target, "value": text, "type_id": kind}


def _theme(made: Call, theme_id: int) -> Theme:
    if theme_id not in made.forum.themes:
        raise not_found()
    return made.forum.themes[theme_id]


@routes.get("/admin/themes/<int(signed=True):theme_id>")
def _show(theme_id: int) -> Response:
    made = call()
    return answer({"theme": shown_theme(made.forum, _theme(made, theme_id))})


@routes.put("/admin/themes/<int(signed=True):theme_id>/setting")
def _set_setting(theme_id: int) -> Response:
    made = call()
    theme, name = _theme(made, theme_id), made.text("name")
    if name not in theme.defaults:
        raise invalid("name")
    theme.settings[name] = made.params.get("value")
    return answer({name: theme.settings[name]})


@routes.put("/admin/themes/<int(signed=True):theme_id>")
def _update(theme_id: int) -> Response:
    made = call()
    theme, given = _theme(made, theme_id), made.nested("theme")
    theme.name = str(given.get("name", theme.name))
    for key, value in (given.get("settings") or {}).items():
        if key in theme.defaults:
            theme.settings[key] = value
    if "parent_theme_ids" in given:
        theme.parent_ids = [int(p) for p in given["parent_theme_ids"] or []]
    for child in given.get("child_theme_ids") or []:
        _theme(made, int(child)).parent_ids.append(theme.id)
    return answer({"theme": shown_theme(made.forum, theme)})


@routes.delete("/admin/themes/<int(signed=True):theme_id>")
def _destroy(theme_id: int) -> Response:
    made = call()
    theme = _theme(made, theme_id)
    if theme.id < 0:
        raise not_found()
    del made.forum.themes[theme.id]
    return no_content()
