"""The real server's answers as a schema, where Discourse's description has none."""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import cache
from typing import Any

from jsonschema import Draft202012Validator

from tests.contract.discourse_contract import operation_of, path_of, recorded, words_of
from tests.contract.discourse_endpoints import endpoint_of, forum_app

# Where the simulated forum tells less, or more, on purpose.
TOLD_OTHERWISE = {
    "only the scopes that a bridge needs": r"GET /admin/api/keys/scopes \$\.scopes without .*",
    "who somebody is, and few of their preferences": r"GET /session/current .* without .*",
    "the user as others see them": r"POST /session \$\.user with(out)? .*",
    "no requirements of trust level 3": r"PUT /admin/users/:user_id/grant_moderation \$"
    r" (without tl3_requirements|with (silence_reason|similar_users_count))",
}

KINDS = {bool: "boolean", int: "number", float: "number", str: "string", type(None): "null"}


def schema_of(values: Iterable[Any]) -> dict[str, Any]:
    """A schema that fits these values: all common keys are required, unknown keys refused.

    A value that was always null may be anything; ids as keys (`{"117": …}`) stand for any key.
    """
    known = list(values)
    objects = [v for v in known if isinstance(v, dict)]
    lists = [v for v in known if isinstance(v, list)]
    if objects:
        keys = {k: [o[k] for o in objects if k in o] for o in objects for k in o}
        everywhere = [k for k, held in keys.items() if len(held) == len(objects)]
        by_id = any(k.lstrip("-").isdigit() for k in keys) or not keys
        return {
            "type": ["object", "null"],
            "properties": {} if by_id else {k: schema_of(held) for k, held in keys.items()},
            "required": [] if by_id else everywhere,
            "additionalProperties": by_id,
        }
    if lists:
        items = [item for held in lists for item in held]
        return {"type": ["array", "null"], "items": schema_of(items) if items else {}}
    kinds = {KINDS[type(v)] for v in known} - {"null"}
    return {"type": sorted(kinds | {"null"})} if kinds else {}


@cache
def recorded_schemas() -> dict[str, Draft202012Validator]:
    """By endpoint, all that the real server answered to requests that nothing describes."""
    routes = forum_app().url_map.bind("localhost")
    held: dict[str, list[Any]] = {}
    for step in recorded():
        method, path, said = step["request"]["method"], step["request"]["path"], step["response"]
        endpoint = endpoint_of(routes, method, path)
        if endpoint and said["status"] in (200, 201) and not operation_of(method, path):
            held.setdefault(endpoint, []).append(said["json"])
    told = {e: [a for a in answers if a is not None] for e, answers in held.items()}
    return {e: Draft202012Validator(schema_of(answers)) for e, answers in told.items() if answers}


def unlike_recorded(endpoint: str, body: Any) -> set[str]:
    """Differences of an answer from all recorded answers of its endpoint."""
    validator = recorded_schemas().get(endpoint)
    if validator is None:
        return set()
    found = {
        f"{endpoint} {path_of(error)} {what}"
        for error in validator.iter_errors(body)
        for what in words_of(error)
    }
    known = TOLD_OTHERWISE.values()
    return {line for line in found if not any(re.fullmatch(pattern, line) for pattern in known)}
