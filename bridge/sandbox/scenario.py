"""Plays a scenario file: what happens in a community, step by step, always alike.

A step of the TOML file is one of
`post|get|put|delete = "/path"` with `server` (stripe unless told otherwise), `form` or `json`, and
`keep = "name"` for the answer; `control = "/address"` with `json`; `advance = "31d"`;
`flush = true`. A text may name what was kept: `{name}` is its id, `{name.path.0.key}` a part of it;
`{now+91d}` is a time in seconds. A step that `may_fail` goes on when it is refused.
"""

from __future__ import annotations

import re
import tomllib
from pathlib import Path
from typing import Any

import requests

from bridge.sandbox.kernel import World

SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 86400, "w": 604800}
SCENARIOS = Path(__file__).parent / "scenarios"
METHODS = ("post", "get", "put", "delete")
TIMEOUT_SECONDS = 60

Step = dict[str, Any]
Kept = dict[str, Any]
Info = dict[str, str]


class ScenarioError(ValueError):
    """A step was refused; says which, and what came back."""


def play_file(world: World, info: Info, path: Path) -> Kept:
    """Play a file; answers what its steps kept."""
    return play(world, info, tomllib.loads(path.read_text())["step"])


def play(world: World, info: Info, steps: list[Step]) -> Kept:
    """Play steps one after the other; `info` is what the command line printed."""
    kept: Kept = {}
    for number, step in enumerate(steps, 1):
        answer = _play_step(info, filled(step, kept, world.clock.now()))
        if not answer.ok and not step.get("may_fail"):
            raise ScenarioError(f"step {number} {step}: {answer.status_code} {answer.text[:500]}")
        if "keep" in step:
            kept[step["keep"]] = answer.json()
    return kept


def _play_step(info: Info, step: Step) -> requests.Response:
    if "advance" in step:
        return _control(info, "/clock/advance", {"seconds": in_seconds(step["advance"])})
    if "flush" in step:
        return _control(info, "/flush", {})
    if "control" in step:
        return _control(info, step["control"], step.get("json", {}))
    method = next((m for m in METHODS if m in step), None)
    if method is None:
        raise ScenarioError(f"{step}: say {', '.join(METHODS)}, control, advance or flush")
    server = step.get("server", "stripe")
    return requests.request(
        method,
        info[f"{server}_url"] + step[method],
        data=step.get("form"),
        json=step.get("json"),
        headers=_headers(info, server, step),
        timeout=TIMEOUT_SECONDS,
    )


def _headers(info: Info, server: str, step: Step) -> dict[str, str]:
    if server == "stripe":
        return {"Authorization": f"Bearer {info['stripe_key']}"}
    caller = step.get("as", info["discourse_username"])
    return {"Api-Key": info["discourse_key"], "Api-Username": caller}


def _control(info: Info, address: str, params: dict[str, Any]) -> requests.Response:
    return requests.post(info["control_url"] + address, json=params, timeout=TIMEOUT_SECONDS)


def in_seconds(text: str | float) -> float:
    """`31d`, `12h`, or a number of seconds."""
    found = re.fullmatch(r"([\d.]+)([smhdw])", str(text))
    return float(found[1]) * SECONDS[found[2]] if found else float(text)


def filled(value: Any, kept: Kept, now: float) -> Any:
    """A step with the names in its texts replaced."""
    if isinstance(value, dict):
        return {k: filled(v, kept, now) for k, v in value.items()}
    if isinstance(value, list):
        return [filled(v, kept, now) for v in value]
    if isinstance(value, str):
        value = re.sub(r"\{now\+(\w+)\}", lambda m: str(int(now + in_seconds(m[1]))), value)
        return re.sub(r"\{([a-z_]+)((?:\.\w+)*)\}", lambda m: _part(kept, m[1], m[2]), value)
    return value


def _part(kept: Kept, name: str, path: str) -> str:
    found = kept[name]
    for part in (path or ".id").strip(".").split("."):
        found = found[int(part)] if isinstance(found, list) else found[part]
    return str(found)
