"""The forum's colours, light and dark, as the custom properties that Discourse derives."""

from __future__ import annotations

LIGHT = {
    "primary": "#1f2933", "secondary": "#ffffff", "tertiary": "#0f766e", "quaternary": "#c2410c",
    "header_background": "#ffffff", "header_primary": "#1f2933", "highlight": "#fde68a",
    "danger": "#c81e3a", "success": "#15803d", "love": "#e0497a",
}  # fmt: skip
DARK = {
    "primary": "#e5e7eb", "secondary": "#16191d", "tertiary": "#2dd4bf", "quaternary": "#fb923c",
    "header_background": "#0f1215", "header_primary": "#e5e7eb", "highlight": "#854d0e",
    "danger": "#f87171", "success": "#4ade80", "love": "#f472b6",
}  # fmt: skip

# Steps between a colour and the background, with Discourse's names.
STEPS = {
    "primary": {"very-low": 0.97, "low": 0.9, "low-mid": 0.7, "medium": 0.5, "high": 0.3},
    "tertiary": {"low": 0.85, "medium": 0.5, "high": 0.2},
    "highlight": {"low": 0.7, "medium": 0.5, "high": 0.2},
    "danger": {"low": 0.85, "medium": 0.3},
    "success": {"low": 0.8, "medium": 0.5},
}


def mix(colour: str, background: str, share: float) -> str:
    """A colour with that share of the background in it."""
    parts = zip(_rgb(colour), _rgb(background), strict=True)
    return "#" + "".join(f"{round(a * (1 - share) + b * share):02x}" for a, b in parts)


def _rgb(colour: str) -> tuple[int, ...]:
    return tuple(int(colour[i : i + 2], 16) for i in (1, 3, 5))


def stylesheet(colours: dict[str, str]) -> str:
    """`:root{--primary: …}` with the derived steps."""
    lines = [f"--{name}: {value};" for name, value in colours.items()]
    lines += [f"--{name}-rgb: {', '.join(map(str, _rgb(c)))};" for name, c in colours.items()]
    lines += [
        f"--{name}-{step}: {mix(colours[name], colours['secondary'], share)};"
        for name, steps in STEPS.items()
        for step, share in steps.items()
    ]
    return ":root {\n  " + "\n  ".join(lines) + "\n}\n"
