"""The bridge's client against recorded answers of Discourse 3.5, and both sets of schemas."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from datetime import UTC, datetime
from typing import Any

import pytest

from bridge.discourse_api import http as discourse_http
from bridge.discourse_api.answers import MessageRef
from bridge.discourse_api.client import DiscourseApi
from bridge.discourse_api.http import ForumClient
from bridge.discourse_api.refusals import Priority, Refused
from bridge.errors import (
    Forbidden,
    NotFound,
    Permanent,
    RateLimited,
    Transient,
    Uncertain,
)
from tests.contract.recorded import (
    CONTRACT,
    Recorded,
    answer,
    discourse_limit_steps,
    discourse_steps,
    needs_contract,
    recorded_server,
)

pytestmark = pytest.mark.contract
STEPS = discourse_steps()
ADD = "/groups/62/members.json"
ALL_IN = answer({"errors": ["'alice' is already a member of this group."]}, 422)


class Gate:
    """Counts who passed, and how each request ended."""

    def __init__(self) -> None:
        self.passed: list[Priority] = []
        self.ended: list[str] = []

    @contextmanager
    def __call__(self, priority: Priority) -> Iterator[None]:
        self.passed.append(priority)
        try:
            yield
        except BaseException as error:
            self.ended.append(type(error).__name__)
            raise
        self.ended.append("answered")


@pytest.fixture
def forum() -> Iterator[Recorded]:
    with recorded_server() as recorded:
        yield recorded


@pytest.fixture
def gate() -> Gate:
    return Gate()


@pytest.fixture
def api(forum: Recorded, gate: Gate) -> DiscourseApi:
    return DiscourseApi(forum.url, "the-key", "robot", gate)


# --- adding and removing -------------------------------------------------------------------------


@needs_contract
def test_users_are_added_by_id_as_a_comma_string(api: DiscourseApi, forum: Recorded) -> None:
    forum.play_step(STEPS["add two, one is in"])
    added = api.add_members(62, [2547, 2548])
    assert added.usernames == ("alice27cce", "bob27cce")
    assert not added.all_were_members
    assert added.seconds > 0
    assert added.server_time is not None
    assert abs((added.server_time - datetime.now(UTC)).total_seconds()) < 10
    assert (
        forum.asked[0].body
        == {"user_ids": "2547,2548"}
        == STEPS["add two, one is in"]["request"]["json"]
    )


@needs_contract
def test_E55_that_all_are_members_already_is_a_result(api: DiscourseApi, forum: Recorded) -> None:
    forum.play_step(STEPS["add one who is in"])
    assert api.add_members(62, [2547]).all_were_members


@needs_contract
def test_ids_of_nobody_are_a_result_without_names(api: DiscourseApi, forum: Recorded) -> None:
    forum.play_step(STEPS["add unknown id"])
    added = api.add_members(62, [99999999])
    assert (added.usernames, added.all_were_members) == ((), False)


def test_more_than_a_thousand_at_once_is_refused_and_no_all_clear(
    api: DiscourseApi, forum: Recorded
) -> None:
    forum.play("PUT", ADD, answer({"errors": ["Maximum 1000 users can be added at once"]}, 422))
    with pytest.raises(Refused, match="1000"):
        api.add_members(62, range(1, 1002))


@needs_contract
@pytest.mark.parametrize(
    ("step", "error"),
    [
        ("add to automatic group", Forbidden),
        ("add to unknown group", NotFound),
        ("add to a deleted group", NotFound),
        ("add as a moderator", Forbidden),
        ("wrong key that writes", Forbidden),
        ("no key that writes", Forbidden),
        ("reading key writes", Forbidden),
    ],
)
def test_refused_additions_say_why(
    api: DiscourseApi, forum: Recorded, step: str, error: type[Exception]
) -> None:
    recorded = STEPS[step]
    forum.play_step(recorded)
    with pytest.raises(error):
        api.add_members(int(recorded["request"]["path"].split("/")[2]), [2547])


@needs_contract
def test_users_are_removed_and_those_not_in_are_named(api: DiscourseApi, forum: Recorded) -> None:
    forum.play_step(STEPS["remove two, one not in"])
    removed = api.remove_members(62, [2550, 2552])
    assert (removed.removed, removed.skipped) == (("dave27cce",), ("frank27cce",))
    assert forum.asked[0].query == {"user_ids": ["2550,2552"]}


@needs_contract
def test_removing_who_is_gone_altogether_removes_nobody(api: DiscourseApi, forum: Recorded) -> None:
    forum.play_step(STEPS["remove unknown"])
    assert api.remove_members(62, [99999999]).removed == ()


def test_a_long_list_of_removals_goes_into_the_body(api: DiscourseApi, forum: Recorded) -> None:
    many = list(range(1_000_001, 1_001_001))
    forum.play("DELETE", ADD, answer({"success": "OK", "usernames": [], "skipped_usernames": []}))
    api.remove_members(62, many)
    assert forum.asked[0].body == {"user_ids": ",".join(map(str, many))}
    assert forum.asked[0].query == {}


# --- reading -------------------------------------------------------------------------------------


@needs_contract
def test_members_are_listed_by_name_in_the_order_of_adding(
    api: DiscourseApi, forum: Recorded
) -> None:
    forum.play_step(STEPS["list members, two"])
    page = api.members("patrons27cce", limit=2)
    assert [m.username for m in page.members] == ["alice27cce", "bob27cce"]
    assert page.members[0].user_id == 2547
    assert page.members[0].added_at == datetime(2026, 11, 22, 5, 25, 39, 803000, UTC)
    assert (page.total, page.limit, page.offset) == (5, 2, 0)
    assert forum.asked[0].query == {
        "limit": ["2"],
        "offset": ["0"],
        "order": ["added_at"],
        "asc": ["true"],
    }


@needs_contract
def test_past_the_end_there_is_nobody(api: DiscourseApi, forum: Recorded) -> None:
    forum.play_step(STEPS["list members, past the end"])
    assert api.members("patrons27cce", limit=50, offset=500).members == ()


def _members(count: int, total: int, limit: int = 1000) -> dict[str, Any]:
    one = {"username": "u", "added_at": "2026-11-22T05:25:39.803Z"}
    return {
        "members": [{**one, "id": n} for n in range(count)],
        "meta": {"total": total, "limit": limit, "offset": 0},
    }


def test_a_short_page_is_an_error_and_never_a_smaller_group(
    api: DiscourseApi, forum: Recorded
) -> None:
    forum.play("GET", "/groups/patrons/members.json", answer(_members(9, total=10)))
    with pytest.raises(Transient, match="short page"):
        api.members("patrons")


def test_a_page_that_the_forum_makes_smaller_is_not_short(
    api: DiscourseApi, forum: Recorded
) -> None:
    forum.play("GET", "/groups/patrons/members.json", answer(_members(50, total=80, limit=50)))
    page = api.members("patrons")
    assert (len(page.members), page.limit) == (50, 50)


@pytest.mark.parametrize("missing", ["members", "meta"])
def test_members_without_what_is_needed_are_no_members(
    api: DiscourseApi, forum: Recorded, missing: str
) -> None:
    body = _members(1, total=1)
    del body[missing]
    forum.play("GET", "/groups/patrons/members.json", answer(body))
    with pytest.raises(Transient, match=missing):
        api.members("patrons")


def _groups(ids: range, total: int) -> dict[str, Any]:
    groups = [{"id": n, "name": f"group{n}", "automatic": False} for n in ids]
    return {"groups": groups, "total_rows_groups": total}


def test_all_pages_of_groups_are_read(api: DiscourseApi, forum: Recorded) -> None:
    pages = (range(36), range(36, 40))
    forum.play("GET", "/groups.json", *(answer(_groups(ids, total=40)) for ids in pages))
    assert [g.id for g in api.groups()] == list(range(40))
    assert [a.query["page"] for a in forum.asked] == [["0"], ["1"]]


def test_groups_that_are_missing_from_the_pages_are_not_taken_for_deleted(
    api: DiscourseApi, forum: Recorded
) -> None:
    forum.play("GET", "/groups.json", answer(_groups(range(36), 40)), answer(_groups(range(0), 40)))
    with pytest.raises(Transient, match="36 groups of 40"):
        api.groups()


@needs_contract
def test_a_group_is_found_by_its_number(api: DiscourseApi, forum: Recorded) -> None:
    forum.play_step(STEPS["show group by id"])
    group = api.group_by_id(62)
    assert (group.id, group.name, group.full_name) == (62, "patrons27cce", "Patrons")
    assert not group.automatic


@needs_contract
def test_the_log_tells_who_changed_a_group(api: DiscourseApi, forum: Recorded) -> None:
    forum.play_step(STEPS["group log"])
    page = api.group_log("patrons27cce")
    first = page.entries[0]
    assert (first.action, first.acting_username, first.target_username) == (
        "remove_user_from_group",
        "siteadmin",
        "dave27cce",
    )
    assert (first.acting_user_id, first.target_user_id) == (1, 2550)
    assert first.at == datetime(2026, 11, 22, 5, 25, 41, 526000, UTC)
    assert page.all_loaded


@needs_contract
def test_a_user_is_read_by_id_with_all_groups(api: DiscourseApi, forum: Recorded) -> None:
    forum.play_step(STEPS["admin user"])
    user = api.user(2547)
    assert (user.id, user.username, user.name, user.state) == (
        2547,
        "alice27cce",
        "Alice",
        "active",
    )
    assert user.group_ids >= {63, 64, 65}


@needs_contract
def test_E58_a_suspended_user_is_known_as_such(api: DiscourseApi, forum: Recorded) -> None:
    forum.play_step(STEPS["admin user suspended"])
    assert api.user(2552).state == "suspended"


@needs_contract
def test_E58_a_user_is_gone_only_if_a_second_page_says_so(
    api: DiscourseApi, forum: Recorded
) -> None:
    forum.play_step(STEPS["admin user deleted"])
    forum.play("GET", "/user-cards.json", answer({"users": []}))
    with pytest.raises(NotFound):
        api.user(2550)


@needs_contract
@pytest.mark.parametrize("step", ["scoped key reads a user", "revoked key reads"])
def test_A103_a_refused_key_below_admin_is_not_taken_for_a_missing_user(
    api: DiscourseApi, forum: Recorded, step: str
) -> None:
    forum.play_step(STEPS[step])
    if step == "revoked key reads":
        refusal = STEPS["wrong key outside of the admin pages"]["response"]
        forum.play("GET", "/user-cards.json", answer(refusal["json"], refusal["status"]))
    else:
        forum.play("GET", "/user-cards.json", answer(STEPS["names of ids"]["response"]["json"]))
    with pytest.raises(Forbidden):
        api.user(2548)


@needs_contract
def test_E54_a_user_is_found_by_name_in_any_case(api: DiscourseApi, forum: Recorded) -> None:
    forum.play_step(STEPS["user page in other case"])
    user = api.user_by_name("ALICE27CCE")
    assert user.id == 2547
    assert user.group_ids


@needs_contract
def test_names_of_up_to_fifty_ids_in_one_request(api: DiscourseApi, forum: Recorded) -> None:
    forum.play_step(STEPS["names of ids"])
    cards = api.user_cards([2547, 2548, 99999999])
    assert [(c.id, c.username) for c in cards] == [(2547, "alice27cce"), (2548, "bob27cce")]
    assert forum.asked[0].query == {"user_ids": ["2547,2548,99999999"]}
    with pytest.raises(ValueError, match="at most 50"):
        api.user_cards(range(51))


# --- messages ------------------------------------------------------------------------------------


@needs_contract
def test_a_message_is_sent_as_it_was_recorded(api: DiscourseApi, forum: Recorded) -> None:
    step = STEPS["create message"]
    forum.play_step(step)
    wanted = step["request"]["json"]
    sent = api.create_message(
        wanted["target_recipients"], wanted["title"], wanted["raw"], wanted["external_id"]
    )
    assert sent == MessageRef(topic_id=89, post_id=93, created=True)
    assert forum.asked[0].body == wanted


@needs_contract
def test_a_message_that_stands_already_is_found_instead(api: DiscourseApi, forum: Recorded) -> None:
    forum.play_step(STEPS["create message with a used external id"])
    forum.play_step(STEPS["message by external id"])
    forum.play_step(STEPS["message topic"])
    found = api.create_message("alice27cce", "Another", "Another text", "statement-27cce")
    assert found == MessageRef(topic_id=89, post_id=93, created=False)


@needs_contract
@pytest.mark.parametrize(
    "step", ["message to an unknown user", "message with a short body", "message without title"]
)
def test_a_message_that_cannot_be_sent_is_a_lasting_error(
    api: DiscourseApi, forum: Recorded, step: str
) -> None:
    forum.play_step(STEPS[step])
    with pytest.raises(Permanent):
        api.create_message("bob", "Title", "Text", "statement-1")


def test_a_message_that_waits_for_approval_is_an_error_with_advice(
    api: DiscourseApi, forum: Recorded
) -> None:
    forum.play("POST", "/posts.json", answer({"action": "enqueued", "success": True}))
    with pytest.raises(Permanent, match="make its user staff"):
        api.create_message("bob", "Title", "Text", "statement-1")


def test_a_message_answered_without_ids_may_have_been_sent(
    api: DiscourseApi, forum: Recorded
) -> None:
    forum.play("POST", "/posts.json", answer({"success": True}))
    with pytest.raises(Uncertain):
        api.create_message("bob", "Title", "Text", "statement-1")


@needs_contract
def test_the_redirect_to_a_message_is_followed_on_the_forum_only(
    api: DiscourseApi, forum: Recorded
) -> None:
    forum.play_step(STEPS["message by external id"])
    forum.play_step(STEPS["message topic"])
    assert api.message_by_external_id("statement-27cce") == MessageRef(89, 93)
    elsewhere = answer("", 301, headers={"Location": "https://elsewhere.example.com/t/x/89.json"})
    forum.play("GET", "/t/external_id/other.json", elsewhere)
    with pytest.raises(Permanent, match=r"elsewhere\.example\.com"):
        api.message_by_external_id("other")
    assert [a.path for a in forum.asked][-1] == "/t/external_id/other.json"


def test_a_message_that_was_never_sent_is_none(api: DiscourseApi) -> None:
    assert api.message_by_external_id("statement-of-nobody") is None


@needs_contract
def test_an_edit_is_silent(api: DiscourseApi, forum: Recorded) -> None:
    step = STEPS["edit message"]
    forum.play_step(step)
    api.edit_message(93, step["request"]["json"]["post"]["raw"])
    assert forum.asked[0].body == step["request"]["json"]


@needs_contract
@pytest.mark.parametrize("step", ["edit message empty", "edit message too long"])
def test_an_edit_that_is_refused_is_a_lasting_error(
    api: DiscourseApi, forum: Recorded, step: str
) -> None:
    forum.play_step(STEPS[step])
    with pytest.raises(Refused):
        api.edit_message(93, "x")


@needs_contract
def test_a_deleted_message_is_not_alive(api: DiscourseApi, forum: Recorded) -> None:
    topic = STEPS["message topic"]["response"]["json"]
    forum.play("GET", "/t/1.json", answer(topic))
    forum.play("GET", "/t/2.json", answer({**topic, "deleted_at": "2026-11-22T05:25:45.867Z"}))
    forum.play_step(STEPS["deleted message as its reader"])
    assert [api.message_alive(n) for n in (1, 2, 95)] == [True, False, False]


# --- errors --------------------------------------------------------------------------------------


GROUP = "/groups/by-id/62.json"
A_GROUP = {"group": {"id": 62, "name": "patrons", "automatic": False}}
ADDED = {"success": "OK", "usernames": ["alice"], "emails": []}


@needs_contract
def test_F17_the_applications_429_says_how_long_and_nobody_sleeps(
    api: DiscourseApi, forum: Recorded, gate: Gate
) -> None:
    told = discourse_limit_steps()["told to wait"]["response"]
    forum.play("GET", GROUP, answer(told["json"], 429))
    with pytest.raises(RateLimited) as refusal:
        api.group_by_id(62)
    assert refusal.value.retry_after == 59
    assert gate.ended == ["RateLimited"]
    assert len(forum.asked) == 1


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({"Retry-After": "7", "Discourse-Rate-Limit-Error-Code": "ip_10_secs_limit"}, 7),
        ({}, 10),
        ({"Retry-After": "soon"}, 10),
        ({"Retry-After": "0"}, 1),
    ],
)
def test_F17_the_middlewares_429_is_plain_text(
    api: DiscourseApi, forum: Recorded, headers: dict[str, str], seconds: float
) -> None:
    forum.play("PUT", ADD, answer("Slow down, too many requests", 429, headers=headers))
    with pytest.raises(RateLimited) as refusal:
        api.add_members(62, [1])
    assert refusal.value.retry_after == seconds


def test_a_429_without_its_extras_is_still_a_429(api: DiscourseApi, forum: Recorded) -> None:
    forum.play("GET", GROUP, answer({"errors": ["slow"]}, 429, headers={"Retry-After": "3"}))
    with pytest.raises(RateLimited) as refusal:
        api.group_by_id(62)
    assert refusal.value.retry_after == 3


def test_no_request_is_made_without_a_free_slot(forum: Recorded) -> None:
    def closed(_priority: Priority) -> AbstractContextManager[object]:
        raise RateLimited("all used", 12)

    with pytest.raises(RateLimited):
        DiscourseApi(forum.url, "key", "robot", closed).group_by_id(62)
    assert forum.asked == []


@needs_contract
def test_a_forum_that_is_read_only_has_surely_not_written(
    api: DiscourseApi, forum: Recorded
) -> None:
    forum.play_step(STEPS["write while read-only"])
    with pytest.raises(Transient) as error:
        api.add_members(62, [2554])
    assert not isinstance(error.value, (Uncertain, RateLimited))


CUT = {
    "F18 reset after the work": answer(ADDED, how="reset"),
    "F19 a page of HTML": answer("<html>502</html>", headers={"Content-Type": "text/html"}),
    "half of the JSON": answer(ADDED, how="half"),
    "broken JSON": answer('{"success":', headers={"Content-Type": "application/json"}),
    "nothing": answer("", headers={"Content-Type": "application/json"}),
    "no names": answer({"success": "OK"}),
    "a list": answer(["success"]),
    "500": answer({"status": 500, "error": "Internal Server Error"}, 500),
    "502 of a proxy": answer("<html>502</html>", 502),
    "503 of a proxy": answer("<html>503</html>", 503),
    "504 of a proxy": answer("<html>504</html>", 504),
}


@pytest.mark.parametrize("how", CUT)
def test_a_write_without_a_usable_answer_may_have_been_done(
    api: DiscourseApi, forum: Recorded, how: str
) -> None:
    forum.play("PUT", ADD, CUT[how])
    forum.play("DELETE", ADD, CUT[how])
    with pytest.raises(Uncertain):
        api.add_members(62, [1])
    with pytest.raises(Uncertain):
        api.remove_members(62, [1])
    assert len(forum.asked) == 2  # never sent again on its own


@pytest.mark.parametrize("how", CUT)
def test_a_read_without_a_usable_answer_is_tried_later(
    api: DiscourseApi, forum: Recorded, how: str
) -> None:
    forum.play("GET", GROUP, CUT[how])
    with pytest.raises(Transient) as error:
        api.group_by_id(62)
    assert not isinstance(error.value, Uncertain)


def test_silence_is_bounded_and_a_write_is_then_uncertain(
    api: DiscourseApi, forum: Recorded, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(discourse_http, "READ_TIMEOUT", (1.0, 0.05))
    monkeypatch.setattr(discourse_http, "WRITE_TIMEOUT", (1.0, 0.05))
    forum.play("PUT", ADD, answer(how="silence"))
    forum.play("GET", GROUP, answer(how="silence"))
    with pytest.raises(Uncertain):
        api.add_members(62, [1])
    with pytest.raises(Transient):
        api.group_by_id(62)


def test_a_write_outlasts_the_30_seconds_after_which_a_forum_kills_its_own_requests() -> None:
    assert discourse_http.WRITE_TIMEOUT[1] > 30


def test_a_write_to_a_forum_that_is_down_has_surely_not_been_done(gate: Gate) -> None:
    with recorded_server() as gone:
        url = gone.url
    with pytest.raises(Transient) as error:
        DiscourseApi(url, "key", "robot", gate).add_members(62, [1])
    assert not isinstance(error.value, Uncertain)
    assert gate.ended == ["Transient"]


@pytest.mark.parametrize(
    ("status", "error"), [(301, Permanent), (308, Permanent), (302, Transient)]
)
def test_redirects_are_not_followed_with_the_key(
    api: DiscourseApi, forum: Recorded, status: int, error: type[Exception]
) -> None:
    with recorded_server() as elsewhere:
        there = answer("", status, headers={"Location": f"{elsewhere.url}{GROUP}"})
        forum.play("GET", GROUP, there)
        with pytest.raises(error):
            api.group_by_id(62)
        assert elsewhere.asked == []


@needs_contract
@pytest.mark.parametrize(
    ("step", "error"),
    [
        ("wrong key outside of the admin pages", Forbidden),
        ("unknown api user outside of the admin pages", Forbidden),
        ("list members by group id", NotFound),
        ("members of a deleted group", NotFound),
        ("list members, 1001", Refused),
        ("list members, negative offset", Refused),
    ],
)
def test_each_refusal_of_a_reading_has_its_type(
    api: DiscourseApi, forum: Recorded, step: str, error: type[Exception]
) -> None:
    forum.play_step(STEPS[step])
    with pytest.raises(error):
        api.members(STEPS[step]["request"]["path"].split("/")[2])


# --- how it asks ---------------------------------------------------------------------------------


def test_F41_a_cookie_is_never_sent_back(api: DiscourseApi, forum: Recorded) -> None:
    cookie = {"Set-Cookie": "_t=logged-in-as-somebody-else; path=/; HttpOnly"}
    forum.play("GET", GROUP, answer(A_GROUP, headers=cookie))
    api.group_by_id(62)
    api.group_by_id(62)
    assert [a.headers.get("Cookie") for a in forum.asked] == [None, None]


def test_requests_share_a_connection_and_carry_the_key(api: DiscourseApi, forum: Recorded) -> None:
    forum.play("GET", GROUP, answer(A_GROUP))
    for _ in range(3):
        api.group_by_id(62)
    assert len({asked.connection for asked in forum.asked}) == 1
    assert forum.asked[0].headers["Api-Key"] == "the-key"
    assert forum.asked[0].headers["Api-Username"] == "robot"


def test_pydiscourses_own_methods_go_the_same_way(forum: Recorded, gate: Gate) -> None:
    client = ForumClient(forum.url, "the-key", "robot", gate)
    forum.play("GET", "/groups/patrons.json", answer(A_GROUP))
    forum.play("PUT", "/admin/users/3/activate.json", answer("Slow down", 429))
    assert client.group("patrons") == A_GROUP
    with pytest.raises(RateLimited):  # without pydiscourse's own sleeping
        client.activate(3)
    assert gate.ended == ["answered", "RateLimited"]
    with pytest.raises(ValueError, match="not offered"):
        client._post("/uploads.json", files={"file": b"x"})


def test_a_forum_in_a_sub_folder_is_asked_there(forum: Recorded, gate: Gate) -> None:
    forum.play("GET", f"/community{GROUP}", answer(A_GROUP))
    redirect = answer("", 301, headers={"Location": f"{forum.url}/community/t/slug/5.json"})
    forum.play("GET", "/community/t/external_id/s.json", redirect)
    topic = {"id": 5, "post_stream": {"posts": [{"id": 6}]}}
    forum.play("GET", "/community/t/5.json", answer(topic))
    api = DiscourseApi(f"{forum.url}/community/", "key", "robot", gate)
    assert api.group_by_id(62).name == "patrons"
    assert api.message_by_external_id("s") == MessageRef(5, 6)


def test_additions_go_before_removals_and_those_before_readings_of_pages(
    api: DiscourseApi, forum: Recorded, gate: Gate
) -> None:
    forum.play("PUT", ADD, answer(ADDED))
    forum.play("DELETE", ADD, answer({"usernames": [], "skipped_usernames": []}))
    forum.play("GET", "/groups/patrons/members.json", answer(_members(0, total=0)))
    api.add_members(62, [1])
    api.remove_members(62, [1])
    api.members("patrons")
    assert gate.passed == ["high", "normal", "low"]


def test_names_cannot_lead_to_another_address(api: DiscourseApi, forum: Recorded) -> None:
    with pytest.raises(NotFound):
        api.members("../admin/users")
    assert forum.asked[0].path == "/groups/..%2Fadmin%2Fusers/members.json"


# --- both versions' schemas ----------------------------------------------------------------------


def _example(schema: dict[str, Any], *, nulls: bool) -> Any:
    """The least value that a schema allows."""
    kinds = schema.get("type", "object")
    if isinstance(kinds, list):
        kinds = "null" if nulls and "null" in kinds else next(k for k in kinds if k != "null")
    if kinds == "object":
        properties = schema.get("properties", {})
        return {key: _example(value, nulls=nulls) for key, value in properties.items()}
    if kinds == "array":
        items = schema.get("items")
        return [_example(items, nulls=nulls)] if isinstance(items, dict) else []
    simple = {"integer": 3, "number": 3, "boolean": True, "string": "2026-11-22T05:25:39.803Z"}
    return simple.get(kinds)


@needs_contract
@pytest.mark.parametrize("nulls", [False, True])
@pytest.mark.parametrize("version", ["v3.2.0.beta4-dev", "v3.5.0.beta9-dev"])
def test_answers_built_from_the_schemas_of_both_versions_are_read(
    api: DiscourseApi, forum: Recorded, version: str, *, nulls: bool
) -> None:
    def schema(name: str) -> Any:
        path = CONTRACT / "discourse" / version / f"{name}_response.json"
        return _example(json.loads(path.read_text()), nulls=nulls)

    members = {**schema("group_members"), "meta": {"total": 1, "limit": 50, "offset": 0}}
    forum.play("GET", "/groups/g/members.json", answer(members))
    forum.play("GET", GROUP, answer(schema("group")))
    forum.play("GET", "/admin/users/3.json", answer(schema("admin_user")))
    forum.play("GET", "/u/u.json", answer(schema("user_get")))
    forum.play("PUT", ADD, answer(schema("group_add_members")))
    forum.play("DELETE", ADD, answer(schema("group_remove_members")))
    forum.play("PUT", "/posts/3.json", answer(schema("post_update")))
    forum.play("POST", "/posts.json", answer(schema("topic_create")))
    assert api.members("g").members[0].user_id == 3
    assert api.group_by_id(62).id == 3
    assert api.user(3).id == 3
    assert api.user_by_name("u").id == 3
    assert len(api.add_members(62, [3]).usernames) == 1
    assert len(api.remove_members(62, [3]).removed) == 1
    assert api.create_message("u", "t", "r", "e") == MessageRef(3, 3, created=True)
    api.edit_message(3, "r")
