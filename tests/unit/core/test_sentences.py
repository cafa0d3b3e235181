"""Errors as sentences on a page."""

from __future__ import annotations

import pytest

from bridge.core.telling.sentences import as_sentence


@pytest.mark.parametrize(
    ("said", "sentence"),
    [
        ("the reason is empty", "The reason is empty."),
        ("please fill in: reason", "Please fill in: reason."),
        ("in_1 was refunded already", "in_1 was refunded already."),
        ("admins is automatic", "admins is automatic."),
        ("what is it?", "What is it?"),
        ("", "."),
    ],
)
def test_an_error_becomes_a_sentence_and_names_stay_as_they_are(said: str, sentence: str) -> None:
    assert as_sentence(said) == sentence
