"""Addresses for the way back: only the forum and pages of the bridge."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.web.addresses import forum_address, has_page, own_path, with_query

FORUM = "https://forum.example.org"
IN_FOLDER = "https://example.org/forum"


@pytest.mark.parametrize(
    ("address", "forum"),
    [
        ("https://forum.example.org/t/join-us/12/3", FORUM),
        ("https://FORUM.example.org/t/12?page=2#post_3", FORUM),
        ("https://example.org/forum/t/12", IN_FOLDER),
        ("https://example.org/forum", IN_FOLDER),
        ("https://forum.example.org", FORUM),
    ],
)
def test_A82_an_address_on_the_forum_is_taken_as_it_is(address: str, forum: str) -> None:
    assert forum_address(address, forum) == address


def test_A82_a_path_is_taken_to_be_on_the_forum() -> None:
    assert forum_address("/t/join-us/12/3", FORUM) == "https://forum.example.org/t/join-us/12/3"
    assert forum_address("/forum/t/12", IN_FOLDER) == "https://example.org/forum/t/12"


HOSTILE = [
    None,
    "",
    "//evil.example",
    "///evil.example",
    "/\\evil.example",
    "\\\\evil.example",
    "https:evil.example",
    "https:/evil.example",
    "https:///evil.example",
    "http://forum.example.org/t/1",
    "https://forum.example.org@evil.example/",
    "https://forum.example.org:443@evil.example/",
    "https://user@forum.example.org/",
    "https://forum.example.org:8443/",
    "https://forum.example.org:port/",
    "https://forum.example.org.evil.example/",
    "https://evil.example/?https://forum.example.org/",
    "https://evil.example#https://forum.example.org/",
    "https://evil.example\\@forum.example.org/",
    "https://[::1/",
    "javascript:alert(1)",
    "data:text/html,x",
    " https://forum.example.org/",
    "https://forum.example.org/\nx",
    "\thttps://evil.example",
    "/t/1\r\nSet-Cookie: a=b",
    "/t/\x00",
    "t/1",
    "/" + "a" * 2000,
]


@pytest.mark.parametrize("address", HOSTILE)
def test_anything_that_might_lead_elsewhere_is_refused(address: str | None) -> None:
    assert forum_address(address, FORUM) is None


@pytest.mark.parametrize(
    "address",
    [
        "https://example.org/",
        "https://example.org/forumlike/t/1",
        "https://example.org/forum/../admin",
        "https://example.org/forum/%2e%2e/admin",
        "https://example.org/forum/..%2fadmin",
        "https://example.org/forum/%5c..%5cadmin",
        "/other",
    ],
)
def test_a_forum_in_a_folder_keeps_readers_in_its_folder(address: str) -> None:
    assert forum_address(address, IN_FOLDER) is None


@pytest.mark.parametrize(
    "path", [hostile for hostile in HOSTILE if hostile != "t/1"] + ["me", "https://x/", "/a/../b"]
)
def test_going_on_after_signing_in_stays_on_the_bridge(path: str | None) -> None:
    assert own_path(path, default="/me") == "/me"


def test_a_path_of_ours_with_its_query_is_kept() -> None:
    assert own_path("/join/gold?from=%2Ft%2F1") == "/join/gold?from=%2Ft%2F1"


@given(st.text(max_size=60))
def test_whatever_is_given_the_result_is_on_the_forum_or_nothing(address: str) -> None:
    found = forum_address(address, FORUM)
    assert found is None or found == FORUM or found.startswith((f"{FORUM}/", f"{FORUM}?"))


def test_a_bare_origin_is_no_post_to_return_to() -> None:
    assert not has_page("https://forum.example.org/", FORUM)
    assert has_page("https://forum.example.org/t/1", FORUM)


def test_parameters_are_added_to_a_path_that_may_have_some() -> None:
    assert with_query("/join/gold", signed_in="no") == "/join/gold?signed_in=no"
    assert with_query("/join/gold?from=%2Ft", signed_in="no") == "/join/gold?from=%2Ft&signed_in=no"
    assert with_query("/me", other=None) == "/me"
