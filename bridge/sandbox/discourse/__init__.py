"""A simulated Discourse: the part of the forum that a membership bridge uses, with its quirks.

Tested against recorded answers of a real 3.5, including the surprising ones.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import partial
from typing import Any

from flask import Flask, Response, g, request
from werkzeug.exceptions import HTTPException

from bridge.late_rule import LateRule, SharedMap
from bridge.sandbox.discourse import (
    admin_users,
    connect,
    edits,
    groups,
    hooks,
    invites,
    keys,
    members,
    message_pages,
    pages,
    pages_more,
    posts,
    search,
    sessions,
    site,
    themes,
    topics,
    users,
)
from bridge.sandbox.discourse.access import PAGE_FORMS, READS, open_call
from bridge.sandbox.discourse.answers import Refused, not_found
from bridge.sandbox.discourse.call import PART
from bridge.sandbox.discourse.delivery import send_next
from bridge.sandbox.discourse.fresh import fresh_forum
from bridge.sandbox.discourse.people import run_due_merges
from bridge.sandbox.kernel import World
from bridge.sandbox.sending import Courier, Post

API = (
    admin_users, connect, edits, groups, hooks, invites, keys, members, posts, search, sessions,
    site, themes, topics, users,
)  # fmt: skip
# Answered the same with and without `.json`.
PLAIN = (connect, search, site)

Wsgi = Callable[[dict[str, Any], Any], Iterable[bytes]]


_RULES = SharedMap(strict_slashes=False)


def create_discourse(
    world: World,
    *,
    url: str = "http://localhost",
    limit: int = 60,
    version: str = "3.5",
    path: str = "",
    connect_secret: str = "",
) -> Flask:
    """The simulated forum as a WSGI application; its state is `world.parts["discourse"]`.

    `limit` is requests a minute for all keys together (0: none), `path` a sub-folder such as
    `/forum`. Set the forum's `url` once the port is known.
    """
    forum = fresh_forum(world, url, version, path, connect_secret)
    forum.requests_per_minute = limit
    world.parts[PART] = forum
    app = Flask(__name__, static_folder=None, template_folder="templates")
    app.url_rule_class, app.url_map = LateRule, _RULES
    for module in API:
        app.register_blueprint(module.routes, url_prefix="/json")
    for module in PLAIN:
        app.register_blueprint(module.routes, name=f"plain {module.routes.name}")
    for module in (pages, message_pages, pages_more):
        app.register_blueprint(module.routes)
    _RULES.is_whole = True
    app.before_request(lambda: open_call(world))
    app.after_request(_name_caller)
    app.register_error_handler(Refused, _refused)
    app.register_error_handler(HTTPException, _lost)
    app.wsgi_app = _Front(world, app.wsgi_app)  # type: ignore[method-assign]  # Flask's way to wrap
    courier = Courier("forum-courier", partial(_do_next, world), pause=0.01, timeout=20)
    world.on_close(courier.stop)
    return app


def _do_next(world: World, post: Post) -> bool:
    """Merge accounts that are due, and send one event."""
    with world.lock:
        run_due_merges(world.parts[PART], world.clock.now())
    return send_next(world, post)


def _name_caller(response: Response) -> Response:
    caller = getattr(g.get("call"), "user", None)
    if caller is not None:
        response.headers["X-Discourse-Username"] = caller.username
    return response


def _refused(refused: Refused) -> Response:
    return pages.refusal(refused) if not _is_json() else refused.response()


def _lost(problem: HTTPException) -> Response | HTTPException:
    """An unknown address, or a known one asked in a way that it does not know."""
    if problem.code in (404, 405):
        return _refused(not_found())
    return problem


def _is_json() -> bool:
    return request.path.startswith("/json") or request.path.startswith("/session")


class _Front:
    """Marks requests for JSON, takes the sub-folder off, and serves one request at a time."""

    def __init__(self, world: World, app: Wsgi) -> None:
        self._world, self._app = world, app

    def __call__(self, environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        folder = self._world.parts[PART].path
        path: str = environ["PATH_INFO"]
        if folder and path != folder and not path.startswith(folder + "/"):
            start_response("404 Not Found", [("Content-Type", "text/plain; charset=utf-8")])
            return [b"nothing here"]
        environ["SCRIPT_NAME"], path = folder, path[len(folder) :] or "/"
        environ["PATH_INFO"] = _marked(environ, path)
        with self._world.lock:
            return self._app(environ, start_response)


def _marked(environ: dict[str, Any], path: str) -> str:
    if path.startswith("/users/"):  # the old name of /u still works
        path = "/u/" + path.removeprefix("/users/")
    if path.endswith(".json"):
        return "/json" + path.removesuffix(".json")
    method, accept = environ["REQUEST_METHOD"], environ.get("HTTP_ACCEPT", "")
    writes = method not in READS and not path.startswith(PAGE_FORMS)
    by_program = "application/json" in accept or environ.get("HTTP_API_KEY")
    return "/json" + path if writes or by_program else path
