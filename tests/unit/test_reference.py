"""The signed reference that links a purchase to a Discourse user."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.reference import read_reference, sign_reference

SECRET = "a secret of the site that is long enough"
PEOPLE = st.integers(min_value=1, max_value=10**18 - 1)


@given(PEOPLE, st.text(min_size=1))
def test_what_is_signed_is_read_back(user_id: int, secret: str) -> None:
    assert read_reference(sign_reference(user_id, secret), [secret]) == user_id


@given(PEOPLE)
def test_a_reference_has_only_letters_that_stripe_accepts(user_id: int) -> None:
    reference = sign_reference(user_id, SECRET)
    assert re.fullmatch(r"[A-Za-z0-9_-]{1,200}", reference)


@given(PEOPLE, st.data())
def test_any_changed_letter_makes_it_nobodys(user_id: int, data: st.DataObject) -> None:
    reference = sign_reference(user_id, SECRET)
    at = data.draw(st.integers(0, len(reference) - 1))
    other = data.draw(st.sampled_from("0123456789abcxyzABCXYZ_-"))
    changed = reference[:at] + other + reference[at + 1 :]
    assert read_reference(changed, [SECRET]) == (user_id if changed == reference else None)


def test_another_site_on_the_same_stripe_account_is_a_stranger() -> None:
    assert read_reference(sign_reference(7, "another site"), [SECRET]) is None


def test_secrets_can_be_rotated() -> None:
    old = sign_reference(7, "the old secret")
    assert read_reference(old, ["the new secret", "the old secret"]) == 7


@pytest.mark.parametrize(
    "text",
    [
        *(None, "", "7", "b1-7", "b1-7-", "x" * 5000, sign_reference(7, SECRET) + "\n"),
        *(f"{start}-{'A' * 32}" for start in ("b2-7", "b1-07", "b1--1", "b1-7", "b1-\u0667")),
    ],
)
def test_rubbish_is_nobody_and_no_error(text: str | None) -> None:
    assert read_reference(text, [SECRET]) is None


def test_no_secret_reads_nothing() -> None:
    assert read_reference(sign_reference(7, SECRET), []) is None
    assert read_reference(sign_reference(7, SECRET), [""]) is None


@pytest.mark.parametrize("user_id", [0, -1])
def test_the_forums_own_accounts_are_not_signed(user_id: int) -> None:
    with pytest.raises(ValueError, match="no person"):
        sign_reference(user_id, SECRET)


def test_an_empty_secret_signs_nothing() -> None:
    with pytest.raises(ValueError, match="SECRET_KEY"):
        sign_reference(7, "")
