"""The bridge's client at the simulated Discourse: many members, faults on the way, scoped keys."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractContextManager, nullcontext
from typing import Any

import pytest

from bridge.discourse_api.client import DiscourseApi, NotInvited
from bridge.errors import Forbidden, NotFound, RateLimited, Transient, Uncertain
from bridge.sandbox.discourse import people
from bridge.sandbox.discourse.keys import make_key
from bridge.sandbox.run import Sandbox, start

pytestmark = pytest.mark.contract
LEAST = ("global:read", "groups:manage_groups", "topics:write", "posts:edit")


def _open(_priority: str) -> AbstractContextManager[object]:
    return nullcontext()


@pytest.fixture(params=["", "/community"], ids=["at the root", "in a sub-folder"])
def sandbox(request: pytest.FixtureRequest) -> Iterator[Sandbox]:
    running = start(discourse_limit=1000, discourse_path=request.param)
    try:
        yield running
    finally:
        running.close()


def api_of(sandbox: Sandbox, key: str | None = None, username: str | None = None) -> DiscourseApi:
    info = sandbox.info
    return DiscourseApi(
        info["discourse_url"],
        key or info["discourse_key"],
        username or info["discourse_username"],
        _open,
    )


@pytest.fixture
def api(sandbox: Sandbox) -> DiscourseApi:
    return api_of(sandbox)


def now(sandbox: Sandbox) -> float:
    return sandbox.world.clock.now()


def a_group(sandbox: Sandbox, name: str = "patrons", members: int = 0) -> Any:
    group = people.add_group(sandbox.forum, name, now(sandbox))
    users = people.load_users(sandbox.forum, members, now(sandbox), prefix=f"{name}-")
    people.load_members(sandbox.forum, group, users, now(sandbox), actor_id=1)
    return group


def a_user(sandbox: Sandbox, name: str, **more: Any) -> Any:
    return people.add_user(sandbox.forum, name, f"{name}@example.com", now(sandbox), **more)


def test_a_thousand_members_a_page_and_every_one_of_them_once(
    sandbox: Sandbox, api: DiscourseApi
) -> None:
    group = a_group(sandbox, members=2300)
    seen: list[int] = []
    offset = 0
    while True:
        page = api.members("patrons", offset=offset)
        seen += [member.user_id for member in page.members]
        offset += len(page.members)
        if offset >= page.total:
            break
    assert len(seen) == len(set(seen)) == 2300
    assert set(seen) == set(group.members)


def test_users_go_in_and_out_by_their_ids(sandbox: Sandbox, api: DiscourseApi) -> None:
    group = a_group(sandbox)
    ids = [a_user(sandbox, name).id for name in ("alice", "bobby", "carol")]
    assert api.add_members(group.id, ids[:2]).usernames == ("alice", "bobby")
    assert api.add_members(group.id, ids[:2]).all_were_members
    assert set(api.add_members(group.id, ids).usernames) == {"alice", "bobby", "carol"}
    removed = api.remove_members(group.id, [*ids[:1], ids[0]])
    assert removed.removed == ("alice",)
    assert set(group.members) == set(ids[1:])
    assert api.user(ids[1]).group_ids >= {group.id}
    assert api.user(ids[0]).group_ids.isdisjoint({group.id})


def test_E57_a_renamed_group_is_found_by_its_number(sandbox: Sandbox, api: DiscourseApi) -> None:
    group = a_group(sandbox)
    del sandbox.forum.group_id_by_name["patrons"]
    group.name = "supporters"
    sandbox.forum.group_id_by_name["supporters"] = group.id
    assert api.group_by_id(group.id).name == "supporters"
    assert "supporters" in {g.name for g in api.groups()}
    with pytest.raises(NotFound):
        api.members("patrons")


def test_E58_people_who_are_gone_or_suspended(sandbox: Sandbox, api: DiscourseApi) -> None:
    suspended = a_user(sandbox, "alice", suspended_at=now(sandbox), suspended_till=4_000_000_000.0)
    gone = a_user(sandbox, "bobby")
    people.delete(sandbox.forum, gone, sandbox.forum.users[1], now(sandbox))
    assert api.user(suspended.id).state == "suspended"
    with pytest.raises(NotFound):
        api.user(gone.id)


def test_one_message_for_each_member_whatever_happens(sandbox: Sandbox, api: DiscourseApi) -> None:
    a_user(sandbox, "alice", trust_level=1)
    words = ("alice", "Your membership", "Everything about your membership.", "statement-1")
    sandbox.world.faults.add("discourse", "POST */posts.json", "reset_after")
    with pytest.raises(Uncertain):
        api.create_message(*words)
    sandbox.world.clock.advance(3600)  # long after the forum's own memory of 120 s
    again = api.create_message(*words)
    assert not again.created
    assert api.message_by_external_id("statement-1") == again
    api.edit_message(again.post_id, "Something new about your membership.")
    assert sandbox.forum.posts[again.post_id].raw == "Something new about your membership."
    assert api.message_alive(again.topic_id)


def test_an_invitation_leads_by_its_number_to_who_accepted_it_with_the_least_of_keys(
    sandbox: Sandbox,
) -> None:
    forum, api = sandbox.forum, scoped(sandbox, *LEAST, "invites:create")
    numbers = [api.invite(f"new{number}@example.com", "Welcome") for number in range(42)]
    assert api.invite("new0@example.com", "Welcome") == numbers[0], "one that waits is renewed"
    assert api.accepted_invites().accepted == ()
    ids = []
    for number in numbers:
        user = a_user(sandbox, f"new-{number}")
        forum.invites[number].redeemed.append((user.id, now(sandbox)))
        ids.append(user.id)
    first = api.accepted_invites()
    rest = api.accepted_invites(len(first.accepted))
    both = (*first.accepted, *rest.accepted)
    assert {one.invite_id: one.user_id for one in both} == dict(zip(numbers, ids, strict=True))
    assert (len(first.accepted), first.total) == (40, 42)
    assert api.accepted_invites(42).accepted == ()


def test_A12_an_address_with_an_account_is_not_invited_and_no_error_tells_it(
    sandbox: Sandbox, api: DiscourseApi
) -> None:
    a_user(sandbox, "alice")
    with pytest.raises(NotInvited) as refused:
        api.invite("alice@example.com", "Welcome")
    assert "alice@" not in str(refused.value)
    assert refused.value.__suppress_context__, "what the forum said may name it"


def test_I4_the_sixty_first_request_of_a_minute_is_told_how_long_to_wait(
    sandbox: Sandbox, api: DiscourseApi
) -> None:
    sandbox.forum.requests_per_minute = 5
    group = a_group(sandbox)
    for _ in range(5):
        api.group_by_id(group.id)
    with pytest.raises(RateLimited) as refusal:
        api.group_by_id(group.id)
    assert 50 < (refusal.value.retry_after or 0) <= 61


@pytest.mark.parametrize("kind", ["reset_after", "html", "half_body"])
def test_F18_F19_a_write_that_was_done_but_not_answered_is_uncertain(
    sandbox: Sandbox, api: DiscourseApi, kind: str
) -> None:
    group, alice = a_group(sandbox), a_user(sandbox, "alice")
    sandbox.world.faults.add("discourse", "PUT */groups/*/members.json", kind)
    with pytest.raises(Uncertain):
        api.add_members(group.id, [alice.id])
    assert alice.id in group.members
    assert [m.user_id for m in api.members("patrons").members] == [alice.id]


def test_F39_a_batch_that_was_cut_off_is_uncertain_and_partly_done(
    sandbox: Sandbox, api: DiscourseApi
) -> None:
    group = a_group(sandbox)
    ids = [user.id for user in people.load_users(sandbox.forum, 10, now(sandbox))]
    sandbox.world.faults.add("discourse", "PUT */groups/*/members.json", "partial", members=4)
    with pytest.raises(Uncertain):
        api.add_members(group.id, ids)
    assert len(group.members) == 4
    assert set(api.add_members(group.id, ids).usernames) == {
        sandbox.forum.users[user_id].username for user_id in ids
    }


def test_a_short_page_is_an_error(sandbox: Sandbox, api: DiscourseApi) -> None:
    a_group(sandbox, members=20)
    sandbox.world.faults.add("discourse", "GET */groups/*/members.json", "short_page")
    with pytest.raises(Transient, match="short page"):
        api.members("patrons")
    assert len(api.members("patrons").members) == 20


def test_a_forum_that_is_read_only_is_waited_for(sandbox: Sandbox, api: DiscourseApi) -> None:
    group, alice = a_group(sandbox), a_user(sandbox, "alice")
    sandbox.forum.read_only = True
    with pytest.raises(Transient) as error:
        api.add_members(group.id, [alice.id])
    assert not isinstance(error.value, Uncertain)
    assert api.group_by_id(group.id).id == group.id


@pytest.mark.parametrize("private", [False, True])
def test_A102_the_look_is_read_without_the_key(
    sandbox: Sandbox, api: DiscourseApi, *, private: bool
) -> None:
    sandbox.forum.settings["login_required"] = private
    site = api.site()
    assert site.title
    assert site.light["primary"] != site.dark["primary"]
    assert site.version is not None
    assert site.login_required is private
    assert {entry.caller for entry in sandbox.world.journal.since(server="discourse")} <= {""}


# --- doctor --------------------------------------------------------------------------------------


def scoped(sandbox: Sandbox, *names: str) -> DiscourseApi:
    """With a key of these scopes, for the administrator."""
    scopes: list[dict[str, Any]] = [{"scope_id": name} for name in names]
    bot = sandbox.forum.user_id_by_name[sandbox.info["discourse_username"]]
    return api_of(sandbox, make_key(sandbox.world, sandbox.forum, "scoped", bot, scopes).key)


def memberships(sandbox: Sandbox) -> dict[str, set[int]]:
    return {group.name: set(group.members) for group in sandbox.forum.groups.values()}


def test_A103_doctor_asks_everything_and_changes_nothing(
    sandbox: Sandbox, api: DiscourseApi
) -> None:
    group = a_group(sandbox, members=3)
    before = memberships(sandbox), len(sandbox.forum.posts), len(group.log)
    assert all(check.ok for check in api.probe())
    assert all(check.ok for check in api.probe(group.id))
    assert (memberships(sandbox), len(sandbox.forum.posts), len(group.log)) == before


def test_A103_a_wrong_key_is_one_finding(sandbox: Sandbox) -> None:
    checks = api_of(sandbox, "0" * 64).probe()
    assert [(check.scope, check.ok) for check in checks] == [("key", False)]
    with pytest.raises(Forbidden):
        api_of(sandbox, "0" * 64).user(1)


def test_A103_the_least_scopes_content_the_doctor(sandbox: Sandbox) -> None:
    a_group(sandbox, members=1)
    checks = scoped(sandbox, *LEAST).probe()
    assert [check.message for check in checks if not check.ok] == []


@pytest.mark.parametrize("missing", LEAST)
def test_A103_less_than_that_is_named(sandbox: Sandbox, missing: str) -> None:
    a_group(sandbox, members=1)
    checks = scoped(sandbox, *(name for name in LEAST if name != missing)).probe()
    assert {check.scope for check in checks if not check.ok} == {missing}


def test_A103_the_doctor_finds_out_whether_the_key_may_invite_and_invites_nobody(
    sandbox: Sandbox,
) -> None:
    (fine,) = scoped(sandbox, *LEAST, "invites:create").probe_invites()
    (lacks,) = scoped(sandbox, *LEAST).probe_invites()
    assert (fine.ok, lacks.ok, lacks.scope) == (True, False, "invites:create")
    assert sandbox.forum.invites == {}


def test_A103_an_old_scope_that_adds_and_does_not_remove_is_found_out() -> None:
    old = start(discourse_version="3.2")
    try:
        a_group(old, members=1)
        wrong = [check for check in scoped(old, *LEAST).probe() if not check.ok]
    finally:
        old.close()
    assert [check.scope for check in wrong] == ["groups:manage_groups"]
    assert "remove members" in wrong[0].message


def test_A103_a_moderator_who_may_not_change_groups_is_told(sandbox: Sandbox) -> None:
    group = a_group(sandbox, members=1)
    a_user(sandbox, "robot", moderator=True)
    checks = api_of(sandbox, username="robot").probe(group.id)
    wrong = {check.scope for check in checks if not check.ok}
    assert "groups:manage_groups" in wrong
    assert "bot" not in wrong
