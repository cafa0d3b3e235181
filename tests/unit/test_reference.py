"""The signed references: for purchases, gifts and replacements (A133)."""

import re
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.core.model.carried import Carried
from bridge.core.signed.reference import (
    BUYING,
    GIVING,
    read_buyer,
    read_gift,
    read_replacement,
    sign_buyer,
    sign_gift,
    sign_replacement,
)

SECRET = "a secret of the site that is long enough"
AT = datetime(2026, 11, 28, 12, 44, tzinfo=UTC)
PEOPLE = st.integers(min_value=1, max_value=10**18 - 1)
SUBSCRIPTIONS = st.from_regex(r"sub_[A-Za-z0-9_]{1,40}", fullmatch=True)
# What versions before A133 signed with this secret.
OLD_REFERENCE = "b1-7-V3L-Od72zFIHyxRAc33YZ-1-KiM1SQAT"
OLD_REPLACEMENT = "b1-7-sub_old-06GOJqEecF3Bpa2WnVt4TmjjqxiOxcrT"


def carried(text: str, at: datetime = AT, *, typed: bool = False) -> Carried:
    return Carried(text, at, is_typed=typed)


def all_readings(word: Carried, secret: str = SECRET) -> tuple[object, object, object]:
    secrets = [secret]
    return read_buyer(word, secrets), read_gift(word, secrets), read_replacement(word, secrets)


@given(PEOPLE, st.text(min_size=1))
def test_what_is_signed_is_read_back(user_id: int, secret: str) -> None:
    assert read_buyer(carried(sign_buyer(user_id, AT, secret)), [secret]) == user_id
    assert read_gift(carried(sign_gift(user_id, AT, secret)), [secret]) == user_id


@given(PEOPLE, SUBSCRIPTIONS)
def test_A133_a_word_of_one_purpose_is_no_word_of_another(user_id: int, thing: str) -> None:
    assert all_readings(carried(sign_buyer(user_id, AT, SECRET))) == (user_id, None, None)
    assert all_readings(carried(sign_gift(user_id, AT, SECRET))) == (None, user_id, None)
    word = sign_replacement(thing, user_id, AT, SECRET)
    assert all_readings(carried(word)) == (None, None, (thing, user_id))


@given(PEOPLE)
def test_A133_a_purpose_that_is_written_over_does_not_fit_the_signature(user_id: int) -> None:
    gift = sign_gift(user_id, AT, SECRET)
    assert all_readings(carried(gift.replace("gift", "buy"))) == (None, None, None)
    later = re.sub(r"-\d{8}-", "-20991231-", gift)
    assert all_readings(carried(later)) == (None, None, None)


@given(st.timedeltas(timedelta(0), timedelta(days=4000)))
def test_A133_a_word_ends_for_what_is_made_later_and_for_nothing_else(later: timedelta) -> None:
    made = AT + later
    buyer = read_buyer(carried(sign_buyer(7, AT, SECRET), made), [SECRET])
    gift = read_gift(carried(sign_gift(7, AT, SECRET), made), [SECRET])
    day = timedelta(days=1)
    assert buyer == 7 if later <= BUYING else True
    assert buyer is None if later > BUYING + day else True
    assert gift == 7 if later <= GIVING else True
    assert gift is None if later > GIVING + day else True


def test_A133_two_clicks_within_a_day_carry_the_same_word() -> None:
    assert sign_buyer(7, AT, SECRET) == sign_buyer(7, AT + timedelta(hours=5), SECRET)


def test_A133_old_words_count_where_only_the_accounts_keys_write() -> None:
    assert all_readings(carried(OLD_REFERENCE)) == (7, 7, None)
    assert all_readings(carried(OLD_REPLACEMENT)) == (None, None, ("sub_old", 7))
    # Whoever opens a payment link may have typed it, and it was handed out for gifts too.
    for old in (OLD_REFERENCE, OLD_REPLACEMENT):
        assert all_readings(carried(old, typed=True)) == (None, None, None)


def test_A133_a_payer_types_only_the_word_that_they_buy_as_themselves() -> None:
    assert read_buyer(carried(sign_buyer(7, AT, SECRET), typed=True), [SECRET]) == 7
    assert all_readings(carried(sign_gift(7, AT, SECRET), typed=True)) == (None, None, None)
    word = sign_replacement("sub_old", 7, AT, SECRET)
    assert all_readings(carried(word, typed=True)) == (None, None, None)


@pytest.mark.parametrize("link_id", ["plink_other", None])
def test_A95_a_word_for_a_payment_link_counts_on_that_link_alone(link_id: str | None) -> None:
    word = sign_buyer(7, AT, SECRET, "plink_mine")
    typed = Carried(word, AT, is_typed=True, payment_link="plink_mine")
    assert all_readings(typed) == (7, None, None)
    assert all_readings(Carried(word, AT, is_typed=True, payment_link=link_id)) == (None,) * 3
    assert all_readings(Carried(word, AT, payment_link="plink_mine")) == (None,) * 3
    unbound = Carried(sign_buyer(7, AT, SECRET), AT, is_typed=True, payment_link="plink_mine")
    assert all_readings(unbound) == (None, None, None)


@given(PEOPLE, SUBSCRIPTIONS)
def test_a_word_has_only_letters_that_stripe_accepts(user_id: int, thing: str) -> None:
    for word in (sign_buyer(user_id, AT, SECRET), sign_replacement(thing, user_id, AT, SECRET)):
        assert re.fullmatch(r"[A-Za-z0-9_-]{1,200}", word)


@given(PEOPLE, st.data())
def test_any_changed_letter_makes_it_nobodys(user_id: int, data: st.DataObject) -> None:
    for word in (sign_buyer(user_id, AT, SECRET), sign_replacement("sub_1", user_id, AT, SECRET)):
        at = data.draw(st.integers(0, len(word) - 1))
        other = data.draw(st.sampled_from("0123456789abcxyzABCXYZ_-"))
        changed = word[:at] + other + word[at + 1 :]
        if changed != word:
            assert all_readings(carried(changed)) == (None, None, None)


def test_another_site_on_the_same_stripe_account_is_a_stranger() -> None:
    assert all_readings(carried(sign_buyer(7, AT, "another site"))) == (None, None, None)


def test_secrets_can_be_rotated() -> None:
    old = carried(sign_buyer(7, AT, "the old secret"))
    assert read_buyer(old, ["the new secret", "the old secret"]) == 7


@pytest.mark.parametrize(
    "text",
    [
        *("", "7", "b1-7", "b2-buy-7-", "x" * 5000, sign_buyer(7, AT, SECRET) + "\n"),
        *(f"{start}-{'A' * 32}" for start in ("b3-7", "b1-07", "b1--1", "b1-7", "b1-\u0667")),
        *(f"b2-buy-7-{end}-{'A' * 32}" for end in ("20261399", "00000000", "2026113", "")),
    ],
)
def test_rubbish_is_nobody_and_no_error(text: str) -> None:
    assert all_readings(carried(text)) == (None, None, None)


def test_no_word_is_nobodys() -> None:
    assert read_buyer(None, [SECRET]) is None
    assert read_gift(None, [SECRET]) is None
    assert read_replacement(None, [SECRET]) is None


def test_no_secret_reads_nothing() -> None:
    assert read_buyer(carried(sign_buyer(7, AT, SECRET)), []) is None
    assert read_buyer(carried(sign_buyer(7, AT, SECRET)), [""]) is None


@pytest.mark.parametrize("user_id", [0, -1])
def test_the_forums_own_accounts_are_not_signed(user_id: int) -> None:
    with pytest.raises(ValueError, match="no person"):
        sign_buyer(user_id, AT, SECRET)


def test_an_empty_secret_signs_nothing() -> None:
    with pytest.raises(ValueError, match="SECRET_KEY"):
        sign_gift(7, AT, "")


@given(PEOPLE, SUBSCRIPTIONS)
def test_A88_the_word_on_what_is_replaced_is_read_back_and_fits_into_metadata(
    user_id: int, subscription_id: str
) -> None:
    word = sign_replacement(subscription_id, user_id, AT, SECRET)
    assert read_replacement(carried(word), ["another", SECRET]) == (subscription_id, user_id)
    assert len(word) <= 500


def test_A88_what_another_site_signed_replaces_nothing() -> None:
    word = sign_replacement("sub_old", 7, AT, "another site")
    assert read_replacement(carried(word), [SECRET]) is None


@pytest.mark.parametrize("odd", ["cus_1", "sub_", "sub_a-b", "sub_" + "x" * 200])
def test_only_a_subscription_can_be_replaced(odd: str) -> None:
    with pytest.raises(ValueError, match="cannot be signed"):
        sign_replacement(odd, 7, AT, SECRET)
