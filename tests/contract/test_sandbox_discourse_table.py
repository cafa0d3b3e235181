"""The table of the simulated forum's endpoints in docs/sandbox.md says what the code does.

To write it anew: `python -m tests.contract.test_sandbox_discourse_table`.
"""

from __future__ import annotations

import re
from collections import Counter
from pathlib import Path

import pytest

from tests.contract.discourse_contract import CONTRACT, SCHEMAS, operation_of, recorded
from tests.contract.discourse_endpoints import endpoint_of, endpoints, forum_app
from tests.contract.discourse_recording import recorded_schemas

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
    "PUT /posts/:post_id": "the size of a change is only estimated",
    "GET /posts/:post_id/revisions/:which": "no rendered difference",
    "GET /t/:topic_id": "no suggestions",
    "GET /search": "only exact words in posts: no stems, no filters, no ranking",
    "GET /session/sso_provider": "nobody has a second factor",
    "POST /session": "no second factor",
    "POST /admin/themes/import": "kept, not run; bundles only, no repository",
    "GET /admin/site_settings": "only the settings that a bridge needs",
    "PUT /admin/site_settings/:name": "no validation beyond the kind",
    "POST /invites": "no mail is sent",
    "POST /admin/api/web_hooks": "no filter by group, category or tag",
    "GET /site": "no badges, tags or flags",
    "GET /about": "most counts are 0",
    "GET /admin/api/keys/scopes": "only the scopes that a bridge needs",
    "GET /session/current": "who somebody is, and few of their preferences",
    "GET /directory_items": "counts are 0",
}


def table() -> str:
    app = forum_app()
    routes = app.url_map.bind("localhost")
    asked = (step["request"] for step in recorded())
    exchanges = Counter(endpoint_of(routes, a["method"], a["path"]) for a in asked)
    lines = [
        f"| endpoint | recorded exchanges | {' | '.join(HELD_TO)} | what it does not do |",
        "|---|---:|---|---|---|",
    ]
    for endpoint in endpoints(app):
        method, _, path = endpoint.partition(" ")
        operation = operation_of(method, re.sub(r":\w+", "7", path.replace(":slug", "-")))
        described = f"`{operation.name.partition(' ')[2]}`" if operation else ""
        described = "none: as recorded" if endpoint in recorded_schemas() else described
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
