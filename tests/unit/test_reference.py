"""The signed reference that links a purchase to a Discourse user."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.core.signed.reference import (
    read_reference,
    read_replacement,
    sign_reference,
    sign_replacement,
)

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


SUBSCRIPTIONS = st.from_regex(r"sub_[A-Za-z0-9_]{1,40}", fullmatch=True)


@given(PEOPLE, SUBSCRIPTIONS)
def test_A88_the_word_on_what_is_replaced_is_read_back_and_fits_into_metadata(
    user_id: int, subscription_id: str
) -> None:
    word = sign_replacement(subscription_id, user_id, SECRET)
    assert read_replacement(word, ["another", SECRET]) == (subscription_id, user_id)
    assert len(word) <= 500
    assert read_reference(word, [SECRET]) is None


@given(st.data())
def test_A88_a_changed_word_replaces_nothing(data: st.DataObject) -> None:
    word = sign_replacement("sub_old", 7, SECRET)
    at = data.draw(st.integers(0, len(word) - 1))
    other = data.draw(st.sampled_from("0123456789abcxyzABCXYZ_-"))
    changed = word[:at] + other + word[at + 1 :]
    assert read_replacement(changed, [SECRET]) == (("sub_old", 7) if changed == word else None)


@pytest.mark.parametrize(
    "text",
    [
        None,
        "",
        "sub_old",
        sign_reference(7, SECRET),
        sign_replacement("sub_old", 7, "another site"),
    ],
)
def test_A88_what_another_signed_or_nobody_replaces_nothing(text: str | None) -> None:
    assert read_replacement(text, [SECRET]) is None


@pytest.mark.parametrize("odd", ["cus_1", "sub_", "sub_a-b", "sub_" + "x" * 200])
def test_only_a_subscription_can_be_replaced(odd: str) -> None:
    with pytest.raises(ValueError, match="cannot be signed"):
        sign_replacement(odd, 7, SECRET)
