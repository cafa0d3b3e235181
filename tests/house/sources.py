"""The sources of the bridge, read and parsed once for all who look through them."""

from __future__ import annotations

import ast
from functools import cache
from pathlib import Path

ROOT = Path(__file__).parents[2]
BRIDGE = ROOT / "bridge"


@cache
def source(path: Path) -> str:
    return path.read_text(encoding="utf-8")


@cache
def tree(path: Path) -> ast.Module:
    return ast.parse(source(path))


@cache
def modules(room: str = "") -> tuple[Path, ...]:
    """Every module of the bridge, or of one of its rooms."""
    return tuple(sorted((BRIDGE / room).rglob("*.py")))
