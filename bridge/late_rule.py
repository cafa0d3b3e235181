"""Rules of Flask that are matched at once, and know how to put an address together only later.

Werkzeug compiles code for that from every rule when it is added (rules.py, 3.1): most of the time
that it takes to make an application (measured for the bridge's own: 27 ms with it, 5 without).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from werkzeug.routing import Rule


class LateRule(Rule):
    """A rule that compiles what `url_for` needs when it is first asked for its address."""

    def _compile_builder(self, append_unknown: bool = True) -> Callable[..., tuple[str, str]]:  # noqa: FBT001, FBT002 - Werkzeug's signature
        compiled: list[Callable[..., tuple[str, str]]] = []

        def build(rule: LateRule, **values: Any) -> tuple[str, str]:
            if not compiled:
                compiled.append(super()._compile_builder(append_unknown))
            return compiled[0](rule, **values)

        return build
