"""Which tests show which numbered case; and docs/lifecycle.md brought up to date with them.

python tests/cases.py       rewrites the last column of the page where it is not true any more
"""

from __future__ import annotations

import re
from collections import defaultdict
from pathlib import Path

ROOT = Path(__file__).parents[1]
PAGE = ROOT / "docs" / "lifecycle.md"
NOT_SHOWN = "*not shown yet*"
ROW = re.compile(r"^\| ([AED]\d+) \| (.*) \| ?(.*) \|$")
# The nearer to what a member sees, the better it shows a case.
ROOMS = ("system", "e2e", "faults", "unit", "oracle", "contract", "house")


def tests_by_case() -> dict[str, list[str]]:
    """Case -> the cells that may stand in its row, the best one first."""
    found: dict[str, list[tuple[int, int, str]]] = defaultdict(list)
    for path in sorted((ROOT / "tests").rglob("test_*.py")):
        room = path.relative_to(ROOT / "tests").parts[0]
        rank = ROOMS.index(room) if room in ROOMS else len(ROOMS)
        for name in re.findall(r"^def test_(\w+)", path.read_text(), re.MULTILINE):
            numbers = re.match(r"((?:[A-Z]\d+_)*)(.*)", name)
            cases = re.findall(r"[A-Z]\d+", numbers[1]) if numbers else []
            for place, case in enumerate(cases):
                found[case].append((rank, place, _cell(name, path)))
    return {case: [cell for *_, cell in sorted(cells)] for case, cells in found.items()}


def _cell(name: str, path: Path) -> str:
    sentence = re.sub(r"^(?:[A-Z]\d+_)+", "", name).replace("_", " ")
    return f"[{sentence}](../{path.relative_to(ROOT).as_posix()})"


def brought_up_to_date(page: str) -> str:
    """The page with a test for each case; a test that still shows its case stays."""
    shown = tests_by_case()

    def row(line: str) -> str:
        found = ROW.match(line)
        if not found:
            return line
        case, says, cell = found.groups()
        cells = shown.get(case, [NOT_SHOWN])
        return f"| {case} | {says} | {cell if cell in cells else cells[0]} |"

    return "\n".join(row(line) for line in page.splitlines()) + "\n"


if __name__ == "__main__":
    PAGE.write_text(brought_up_to_date(PAGE.read_text()))
