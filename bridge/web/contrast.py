"""Makes colours readable on a page, whatever palette a forum has chosen.

Many forums' links are too pale for small text; Discourse's own default (#0088cc on white) is. Each
colour of text is moved towards that of the body text until its contrast is enough for WCAG 2, level
AA, on the page and on every tinted box.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

ENOUGH = 4.5  # for normal text: https://www.w3.org/TR/WCAG22/#contrast-minimum
TINT = 0.1  # the share of a colour in its boxes, as in style.css
QUIET = 0.62
_STEPS = 20
_HEX = re.compile("#([0-9a-f]{3}|[0-9a-f]{6})", re.IGNORECASE)
# Custom property -> the forum's colour that it starts from.
_STARTS = {"accent": "tertiary", "good": "success", "bad": "danger"}

Colour = tuple[float, float, float]


def legible(palette: Mapping[str, str]) -> dict[str, str]:
    """`accent`, `good`, `bad` and `quiet`; unchanged if a colour is not hexadecimal."""
    names = ("primary", "secondary", *_STARTS.values())
    known = {name: colour for name in names if (colour := _read(palette[name]))}
    if len(known) < len(names):
        as_is = {name: palette[start] for name, start in _STARTS.items()}
        return {**as_is, "quiet": palette["primary"]}
    text, page = known["primary"], known["secondary"]
    boxes = [page, *(_mix(known[start], page, TINT) for start in _STARTS.values())]
    starts = {name: known[start] for name, start in _STARTS.items()}
    starts["quiet"] = _mix(text, page, QUIET)
    return {name: _hex(_enough(colour, text, boxes)) for name, colour in starts.items()}


def contrast(one: Colour, other: Colour) -> float:
    """From 1 (the same colour) to 21 (black on white), as WCAG 2 defines it."""
    darker, lighter = sorted((_luminance(one), _luminance(other)))
    return (lighter + 0.05) / (darker + 0.05)


def _enough(colour: Colour, text: Colour, boxes: list[Colour]) -> Colour:
    for step in range(_STEPS):
        moved = _as_written(_mix(text, colour, step / _STEPS))
        if all(contrast(moved, box) >= ENOUGH for box in boxes):
            return moved
    return text


def _as_written(colour: Colour) -> Colour:
    """The colour that browsers get; rounding may lower its contrast a little."""
    r, g, b = (round(part * 255) / 255 for part in colour)
    return r, g, b


def _mix(one: Colour, other: Colour, share: float) -> Colour:
    """`share` of one colour, the rest of the other."""
    r, g, b = (a * share + b * (1 - share) for a, b in zip(one, other, strict=True))
    return r, g, b


def _luminance(colour: Colour) -> float:
    # https://www.w3.org/TR/WCAG22/#dfn-relative-luminance
    r, g, b = (c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in colour)  # noqa: PLR2004 -- the definition's numbers
    return 0.2126 * r + 0.7152 * g + 0.0722 * b


def _read(text: str) -> Colour | None:
    found = _HEX.fullmatch(text)
    if found is None:
        return None
    digits = found[1] if len(found[1]) == 6 else "".join(one * 2 for one in found[1])  # noqa: PLR2004 -- #rrggbb
    r, g, b = (int(digits[n : n + 2], 16) / 255 for n in (0, 2, 4))
    return r, g, b


def _hex(colour: Colour) -> str:
    return "#" + "".join(f"{round(part * 255):02x}" for part in colour)
