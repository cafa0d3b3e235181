"""What the code writes into the log has words, and is found by who caused it."""

from __future__ import annotations

import ast
import re
from typing import get_args

from bridge.core.ledger.share_register import ActKind
from bridge.core.model import actor
from bridge.core.model.steps import StepKind
from bridge.core.telling import log as words
from bridge.core.telling.outcomes import FAILED
from bridge.worker import errands
from tests.house.sources import modules, source, tree

LOGGING = {"log", "log_each", "record_in", "record_out", "_note", "_log", "_noted", "_moved"}
# `f"lift by {actor}"`, and the actions of functions that write `f"{action} by {actor}"`.
FOLLOWING = re.compile(r'f"([a-z_]+) by \{actor\}"|_(?:note|noted|moved)\(\w+, (?:grant, )?"(\w+)"')
CALLED = re.compile(rf"\b(?:{'|'.join(LOGGING)})\(")


def logged() -> set[str]:
    """The actions that the code names where it logs."""
    found = set()
    for file in modules():
        if not CALLED.search(source(file)):
            continue  # few files log
        for call in ast.walk(tree(file)):
            if isinstance(call, ast.Call) and _name(call.func) in LOGGING:
                said = [*call.args[1:4], *(k.value for k in call.keywords if k.arg == "action")]
                every = (each for one in said for each in _either(one))
                found |= {one.value for one in every if _is_a_code(one)}  # type: ignore[attr-defined] # a constant
    return found


def _name(called: ast.expr) -> str:
    return called.attr if isinstance(called, ast.Attribute) else getattr(called, "id", "")


def _either(one: ast.expr) -> list[ast.expr]:
    return [one.body, one.orelse] if isinstance(one, ast.IfExp) else [one]


def _is_a_code(one: ast.expr) -> bool:
    value = one.value if isinstance(one, ast.Constant) else None
    return isinstance(value, str) and value.replace("_", "").isalpha() and value.islower()


def test_each_action_that_is_logged_has_words() -> None:
    found = logged()
    assert found >= {"granted", "linked", "exported", "held", "reminded"}
    assert found - set(words.ACTIONS) == set()


def test_each_action_that_is_made_of_a_kind_has_words() -> None:
    acts = {f"shares_{one}" for one in get_args(ActKind)}
    steps = {f"member_{one}" for one in (*get_args(StepKind), "correct")}
    ends = {f"{kind}{end}" for kind in errands._KINDS for end in ("", *FAILED)}
    assert (acts | steps | ends) - set(words.ACTIONS) == set()


def test_A48_each_cause_that_follows_from_somebody_s_act_is_found_by_them() -> None:
    sources = [source(file) for file in modules() if " by {" in source(file)]
    said = {one for text in sources for pair in FOLLOWING.findall(text) for one in pair if one}
    causes = said | {*get_args(StepKind), "correction"} | errands._KINDS.keys()
    assert causes == set(actor.FOLLOWS)
