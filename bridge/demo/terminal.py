"""A message of the forum as a terminal can show it."""

from __future__ import annotations

import re

CELL_BORDER = re.compile(r"(?<!\\)\|")
LINE_BREAK = re.compile(r"<br\s*/?>")
TAG = re.compile(r"</?[a-z][^<>]*>")


def readable(raw: str) -> str:
    """Markdown alone: without the forum's own marks, and without HTML."""
    raw = re.sub(r'\[details="(.*?)"\]', r"**\1**", raw).replace("[/details]", "")
    raw = re.sub(r"\[date=(\S+) time=(\d+:\d+)\S* .*?\]", r"\1, \2 UTC", raw)
    lines = [line for one in raw.split("\n") for line in _without_breaks(one)]
    return TAG.sub("", "\n".join(lines))


def _without_breaks(line: str) -> list[str]:
    """A table's cells have one line each here: what follows a break gets a row of its own."""
    if not line.startswith("|"):
        return [LINE_BREAK.sub("  \n", line)]
    cells = [LINE_BREAK.split(cell) for cell in CELL_BORDER.split(line.strip())[1:-1]]
    height = max(map(len, cells), default=1)
    columns = [cell + [""] * (height - len(cell)) for cell in cells]
    return [f"|{'|'.join(row)}|" for row in zip(*columns, strict=True)] if columns else [line]
