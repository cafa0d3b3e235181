"""The share of the product under the contract of purity, which allows no I/O."""

from __future__ import annotations

import tomllib
from pathlib import Path

ROOT = Path(__file__).parents[2]
LEAST_PERCENT = 35


def test_over_a_third_of_the_product_is_under_the_contract_of_purity() -> None:
    """All lines of `bridge` and `handlers` without the sandbox, migrations included."""
    pure, every = 0, 0
    for file in (*ROOT.glob("bridge/**/*.py"), *ROOT.glob("handlers/**/*.py")):
        name = ".".join(file.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")
        if not name.startswith("bridge.sandbox"):
            lines = len(file.read_text(encoding="utf-8").splitlines())
            every += lines
            pure += lines if is_pure(name) else 0
    assert pure * 100 >= every * LEAST_PERCENT, (
        f"{pure * 100 / every:.2f} % of {every} lines are pure: let a function of `bridge/core` "
        "decide or word what a page, a command or an operation now does itself"
    )


def is_pure(module: str) -> bool:
    return any(module == one or module.startswith(f"{one}.") for one in _PURE)


def _under_contract() -> list[str]:
    settings = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    contracts = settings["tool"]["importlinter"]["contracts"]
    (found,) = (one["source_modules"] for one in contracts if "know no I/O" in one["name"])
    return list(found)


_PURE = _under_contract()
