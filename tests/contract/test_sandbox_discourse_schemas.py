"""The simulated Discourse against the schemas of two real versions, keys and kinds."""

from __future__ import annotations

import copy
import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import requests
from jsonschema import Draft202012Validator

from bridge.sandbox.community import open_community
from bridge.sandbox.run import Sandbox, start

CONTRACT = Path(__file__).parents[2].parent / "shared" / "contract" / "discourse"
FOLDERS = {"3.2": "v3.2.0.beta4-dev", "3.5": "v3.5.0.beta9-dev"}

pytestmark = [
    pytest.mark.contract,
    pytest.mark.skipif(not CONTRACT.is_dir(), reason="../shared with the schemas is absent"),
]


@dataclass(frozen=True)
class Case:
    """A request, the schema of its answer, and where in the answer the real server differs."""

    schema: str
    method: str
    path: str
    json: Any = None
    # Keys that the recorded server sends, or leaves out, against its own schema.
    extra: tuple[str, ...] = ()
    absent: tuple[str, ...] = ()


# A recorded server shows a primary group and a trust level, and null where nobody was seen yet.
MEMBER = ("primary_group_name", "flair_name", "flair_group_id", "trust_level")
OF_A_MESSAGE = ("message_archived", "related_messages", "allowed_users", "allowed_groups")
LEFT_OUT = ("display_name",)  # only automatic groups have it
CASES = [
    Case("group_create_response", "POST", "/admin/groups.json", {"group": {"name": "potters"}}),
    Case("groups_list_response", "GET", "/groups.json", absent=LEFT_OUT),
    Case("group_response", "GET", "/groups/patrons.json"),
    Case("group_response", "GET", "/groups/by-id/{patrons}.json"),
    Case(
        "group_add_members_response",
        "PUT",
        "/groups/{patrons}/members.json",
        {"usernames": "ada,hugo"},
    ),
    Case("group_members_response", "GET", "/groups/patrons/members.json", extra=MEMBER),
    Case(
        "group_remove_members_response",
        "DELETE",
        "/groups/{patrons}/members.json",
        {"usernames": "ada"},
    ),
    Case("success_ok_response", "PUT", "/groups/{patrons}.json", {"group": {"title": "Patron"}}),
    Case("user_get_response", "GET", "/u/hugo.json", absent=LEFT_OUT, extra=("can_edit_group",)),
    Case("user_emails_response", "GET", "/u/hugo/emails.json"),
    Case(
        "admin_user_response",
        "GET",
        "/admin/users/{hugo}.json",
        absent=LEFT_OUT,
        extra=("can_edit_group",),
    ),
    Case("admin_user_list_response", "GET", "/admin/users/list/active.json?show_emails=true"),
    Case("users_public_list_response", "GET", "/directory_items.json?period=all&order=likes_given"),
    Case(
        "user_create_response",
        "POST",
        "/users.json",
        {"username": "newcomer", "email": "n@example.com", "active": True},
    ),
    Case("user_update_response", "PUT", "/u/hugo.json", {"name": "Hugo"}),
    Case(
        "success_ok_response", "PUT", "/u/hugo/preferences/email.json", {"email": "h@example.com"}
    ),
    Case(
        "user_suspend_response",
        "PUT",
        "/admin/users/{greta}/suspend.json",
        {"suspend_until": "2099-01-01", "reason": "x"},
    ),
    Case("user_anonymize_response", "PUT", "/admin/users/{felix}/anonymize.json"),
    Case("user_delete_response", "DELETE", "/admin/users/{dmitri}.json"),
    Case(
        "topic_create_response",
        "POST",
        "/posts.json",
        {
            "title": "Your statement",
            "raw": "As of today.",
            "archetype": "private_message",
            "target_recipients": "ada",
        },
    ),
    Case("post_show_response", "GET", "/posts/{post}.json"),
    Case("post_update_response", "PUT", "/posts/{post}.json", {"post": {"raw": "As of tomorrow."}}),
    Case(
        "topic_show_response",
        "GET",
        "/t/{topic}.json",
        extra=("badges_granted", "flair_group_id", "posts_count", "post_url", *OF_A_MESSAGE),
    ),
    Case("site_response", "GET", "/site.json"),
    Case("site_basic_info_response", "GET", "/site/basic-info.json"),
]


@pytest.fixture(scope="module", params=list(FOLDERS))
def versioned(request: pytest.FixtureRequest) -> Iterator[tuple[Sandbox, Path]]:
    sandbox = start(discourse_limit=0, discourse_version=request.param)
    open_community(sandbox)
    yield sandbox, CONTRACT / FOLDERS[request.param]
    sandbox.close()


def loosened(schema: Any, case: Case) -> Any:
    """The schema with what is known to differ, and null allowed for what has not happened yet."""
    if isinstance(schema, list):
        return [loosened(s, case) for s in schema]
    if not isinstance(schema, dict):
        return schema
    # One schema of 3.2 names the empty type.
    found = {k: loosened(v, case) for k, v in schema.items() if (k, v) != ("type", "")}
    if "properties" in found:
        found["properties"] = {**dict.fromkeys(case.extra, True), **found["properties"]}
        found["required"] = [k for k in found.get("required", []) if k not in case.absent]
    return found


NULL_UNTIL_IT_HAPPENS = {"last_posted_at", "last_seen_at", "timezone", "invited_by", "category_id"}


def nullable(schema: dict[str, Any]) -> dict[str, Any]:
    """Null where a recorded 3.5 says null against its schema."""
    for name, inner in schema.get("properties", {}).items():
        if not isinstance(inner, dict):
            continue
        if name in NULL_UNTIL_IT_HAPPENS and isinstance(inner.get("type"), str):
            inner["type"] = [inner["type"], "null"]
        nullable(inner)
    if isinstance(schema.get("items"), dict):
        nullable(schema["items"])
    return schema


def ids_of(sandbox: Sandbox) -> dict[str, int]:
    forum = sandbox.forum
    post = max(forum.posts)
    return {
        **forum.user_id_by_name,
        **forum.group_id_by_name,
        "post": post,
        "topic": forum.posts[post].topic_id,
    }


def test_answers_have_the_keys_and_kinds_of_the_version(versioned: tuple[Sandbox, Path]) -> None:
    sandbox, folder = versioned
    info, checked, found = sandbox.info, 0, []
    keys = {"Api-Key": info["discourse_key"], "Api-Username": "siteadmin"}
    for case in CASES:
        file = folder / f"{case.schema}.json"
        url = info["discourse_url"] + case.path.format(**ids_of(sandbox))
        answer = requests.request(case.method, url, json=case.json, headers=keys, timeout=10)
        assert answer.ok, (case, answer.text)
        if not file.exists():
            continue
        schema = nullable(loosened(copy.deepcopy(json.loads(file.read_text())), case))
        errors = Draft202012Validator(schema).iter_errors(answer.json())
        found += [f"{case.path} {e.json_path}: {e.message[:1500]}" for e in errors]
        checked += 1
    assert found == []
    assert checked == len(CASES) - (not (folder / "site_basic_info_response.json").exists())
