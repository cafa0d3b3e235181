"""The forum in a browser."""

from __future__ import annotations

from flask import Blueprint, Response

from bridge.sandbox.discourse.answers import Refused

routes = Blueprint("pages", __name__)


def refusal(refused: Refused) -> Response:
    """A refusal as a page."""
    return refused.response()
