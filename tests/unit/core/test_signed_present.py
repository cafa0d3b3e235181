"""The word on the link of a present."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.core.signed.present import read_present, sign_present

SECRET = "a secret that is long enough for this"
ID = "Qb1-_" * 5


def test_E52_a_word_names_its_present_and_its_link_with_any_secret_in_use() -> None:
    word = sign_present(ID, 2, SECRET)
    assert read_present(word, ["a newer secret", SECRET]) == (ID, 2)
    assert read_present(word, ["a newer secret"]) is None
    assert read_present(word, []) is None
    assert sign_present(ID, 3, SECRET) != word


@given(st.text(max_size=120))
def test_E52_nothing_else_is_a_word(text: str) -> None:
    assert read_present(text, [SECRET]) is None


@given(st.integers(0, 60), st.characters())
def test_E52_a_word_with_another_letter_is_none(place: int, letter: str) -> None:
    word = sign_present(ID, 1, SECRET)
    changed = word[:place] + letter + word[place + 1 :]
    assert (read_present(changed, [SECRET]) is None) == (changed != word)


def test_an_empty_secret_signs_nothing() -> None:
    with pytest.raises(ValueError, match="SECRET_KEY"):
        sign_present(ID, 1, "")
