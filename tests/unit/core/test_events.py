"""The parts that are read from Stripe's webhooks, and refusals."""

from __future__ import annotations

import contextlib
import copy
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.core.events.stripe import MalformedEvent, read_event

SNAPSHOT: dict[str, Any] = {
    "id": "evt_1",
    "object": "event",
    "api_version": "2026-10-28.endive",
    "created": 1_790_000_000,
    "livemode": False,
    "type": "invoice.paid",
    "data": {"object": {"id": "in_1", "object": "invoice", "customer": "cus_1"}},
}

THIN: dict[str, Any] = {
    "id": "evt_test_65",
    "object": "v2.core.event",
    "created": "2026-11-22T05:25:52.245Z",
    "livemode": True,
    "type": "v1.customer.subscription.active",
    "related_object": {"id": "sub_1", "type": "subscription", "url": "/v1/subscriptions/sub_1"},
}

json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=12,
)


def snapshot_about(subject: dict[str, Any], **changes: Any) -> dict[str, Any]:
    return {**SNAPSHOT, "data": {"object": subject}, **changes}


def test_a_snapshot_event_gives_ids_mode_and_time_and_nothing_else() -> None:
    event = read_event(SNAPSHOT)

    assert (event.id, event.type, event.livemode, event.thin) == (
        "evt_1",
        "invoice.paid",
        False,
        False,
    )
    assert (event.object_kind, event.object_id, event.customer_id) == ("invoice", "in_1", "cus_1")
    assert event.created_at == datetime.fromtimestamp(1_790_000_000, UTC)
    assert (event.account, event.api_version) == (None, "2026-10-28.endive")
    assert (event.reference, dict(event.related)) == (None, {})


def test_a_thin_event_gives_the_object_that_it_names() -> None:
    event = read_event(THIN)

    assert (event.thin, event.object_kind, event.object_id) == (True, "subscription", "sub_1")
    assert event.customer_id is None
    assert event.created_at == datetime(2026, 11, 22, 5, 25, 52, 245_000, UTC)


def test_a_thin_event_without_an_object_is_read_all_the_same() -> None:
    event = read_event({**THIN, "related_object": None, "context": "acct_1"})

    assert (event.object_kind, event.object_id, event.account) == (None, None, "acct_1")


def test_a_thin_event_about_a_customer_names_the_customer() -> None:
    related = {"id": "cus_1", "type": "customer", "url": "/v1/customers/cus_1"}

    assert read_event({**THIN, "related_object": related}).customer_id == "cus_1"


def test_a_time_without_zone_in_a_thin_event_is_utc() -> None:
    event = read_event({**THIN, "created": "2026-11-22T05:25:52"})

    assert event.created_at == datetime(2026, 11, 22, 5, 25, 52, tzinfo=UTC)


def test_an_event_of_a_connected_account_names_it() -> None:
    assert read_event({**SNAPSHOT, "account": "acct_9"}).account == "acct_9"


def test_an_event_about_a_customer_names_it_as_customer_too() -> None:
    event = read_event(snapshot_about({"id": "cus_7", "object": "customer"}))

    assert event.customer_id == "cus_7"


def test_an_expanded_customer_is_read_like_its_id() -> None:
    event = read_event(snapshot_about({"customer": {"id": "cus_3", "object": "customer"}}))

    assert event.customer_id == "cus_3"


@pytest.mark.parametrize(
    ("subject", "related"),
    [
        pytest.param({"subscription": "sub_1"}, {"subscription": "sub_1"}, id="until 2025"),
        pytest.param(
            {"parent": {"subscription_details": {"subscription": "sub_1"}}},
            {"subscription": "sub_1"},
            id="since 2025",
        ),
        pytest.param(
            {"subscription": {"id": "sub_1"}}, {"subscription": "sub_1"}, id="expanded in place"
        ),
        pytest.param(
            {"subscription": None, "released_subscription": "sub_2"},
            {"subscription": "sub_2"},
            id="a schedule let go of it",
        ),
        pytest.param(
            {"charge": "ch_1", "payment_intent": "pi_1"},
            {"charge": "ch_1", "payment_intent": "pi_1"},
            id="refund",
        ),
        pytest.param(
            {"invoice": "in_1", "payment": {"type": "payment_intent", "payment_intent": "pi_2"}},
            {"invoice": "in_1", "payment_intent": "pi_2"},
            id="invoice payment",
        ),
        pytest.param({"product": "prod_1"}, {"product": "prod_1"}, id="price"),
        pytest.param({"setup_intent": "seti_1"}, {"setup_intent": "seti_1"}, id="a saved card"),
        pytest.param({"parent": "text", "charge": 5, "price": []}, {}, id="nonsense"),
    ],
)
def test_what_else_the_object_names_is_found_in_every_shape(
    subject: dict[str, Any], related: dict[str, str]
) -> None:
    assert dict(read_event(snapshot_about(subject)).related) == related


@pytest.mark.parametrize(
    ("subject", "reference"),
    [
        ({"client_reference_id": "x", "metadata": {"bridge_reference": "u5.sig"}}, "u5.sig"),
        ({"client_reference_id": "u5.sig", "metadata": {}}, "u5.sig"),
        ({"client_reference_id": None, "metadata": {"bridge_reference": "u5.sig"}}, "u5.sig"),
        ({"metadata": {"discourse_user_id": "5"}}, "5"),
        (
            {"parent": {"subscription_details": {"metadata": {"bridge_reference": "u5.sig"}}}},
            "u5.sig",
        ),
        ({"subscription_details": {"metadata": {"bridge_reference": "u5.sig"}}}, "u5.sig"),
        ({"metadata": {"discourse_user_id": 5}}, None),
        ({"client_reference_id": ""}, None),
        ({"metadata": None}, None),
    ],
)
def test_a_reference_to_a_user_is_found_wherever_the_bridge_writes_one(
    subject: dict[str, Any], reference: str | None
) -> None:
    found = read_event(snapshot_about(subject))
    assert found.reference == reference
    is_written = bool(reference) and subject.get("client_reference_id") != reference
    assert found.is_typed == (reference is not None and not is_written)


@pytest.mark.parametrize("bad", ["", "a\x00b", "two\nlines", "\ud800", "x" * 256, 7, None, {}])
def test_an_id_that_no_store_could_keep_is_not_taken(bad: object) -> None:
    assert read_event(snapshot_about({"id": bad, "object": "product"})).object_id is None


def test_a_product_id_of_the_owners_own_choice_is_kept() -> None:
    event = read_event(snapshot_about({"id": "Gönner 2020", "object": "product"}))

    assert event.object_id == "Gönner 2020"


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"object": None}, "`object` is missing"),
        ({"object": "charge"}, "`object` is 'charge', not 'event' or 'v2.core.event'"),
        ({"id": None}, "`id` is missing, not a short text"),
        ({"id": "evt\x00"}, "`id` is 'evt\\x00', not a short text"),
        ({"type": ["a"]}, "`type` is a list, not a short text"),
        ({"data": None}, "`data.object` is missing"),
        ({"data": {"object": "in_1"}}, "`data.object` is missing"),
        ({"livemode": "false"}, "`livemode` is 'false', not true or false"),
        ({"livemode": None}, "`livemode` is missing"),
        ({"created": "2026-01-01"}, "`created` is '2026-01-01', not unix seconds"),
        ({"created": True}, "`created` is True, not unix seconds"),
        ({"created": 10**30}, "`created` is a number, not unix seconds"),
    ],
)
def test_a_malformed_snapshot_event_is_refused_naming_the_part(
    changes: dict[str, Any], message: str
) -> None:
    with pytest.raises(MalformedEvent) as refused:
        read_event({**SNAPSHOT, **changes})
    assert message in str(refused.value)


@pytest.mark.parametrize("created", [None, 1_790_000_000, "yesterday", "0001-01-01T00:00:00+14:00"])
def test_a_thin_event_without_a_real_time_is_refused(created: object) -> None:
    with pytest.raises(MalformedEvent, match="not a time in ISO 8601"):
        read_event({**THIN, "created": created})


@pytest.mark.parametrize("body", [None, [], "event", 5, True])
def test_a_body_that_is_no_object_is_refused(body: Any) -> None:
    with pytest.raises(MalformedEvent, match="not a JSON object"):
        read_event(body)


def test_a_long_foreign_value_is_cut_in_the_message() -> None:
    with pytest.raises(MalformedEvent) as refused:
        read_event({**SNAPSHOT, "id": "x" * 10_000})
    assert len(str(refused.value)) < 120


@given(json_values)
def test_no_json_makes_the_reader_raise_anything_else(value: Any) -> None:
    with contextlib.suppress(MalformedEvent):
        assert read_event(value).id


@given(
    st.sampled_from([SNAPSHOT, THIN]),
    st.dictionaries(
        st.sampled_from(
            ["id", "object", "type", "created", "livemode", "data", "related_object", "account"]
        ),
        json_values,
        min_size=1,
    ),
)
def test_no_field_of_an_event_makes_the_reader_raise_anything_else(
    base: dict[str, Any], broken: dict[str, Any]
) -> None:
    with contextlib.suppress(MalformedEvent):
        assert read_event({**base, **broken}).id


@given(
    st.dictionaries(
        st.sampled_from(
            ["id", "object", "customer", "metadata", "parent", "subscription", "payment", "product"]
        ),
        json_values,
    )
)
def test_no_object_within_an_event_is_malformed(subject: dict[str, Any]) -> None:
    payload = snapshot_about(subject)
    before = copy.deepcopy(payload)

    assert read_event(payload).id == "evt_1"
    assert repr(payload) == repr(before)
