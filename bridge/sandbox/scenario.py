"""Plays a scenario file: events in a community, step by step, the same each time.

A step of the TOML file is one of `post|get|put|delete = "/path"` with `server` (stripe unless told
otherwise), `form` or `json`, and `keep = "name"` for the answer; `control = "/address"` with
`json`; `advance = "31d"`; `flush = true`. A text may name a kept answer: `{name}` is its id,
`{name.path.0.key}` a part of it; `{now+91d}` is a time in seconds. A step with `may_fail` goes on
when it is refused. `begin = "shop"` plays `parts/shop.toml` first. `[end]` states the expected end:
`"subscription.status" = "canceled"`; "none" means that something does not exist.
"""

from __future__ import annotations

import re
import tomllib
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import requests

from bridge.sandbox.kernel import World

SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 86400, "w": 604800}
SCENARIOS = Path(__file__).parent / "scenarios"
BEGIN = 1_798_804_800.0  # 2027-01-01 12:00 UTC, when the command line starts a scenario
METHODS = ("post", "get", "put", "delete")
TIMEOUT_SECONDS = 60

Step = dict[str, Any]
Kept = dict[str, Any]
Info = dict[str, str]


class ScenarioError(ValueError):
    """A scenario cannot be read, a step was refused, or it ended differently; says which."""


class NothingThereError(ScenarioError):
    """The kept answer has no such part."""


@dataclass(frozen=True, slots=True)
class Scenario:
    """A scenario, and its expected end."""

    title: str = ""
    steps: list[Step] = field(default_factory=list)
    end: dict[str, Any] = field(default_factory=dict)


def read(text: str) -> Scenario:
    """A scenario from TOML."""
    try:
        told = tomllib.loads(text)
    except tomllib.TOMLDecodeError as problem:
        raise ScenarioError(f"this is no TOML: {problem}") from problem
    if unknown := told.keys() - {"title", "begin", "step", "end"}:
        raise ScenarioError(f"unknown keys {sorted(unknown)}: say title, begin, [[step]] and [end]")
    _check_kinds(told)
    before: list[Step] = []
    if begin := told.get("begin"):
        parts = {f.stem: f for f in (SCENARIOS / "parts").glob("*.toml")}
        if begin not in parts:
            raise ScenarioError(f"begin = {begin!r}: there are {sorted(parts)}")
        before = read(parts[begin].read_text()).steps
    steps = [*before, *told.get("step", [])]
    if not steps:
        raise ScenarioError("a scenario needs at least one [[step]]")
    return Scenario(told.get("title", ""), steps, told.get("end", {}))


def _check_kinds(told: dict[str, Any]) -> None:
    steps, end = told.get("step", []), told.get("end", {})
    if not isinstance(told.get("begin", ""), str) or not isinstance(end, dict):
        raise ScenarioError("begin is a name, and [end] has keys with values")
    if not isinstance(steps, list) or not all(isinstance(step, dict) for step in steps):
        raise ScenarioError("a step is written as [[step]]")
    for step in steps:
        if wrong := {k for k in ("form", "json") if not isinstance(step.get(k, {}), dict)}:
            raise ScenarioError(f"{step}: {', '.join(sorted(wrong))} has names and values")


def read_file(path: Path) -> Scenario:
    """A scenario from a file."""
    try:
        return read(path.read_text(encoding="utf-8"))
    except UnicodeDecodeError as problem:
        raise ScenarioError(f"{path.name} is no TOML: {problem}") from problem


def play_file(world: World, info: Info, path: Path) -> Kept:
    """Play a file."""
    return play_scenario(world, info, read_file(path))


def play_scenario(world: World, info: Info, told: Scenario) -> Kept:
    """Play a scenario and check its end; returns what its steps kept."""
    kept = play(world, info, told.steps)
    wanted = {p: _written(v) for p, v in filled(told.end, kept, world.clock.now()).items()}
    found = {path: _shown(kept, path) for path in wanted}
    if wrong := {path for path in wanted if found[path] != wanted[path]}:
        said = "; ".join(f"{p} is {found[p]}, not {wanted[p]}" for p in sorted(wrong))
        raise ScenarioError(f"it did not end as told: {said}")
    return kept


def play(world: World, info: Info, steps: list[Step]) -> Kept:
    """Play steps one after the other; `info` is what the command line printed."""
    kept: Kept = {}
    for number, step in enumerate(steps, 1):
        answer = _play_step(info, filled(step, kept, world.clock.now()))
        if not answer.ok and not step.get("may_fail"):
            raise ScenarioError(f"step {number} {step}: {answer.status_code} {answer.text[:500]}")
        if "keep" in step:
            kept[step["keep"]] = _read(number, answer)
    return kept


def _read(number: int, answer: requests.Response) -> Any:
    try:
        return answer.json()
    except ValueError:
        said = f"step {number}: nothing to keep, the answer is {answer.text[:80]!r}"
        raise ScenarioError(said) from None


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
    try:
        return float(found[1]) * SECONDS[found[2]] if found else float(text)
    except ValueError:
        raise ScenarioError(f"{text!r} is no time: say 31d, 12h, 5m, or seconds") from None


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


def _part(kept: Kept, name: str, path: str = "") -> str:
    if name not in kept:
        raise ScenarioError(f"nothing was kept as {name!r}; there are {sorted(kept)}")
    found = kept[name]
    try:
        for part in (path or ".id").strip(".").split("."):
            found = found[int(part)] if isinstance(found, list) else found[part]
    except (KeyError, IndexError, ValueError, TypeError):
        raise NothingThereError(f"{name} has no {path.strip('.') or 'id'}") from None
    return _written(found)


def _shown(kept: Kept, path: str) -> str:
    name, _, rest = path.partition(".")
    try:
        return _part(kept, name, rest)
    except NothingThereError:
        return "none"


def _written(value: Any) -> str:
    return "none" if value is None else str(value)
