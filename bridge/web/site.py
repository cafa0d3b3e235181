"""The one stylesheet, in the forum's colours, and the icon."""

from __future__ import annotations

import hashlib
from pathlib import Path

from flask import Blueprint, Response, redirect, request
from werkzeug.wrappers import Response as AnyResponse

from bridge.web.context import the_look

blueprint = Blueprint("site", __name__)
YEAR = "public, max-age=31536000, immutable"
NAMES = (Path(__file__).parent / "static" / "names.js").read_bytes()
NAMES_DIGEST = hashlib.sha256(NAMES).hexdigest()[:16]

ICON = (
    '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 32 32">'
    '<circle cx="16" cy="16" r="15" fill="#0088cc"/>'
    '<path d="M16 24 8.6 16.8a4.6 4.6 0 0 1 6.5-6.5l.9.9.9-.9a4.6 4.6 0 0 1 6.5 6.5z" '
    'fill="#fff"/></svg>'
)


@blueprint.get("/style-<digest>.css")
def style(digest: str) -> Response:
    """The stylesheet. Another process may know a newer palette: then this one is not kept."""
    look = the_look()
    response = Response(look.css, mimetype="text/css")
    response.headers["Cache-Control"] = YEAR if digest == look.digest else "no-cache"
    return response


@blueprint.get("/names-<digest>.js")
def script(digest: str) -> Response:
    """The script that completes forum names; pages work without it."""
    response = Response(NAMES, mimetype="text/javascript")
    response.headers["Cache-Control"] = YEAR if digest == NAMES_DIGEST else "no-cache"
    return response


@blueprint.get("/favicon.svg")
def icon() -> Response:
    """A plain icon; browsers ask for one."""
    response = Response(ICON, mimetype="image/svg+xml")
    response.headers["Cache-Control"] = "public, max-age=86400"
    return response


@blueprint.get("/favicon.ico")
def old_icon() -> AnyResponse:
    """The place where older browsers look."""
    return redirect(f"{request.script_root}/favicon.svg", 301)


@blueprint.get("/")
def start() -> AnyResponse:
    """Redirect the root to the membership page."""
    return redirect(f"{request.script_root}/me", 303)
