"""The tasks from the forum's webhook."""

from __future__ import annotations

import contextlib
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.core.events.forum import ForumEvent, read_forum_event
from bridge.core.events.stripe import MalformedEvent
from bridge.core.events.tasks import Ignore, ReadGroups, SyncUser
from handlers import FORUM_ROUTES, NOT_LISTENED_TO, route_forum

MEMBERSHIP = {
    "group_user": {
        "id": 1790,
        "group_id": 62,
        "user_id": 2555,
        "notification_level": 3,
        "created_at": "2026-11-22T05:25:52.416Z",
    }
}
USER = {"user": {"id": 2555, "username": "grace", "email": "grace@example.com"}}
GROUP = {"group": {"id": 62, "name": "patrons", "automatic": False}}


@pytest.mark.parametrize(
    ("name", "task"),
    [
        ("user_added_to_group", SyncUser(2555, 62, is_member=True)),
        ("user_removed_from_group", SyncUser(2555, 62, is_member=False)),
    ],
)
def test_a_membership_that_changed_is_told_with_how_it_is_now(name: str, task: SyncUser) -> None:
    event = read_forum_event("e", name, MEMBERSHIP)

    assert event == ForumEvent("e", name, user_id=2555, group_id=62)
    assert route_forum(event) == [task]


@pytest.mark.parametrize(
    "name", ["user_suspended", "user_unsuspended", "user_anonymized", "user_destroyed"]
)
def test_an_account_that_changed_is_looked_at_again(name: str) -> None:
    event = read_forum_event("e", name, USER)

    assert event == ForumEvent("e", name, user_id=2555)
    assert route_forum(event) == [SyncUser(2555)]


@pytest.mark.parametrize("name", ["group_created", "group_updated", "group_destroyed"])
def test_a_group_that_changed_is_looked_at_again(name: str) -> None:
    event = read_forum_event("e", name, GROUP)

    assert event == ForumEvent("e", name, group_id=62)
    assert route_forum(event) == [ReadGroups()]


@pytest.mark.parametrize("name", ["ping", "post_created", "user_logged_in", "user_updated"])
def test_what_nobody_listens_to_is_ignored_saying_so(name: str) -> None:
    event = read_forum_event("e", name, {"ping": "OK"})

    assert route_forum(event) == [NOT_LISTENED_TO]


@pytest.mark.parametrize("name", FORUM_ROUTES)
def test_an_event_that_names_nobody_is_ignored_saying_so(name: str) -> None:
    (task,) = route_forum(read_forum_event("e", name, {}))

    assert isinstance(task, Ignore)
    assert name in task.reason


@pytest.mark.parametrize("number", [0, -1, -2, True, "5", 5.0, None, 2**31, [5]])
def test_only_a_real_accounts_number_counts_not_that_of_the_forums_bots(number: object) -> None:
    assert read_forum_event("e", "user_destroyed", {"user": {"id": number}}).user_id is None


@pytest.mark.parametrize("name", ["", "a\nb", "x" * 101])
def test_a_header_that_is_no_name_is_refused(name: str) -> None:
    with pytest.raises(MalformedEvent, match="X-Discourse-Event"):
        read_forum_event("e", name, USER)


@pytest.mark.parametrize("body", [None, [], "text", 7])
def test_a_body_that_is_no_object_is_refused(body: Any) -> None:
    with pytest.raises(MalformedEvent, match="the body of ping is not a JSON object"):
        read_forum_event("e", "ping", body)


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=12,
)


@given(
    st.sampled_from(sorted(FORUM_ROUTES)) | st.text(),
    json_values | st.dictionaries(st.sampled_from(["user", "group", "group_user"]), json_values),
)
def test_nothing_makes_the_reader_or_a_route_raise_anything_else(name: str, body: Any) -> None:
    with contextlib.suppress(MalformedEvent):
        assert route_forum(read_forum_event("e", name, body))
