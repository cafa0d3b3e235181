"""Whether an answer is one that Discourse could give: by its own API description, by the schema of
its version, and, where a real server was recorded, by what that said.

The description (openapi.json) is of a newer version than both and knows no nulls, so the recording
wins over it, and over the schemas: where it does, `OVERRULED` says so, and a test holds that table
to the recording, line by line.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import Any

from jsonschema import Draft202012Validator
from jsonschema.exceptions import ValidationError

CONTRACT = Path(__file__).parents[2].parent / "shared" / "contract" / "discourse"
FOLDERS = {"3.2": "v3.2.0.beta4-dev", "3.5": "v3.5.0.beta9-dev"}
IS_HERE = CONTRACT.is_dir()

# The schema of a version that goes with an operation of the description.
SCHEMAS = {
    "POST /admin/groups.json": "group_create_response",
    "GET /groups.json": "groups_list_response",
    "GET /groups/{name}.json": "group_response",
    "GET /groups/by-id/{id}.json": "group_response",
    "PUT /groups/{id}.json": "success_ok_response",
    "DELETE /admin/groups/{id}.json": "success_ok_response",
    "PUT /groups/{id}/members.json": "group_add_members_response",
    "GET /groups/{name}/members.json": "group_members_response",
    "DELETE /groups/{id}/members.json": "group_remove_members_response",
    "GET /u/{username}.json": "user_get_response",
    "GET /u/by-external/{external_id}.json": "user_get_response",
    "GET /u/by-external/{provider}/{external_id}.json": "user_get_response",
    "GET /u/{username}/emails.json": "user_emails_response",
    "PUT /u/{username}.json": "user_update_response",
    "POST /users.json": "user_create_response",
    "PUT /u/{username}/preferences/email.json": "success_ok_response",
    "GET /directory_items.json": "users_public_list_response",
    "GET /admin/users.json": "admin_user_list_response",
    "GET /admin/users/list/{flag}.json": "admin_user_list_response",
    "GET /admin/users/{id}.json": "admin_user_response",
    "PUT /admin/users/{id}/suspend.json": "user_suspend_response",
    "PUT /admin/users/{id}/anonymize.json": "user_anonymize_response",
    "DELETE /admin/users/{id}.json": "user_delete_response",
    "PUT /admin/users/{id}/activate.json": "success_ok_response",
    "PUT /admin/users/{id}/deactivate.json": "success_ok_response",
    "POST /admin/users/{id}/log_out.json": "success_ok_response",
    "POST /posts.json": "topic_create_response",
    "GET /posts/{id}.json": "post_show_response",
    "PUT /posts/{id}.json": "post_update_response",
    "GET /t/{id}.json": "topic_show_response",
    "GET /site.json": "site_response",
    "GET /site/basic-info.json": "site_basic_info_response",
}


@dataclass(frozen=True, order=True)
class Problem:
    """`where` (operation or schema) does not allow at `path` what `what` says."""

    where: str
    path: str
    what: str

    @property
    def line(self) -> str:
        """As the tables below match it."""
        return f"{self.where} {self.path} {self.what}"


@dataclass(frozen=True)
class Operation:
    """One of the description; `schema` is of the answer, None where it says nothing of it."""

    name: str
    pattern: re.Pattern[str]
    statuses: dict[str, Any]


@cache
def operations() -> tuple[Operation, ...]:
    """All of the description, the exact paths before those with names in them."""
    found = []
    for path, methods in json.loads((CONTRACT / "openapi.json").read_text())["paths"].items():
        bare = re.escape(path.removesuffix(".json"))
        pattern = re.sub(r"\\\{\w+\\\}", "[^/]+", bare)
        for method, told in methods.items():
            pattern_ = re.compile(f"{method.upper()} {pattern}")
            found.append(Operation(f"{method.upper()} {path}", pattern_, told["responses"]))
    return tuple(sorted(found, key=lambda o: o.name.count("{")))


# Fixed paths, which the description lacks and which a name in its paths would take in.
UNDESCRIBED = {"GET /groups/search", "PUT /admin/backups/readonly"}
# A topic is also read below its slug, and from one of its posts on.
TOPIC = re.compile(r"GET /t/(?!external_id/)[^/]+/(\d+)(/\d+)?")


def operation_of(method: str, path: str) -> Operation | None:
    """The operation that describes a request."""
    bare = f"{method} {path.partition('?')[0].removesuffix('.json')}"
    bare = TOPIC.sub(r"GET /t/\1", bare)
    if bare in UNDESCRIBED:
        return None
    return next((o for o in operations() if o.pattern.fullmatch(bare)), None)


@cache
def described(name: str, status: str) -> Draft202012Validator | None:
    """An operation's description of the answer; more keys may exist in other versions."""
    statuses = next(o.statuses for o in operations() if o.name == name)
    content = statuses[status].get("content", {})
    schema = content.get("application/json", {}).get("schema")
    return Draft202012Validator(_without(schema, "additionalProperties")) if schema else None


@cache
def schema_of_version(name: str, version: str) -> Draft202012Validator | None:
    """One of the schemas that Discourse's own tests of a version assert."""
    file = CONTRACT / FOLDERS[version] / f"{name}.json"
    # One schema of 3.2 names the empty type.
    return Draft202012Validator(_without(json.loads(file.read_text()))) if file.exists() else None


def _without(schema: Any, *keys: str) -> Any:
    if isinstance(schema, list):
        return [_without(s, *keys) for s in schema]
    if not isinstance(schema, dict):
        return schema
    kept = ((k, v) for k, v in schema.items() if k not in keys and (k, v) != ("type", ""))
    return {k: _without(v, *keys) for k, v in kept}


def problems(method: str, path: str, status: int, body: Any, version: str) -> set[Problem]:
    """The problems of an answer, without the recording; `body` None: no JSON."""
    if status >= 400:
        shape = shape_of(status, body)
        return set() if shape in error_shapes() else {Problem("error", f"{method} {path}", shape)}
    operation = operation_of(method, path)
    if operation is None:
        return set()
    if str(status) not in operation.statuses:
        return {Problem(operation.name, "$", f"status {status}")}
    checks = [(operation.name, described(operation.name, str(status)))]
    if operation.name in SCHEMAS:
        schema = SCHEMAS[operation.name]
        checks.append((schema, schema_of_version(schema, version)))
    return {
        Problem(where, path_of(error), what)
        for where, validator in checks
        if validator
        for error in validator.iter_errors(body)
        for what in words_of(error)
    }


def path_of(error: ValidationError) -> str:
    """Its place, the same for all entries of a list."""
    return re.sub(r"\[\d+\]", "[]", error.json_path)


def words_of(error: ValidationError) -> Iterator[str]:
    """In few words, without the values."""
    if error.validator == "required":
        yield "without " + str(re.findall(r"'(.+)' is a required", error.message)[0])
    elif error.validator == "additionalProperties":
        given: Any = error.instance
        allowed = error.schema["properties"] if isinstance(error.schema, Mapping) else {}
        yield from (f"with {k}" for k in sorted(given.keys() - allowed))
    elif error.validator == "type" and error.instance is None:
        yield "null"
    else:
        yield f"{error.validator}: {type(error.instance).__name__}"


def shape_of(status: int, body: Any) -> str:
    """An error as its status and the keys of its JSON, which is where clients look."""
    if not isinstance(body, dict):
        return f"{status} {type(body).__name__ if body is not None else 'text'}"
    return f"{status} " + ", ".join(f"{k}: {type(v).__name__}" for k, v in sorted(body.items()))


@cache
def recorded() -> tuple[dict[str, Any], ...]:
    """Every exchange with the real server."""
    files = ("discourse-3.5.json", "limits-3.5.json")
    steps = (json.loads((CONTRACT / "transcript" / f).read_text())["steps"] for f in files)
    return tuple(step for each in steps for step in each)


@cache
def error_shapes() -> frozenset[str]:
    """The forms in which the real server refused, and those known from its source only."""
    answers = (step["response"] for step in recorded())
    seen = {shape_of(a["status"], a["json"]) for a in answers if a["status"] >= 400}
    return frozenset(seen | UNRECORDED_ERRORS.keys())


# Shape: where it is known from.
UNRECORDED_ERRORS = {
    "429 text": "the limit by address (lib/middleware/request_tracker.rb)",
    "403 deleted: bool, message: str": "who wrote posts is not deleted (admin/users_controller)",
}


@cache
def recorded_problems() -> frozenset[Problem]:
    """Contradictions of the real server to its description and its version's schema."""
    found: set[Problem] = set()
    for step in recorded():
        ask, said = step["request"], step["response"]
        found |= problems(ask["method"], ask["path"], said["status"], said["json"], "3.5")
    return frozenset(found)


# Why the recording wins, by a pattern of `where path what`. Every line excuses something recorded,
# and everything recorded is excused: a test proves both.
OVERRULED = {
    "newer than 3.5": r"(GET|POST) .* without (topic_title_placeholder|homepage_choices"
    r"|email_configured|topic_count|notify_on_linked_posts|push_notification_level|send_shortcut"
    r"|enable_upcoming_change_\w+|show_original_content|automatically_translate"
    r"|understood_languages|grants_\w+)",
    "null until it happens": r".*\.(last_posted_at|last_seen_at|timezone|featured_topic"
    r"|bookmarked|liked|extras|watched_precedence_over_muted) null",
    "an invitation by link has no address": r"POST /invites\.json \$ without (email|emailed"
    r"|custom_message)",
    "past the end there is nobody": r".* \$ minItems: list",
    "only an automatic group has a name in the reader's language": r"\S+( \S+)? \S+ with(out)?"
    r" display_name",
    "told to staff only": r".* (without (reviewable_\w+|can_\w+|admin|link_counts|has_deleted"
    r"|suggested_topics|tags)|with can_edit_group)",
    "a personal message is no public topic": r".* (\$\.category_id null|with (external_id"
    r"|message_archived|related_messages|pm_with_non_human_user|suggested_group_name"
    r"|allowed_\w+))",
    "of one who has read it": r"topic_show_response .* with (last_read_post_\w+|posted"
    r"|notifications_reason_id)",
    "the schema knows nobody suspended": r".* (with suspended_\w+|\$\.suspended_by type: dict)",
    "the schema is behind the server": r".* with (flair_\w+|primary_group_name|trust_level"
    r"|moderator|deleted_by|badges_granted|notice|post_url|posts_count)",
    "a name that is taken": r"(POST /users\.json|user_create_response) .* (with (errors"
    r"|is_developer|values)|without active)",
}


# What no recording shows, by the same pattern: where it is known from.
UNRECORDED = {
    "who neither began nor ended a topic has no part in words (topic_posters_summary.rb)": r"GET"
    r" .*\.(posters\[\]\.extras|image_url) null",
    "of the suspended (user_card_serializer.rb)": r"user_get_response .* with suspend\w+",
    "the schema knows nobody with a group that gives more than membership": r".*\.(primary_group_id"
    r"|flair_group_id|grant_trust_level) type: int",
    "the schema names the fields of the site it was made on": r".*user_fields with(out)? \d+",
}
# Operations that were not recorded, and the one recorded that gives the same answer.
GIVES_THE_SAME = {
    "GET /u/by-external/{external_id}.json": "GET /u/{username}.json",
    "GET /admin/users.json": "GET /admin/users/list/{flag}.json",
    "GET /latest.json": "GET /topics/private-messages/{username}.json",
}


def contradictions(
    method: str, path: str, status: int, body: Any, version: str = "3.5"
) -> list[Problem]:
    """The problems of an answer that the real server does not have, too."""
    return [
        problem
        for problem in sorted(problems(method, path, status, body, version))
        if replace(problem, where=GIVES_THE_SAME.get(problem.where, problem.where))
        not in recorded_problems()
        and not any(re.fullmatch(known, problem.line) for known in UNRECORDED.values())
        and not _overruled_by_schema(problem, version)
    ]


def _overruled_by_schema(problem: Problem, version: str) -> bool:
    """The description asks for a key that the version's own schema does not know."""
    key = problem.what.removeprefix("without ")
    if problem.where not in SCHEMAS or key == problem.what:
        return False
    validator = schema_of_version(SCHEMAS[problem.where], version)
    place: Any = validator.schema if validator else {}
    for step in re.findall(r"\w+|\[\]", problem.path):
        place = place.get("items" if step == "[]" else "properties", {})
        place = place if step == "[]" else place.get(step, {})
    return key not in place.get("properties", {key})
