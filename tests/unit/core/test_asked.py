"""The text with which a moderator finds somebody, and its possible meanings."""

from __future__ import annotations

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.core.telling.asked import LONGEST, Amount, Asked, parse_asked

DASHBOARD = "https://dashboard.stripe.com"
FORUM = "https://example.org/forum"


@pytest.mark.parametrize(
    ("text", "means"),
    [
        ("", Asked("nothing")),
        ("   ", Asked("nothing")),
        ("Ada", Asked("other", "Ada")),
        ("@ada", Asked("other", "ada")),
        (" ada@example.com ", Asked("address", "ada@example.com")),
        ("cus_Ab1", Asked("stripe", "cus_Ab1")),
        ("po_1", Asked("stripe", "po_1")),
        ("cs_test_a1", Asked("stripe", "cs_test_a1")),
        ("id:12", Asked("other", "id:12", user_id=12)),
        ("12", Asked("other", "12", user_id=12)),
        ("4242", Asked("other", "4242", user_id=4242, last4="4242")),
        ("5.00", Asked("other", "5.00", amount=Amount(500))),
        ("€5.00", Asked("other", "€5.00", amount=Amount(500))),
        ("5,00", Asked("other", "5,00", amount=Amount(500))),
        ("-5.00", Asked("other", "-5.00", amount=Amount(-500))),
        ("500 jpy", Asked("other", "500 jpy", amount=Amount(500, "jpy"))),
        ("12 EUR", Asked("other", "12 EUR", amount=Amount(1200, "eur"))),
        ("1.250 bhd", Asked("other", "1.250 bhd", amount=Amount(1250, "bhd"))),
        (
            "5.00 2028-02-29",
            Asked("other", "5.00 2028-02-29", amount=Amount(500, None, date(2028, 2, 29))),
        ),
        (
            "5  eur on 2028-02-29",
            Asked("other", "5 eur on 2028-02-29", amount=Amount(500, "eur", date(2028, 2, 29))),
        ),
        ("5.00 2027-02-29", Asked("other", "5.00 2027-02-29")),
        ("5.001 eur", Asked("other", "5.001 eur")),
        ("5.00 on", Asked("other", "5.00 on")),
        ("2027-12", Asked("other", "2027-12", receipt="2027-12")),
        ("Receipt No. 2027-12", Asked("other", "Receipt No. 2027-12", receipt="2027-12")),
        ("#2027-12", Asked("other", "#2027-12", receipt="2027-12")),
        ("#2027\N{EN DASH}12", Asked("other", "#2027\N{EN DASH}12", receipt="2027-12")),
        ("receipt: 2027-12", Asked("other", "receipt: 2027-12", receipt="2027-12")),
        ("receipt number 2027-12", Asked("other", "receipt number 2027-12", receipt="2027-12")),
        ("2027-03-31", Asked("other", "2027-03-31")),
        (f"{DASHBOARD}/test/customers/cus_Ab1", Asked("stripe", "cus_Ab1")),
        (f"{DASHBOARD}/acct_1/payments/pi_1?page=2#top", Asked("stripe", "pi_1")),
        (f"{DASHBOARD}/customers/cus_1/invoices/in_2", Asked("stripe", "in_2")),
        (f"{DASHBOARD}/search?query=sub_9", Asked("stripe", "sub_9")),
        ("https://checkout.stripe.com/c/pay/cs_test_a1#fid", Asked("stripe", "cs_test_a1")),
        (f"{FORUM}/u/ada/summary", Asked("other", "ada")),
        (f"{FORUM}/u/%C3%9Cmit?tab=all", Asked("other", "Ümit")),
        (f"{FORUM}/u/@ada.b.json", Asked("other", "ada.b")),
        (f"{FORUM}/u/in_love", Asked("other", "in_love")),
        (f"{FORUM}/u/a%00b", Asked("other", "ab")),
        (f"{FORUM}/admin/users/115/ada", Asked("other", "id:115", user_id=115)),
        (f"{FORUM}/u", Asked("link", f"{FORUM}/u")),
        ("https://meta.example/u/ada", Asked("link", "https://meta.example/u/ada")),
        (f"{DASHBOARD}/customers", Asked("link", f"{DASHBOARD}/customers")),
        (f"{DASHBOARD}/customers?email=a%40example.com", Asked("address", "a@example.com")),
        ("https://ada@example.com/", Asked("link", "https://ada@example.com/")),
        ("mailto:ada@example.com", Asked("address", "ada@example.com")),
        ("ada@example.com\x00", Asked("address", "ada@example.com")),
        ("a\x00da", Asked("other", "ada")),
    ],
)
def test_what_is_typed_means_an_address_an_id_an_amount_a_card_or_a_name(
    text: str, means: Asked
) -> None:
    assert parse_asked(text, FORUM) == means


@given(st.text(max_size=400))
def test_whatever_is_typed_means_something_and_is_no_longer_than_a_field(text: str) -> None:
    assert len(parse_asked(text, FORUM).text) <= LONGEST
