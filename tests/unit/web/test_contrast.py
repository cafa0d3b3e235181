"""Text that can be read in every palette."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.web.contrast import ENOUGH, TINT, contrast, legible
from bridge.web.look import DARK, LIGHT

Colour = tuple[float, float, float]
ROUNDED = 0.02  # what two hexadecimal digits a part cannot tell


def colour(text: str) -> Colour:
    r, g, b = (int(text[n : n + 2], 16) / 255 for n in (1, 3, 5))
    return r, g, b


def boxes(palette: dict[str, str]) -> list[Colour]:
    page = colour(palette["secondary"])
    found = [page]
    for name in ("tertiary", "success", "danger"):
        r, g, b = (
            a * TINT + b * (1 - TINT) for a, b in zip(colour(palette[name]), page, strict=True)
        )
        found.append((r, g, b))
    return found


@pytest.mark.parametrize("palette", [LIGHT, DARK], ids=["light", "dark"])
def test_A127_in_discourse_s_own_palettes_all_text_can_be_read(palette: dict[str, str]) -> None:
    made = legible(palette)
    for box in boxes(palette):
        for name in ("accent", "good", "bad", "quiet"):
            assert contrast(colour(made[name]), box) >= ENOUGH - ROUNDED, name


def test_A127_what_can_be_read_stays_as_the_forum_has_it() -> None:
    palette = {**LIGHT, "tertiary": "#0b5c8a"}
    assert legible(palette)["accent"] == "#0b5c8a"


def test_the_contrast_is_that_of_the_standard() -> None:
    assert contrast(colour("#000000"), colour("#ffffff")) == pytest.approx(21)
    assert contrast(colour("#0088cc"), colour("#ffffff")) == pytest.approx(3.89, abs=0.01)
    assert contrast(colour("#767676"), colour("#ffffff")) == pytest.approx(4.54, abs=0.01)


def test_a_colour_that_is_not_hexadecimal_is_left_alone() -> None:
    palette = {**LIGHT, "tertiary": "rgb(1, 2, 3)"}
    assert legible(palette) == {
        "accent": "rgb(1, 2, 3)",
        "good": LIGHT["success"],
        "bad": LIGHT["danger"],
        "quiet": LIGHT["primary"],
    }


HEX = st.integers(0, 0xFFFFFF).map(lambda number: f"#{number:06x}")


@given(st.fixed_dictionaries(dict.fromkeys(LIGHT, HEX)))
def test_A127_whatever_the_palette_text_is_as_legible_as_the_body_or_enough(
    palette: dict[str, str],
) -> None:
    paper = colour(palette["secondary"])
    if contrast(colour(palette["primary"]), paper) < ENOUGH:
        # One of black and white can be read on any paper.
        palette["primary"] = max(("#000000", "#ffffff"), key=lambda it: contrast(colour(it), paper))
    for made in legible(palette).values():
        for box in boxes(palette):
            reached = contrast(colour(made), box)
            assert reached >= ENOUGH - ROUNDED or made == palette["primary"]
