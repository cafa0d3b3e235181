"""The table of the simulated forum's endpoints in docs/sandbox.md says what the code does.

To write it anew: `python -m tests.contract.test_sandbox_discourse_table`.
"""

from __future__ import annotations

import re
from collections import Counter
from pathlib import Path

import pytest
from flask import Flask
from werkzeug.exceptions import HTTPException
from werkzeug.routing import MapAdapter

from bridge.sandbox.discourse import create_discourse
from bridge.sandbox.kernel import World
from tests.contract.discourse_contract import CONTRACT, SCHEMAS, operation_of, recorded

ROOT = Path(__file__).parents[2]
DOCUMENT = ROOT / "docs" / "sandbox.md"
BEGIN, END = "<!-- discourse: begin -->\n", "<!-- discourse: end -->\n"
HELD_TO = ("operation of openapi.json", "schema (3.2 and 3.5)")

# What an endpoint does not do, where that could surprise.
NOT_DONE = {
    "GET /groups": "no filter by kind of group",
    "POST /admin/groups": "no rules by e-mail domain, no category defaults",
    "PUT /groups/:ref": "no category and tag defaults",
    "GET /u/:name": "no badges; counts are 0",
    "GET /user-cards": "counts are 0",
    "GET /u/by-external/:external_id": "only the forum's own sign-on ids",
    "POST /users": "no approval queue, no password rules",
    "GET /admin/users/:user_id": "no badges, no history of addresses; counts are 0",
    "GET /admin/users/list/:flag": "nobody is ever silenced or pending",
    "PUT /admin/users/:user_id/grant_admin": "only answers: no mail is sent, so nobody confirms",
    "POST /posts": "no approval queue, no tags, no drafts, no uploads",
    "PUT /posts/:post_id": "the size of a change is taken roughly",
    "GET /posts/:post_id/revisions/:which": "no rendered difference",
    "GET /t/:topic_id": "no suggestions",
    "GET /session/sso_provider": "nobody has a second factor",
    "POST /session": "no second factor",
    "POST /admin/themes/import": "kept, not run; bundles only, no repository",
    "GET /admin/site_settings": "the settings of a bridge's interest only",
    "PUT /admin/site_settings/:name": "no validation beyond the kind",
    "POST /invites": "no mail is sent",
    "POST /admin/api/web_hooks": "no filter by group, category or tag",
    "GET /site": "no badges, tags or flags",
    "GET /about": "most counts are 0",
    "GET /directory_items": "counts are 0",
}


def forum_app() -> Flask:
    world = World(seed=1)
    try:
        return create_discourse(world)
    finally:
        world.close()


def endpoints(app: Flask) -> list[str]:
    """`METHOD /path` of everything that answers programs."""
    found = set()
    for rule in app.url_map.iter_rules():
        if rule.rule.startswith("/json"):
            for method in (rule.methods or set()) - {"HEAD", "OPTIONS"}:
                found.add(f"{method} {shown(rule.rule)}")
    return sorted(found, key=lambda e: (e.partition(" ")[2], e))


def shown(rule: str) -> str:
    return re.sub(r"<(?:[^:>]+:)?(\w+)>", r":\1", rule.removeprefix("/json")) or "/"


def matched(routes: MapAdapter, method: str, path: str) -> str | None:
    """The endpoint that serves a request."""
    bare = path.partition("?")[0].removesuffix(".json")
    try:
        rule, _ = routes.match("/json" + bare, method=method, return_rule=True)
    except HTTPException:
        return None
    return f"{method} {shown(rule.rule)}"


def table() -> str:
    app = forum_app()
    routes = app.url_map.bind("localhost")
    asked = (step["request"] for step in recorded())
    exchanges = Counter(matched(routes, a["method"], a["path"]) for a in asked)
    lines = [
        f"| endpoint | recorded exchanges | {' | '.join(HELD_TO)} | what it does not do |",
        "|---|---:|---|---|---|",
    ]
    for endpoint in endpoints(app):
        method, _, path = endpoint.partition(" ")
        operation = operation_of(method, re.sub(r":\w+", "7", path.replace(":slug", "-")))
        described = f"`{operation.name.partition(' ')[2]}`" if operation else ""
        schema = f"`{SCHEMAS[operation.name]}`" if operation and operation.name in SCHEMAS else ""
        cells = (exchanges[endpoint] or "", described, schema, NOT_DONE.get(endpoint, ""))
        lines.append(f"| `{endpoint}` | " + " | ".join(map(str, cells)) + " |")
    return "\n".join(lines) + "\n"


@pytest.mark.contract
@pytest.mark.skipif(not CONTRACT.is_dir(), reason="../shared with the recording is absent")
def test_the_table_of_endpoints_in_the_documentation_is_true() -> None:
    written = DOCUMENT.read_text().partition(BEGIN)[2].partition(END)[0]
    assert written == table(), (
        "write it anew: python -m tests.contract.test_sandbox_discourse_table"
    )


@pytest.mark.contract
def test_what_is_not_done_is_said_of_endpoints_that_exist() -> None:
    assert set(NOT_DONE) <= set(endpoints(forum_app()))


if __name__ == "__main__":
    before, _, rest = DOCUMENT.read_text().partition(BEGIN)
    DOCUMENT.write_text(before + BEGIN + table() + END + rest.partition(END)[2])
