"""Doctor's questions to a forum: what a key can do, without changing anything (A103)."""

from __future__ import annotations

from contextlib import AbstractContextManager, nullcontext

import pytest

from bridge.core.model.check import Check
from bridge.discourse_api.client import DiscourseApi
from bridge.errors import Transient
from tests.contract.recorded import Asked, Played, Recorded, answer, recorded_server

pytestmark = pytest.mark.contract

REFUSED = answer({"errors": ["The API username or key is invalid."]}, 403)
HIDDEN = answer({"errors": ["could not be found"], "error_type": "not_found"}, 404)
LEAST = frozenset({"global:read", "groups:manage_groups", "topics:write", "posts:edit"})
ME = {
    "id": 9,
    "username": "robot",
    "moderator": True,
    "admin": False,
    "trust_level": 1,
    "groups": [{"id": 3, "name": "staff"}],
}
GROUPS = [
    {"id": 1, "name": "admins", "automatic": True},
    {"id": 62, "name": "patrons", "automatic": False},
]
MEMBER = {"id": 5, "username": "alice", "added_at": "2026-11-22T05:25:39.803Z"}


class Forum(Recorded):
    """Answers as the real one did, for a key with these scopes."""

    def __init__(self, scopes: frozenset[str]) -> None:
        super().__init__()
        self.scopes = scopes
        self.me: dict[str, object] = ME
        self.members = [MEMBER]

    def next_answer(self, asked: Asked) -> Played:
        self.asked.append(asked)
        if asked.method == "GET":
            if "global:read" not in self.scopes:
                listed = asked.path.endswith("/members.json") and self._may("groups:manage_groups")
                return self._read(asked) if listed else _refusal(asked)
            return self._read(asked)
        scope, as_recorded = self._write(asked)
        return as_recorded if self._may(scope) else REFUSED

    def _may(self, scope: str) -> bool:
        return scope in self.scopes

    def _read(self, asked: Asked) -> Played:
        total = len(self.members)
        pages: dict[str, object] = {
            "/u/robot.json": {"user": self.me},
            "/groups.json": {"groups": GROUPS, "total_rows_groups": 2},
            "/groups/by-id/62.json": {"group": GROUPS[1]},
            "/groups/patrons/members.json": {
                "members": self.members,
                "meta": {"total": total, "limit": 1, "offset": 0},
            },
            "/groups/patrons/logs.json": {"logs": [], "all_loaded": True},
            "/admin/users/9.json": self.me,
        }
        return answer(pages[asked.path]) if asked.path in pages else HIDDEN

    def _write(self, asked: Asked) -> tuple[str, Played]:
        ids = (asked.body or {}).get("user_ids") or asked.query.get("user_ids", [""])[0]
        nobody = answer({"errors": ["user_ids"], "error_type": "invalid_parameters"}, 400)
        if asked.path.endswith("/members.json"):
            if asked.method == "PUT":
                said = answer({"errors": ["already"]}, 422) if ids == "5" else nobody
            else:
                skipped = {"usernames": [], "skipped_usernames": ["robot"]}
                said = answer(skipped) if ids == "9" else nobody
            missing = asked.path != "/groups/62/members.json"
            return "groups:manage_groups", answer({"status": 404}, 404) if missing else said
        if asked.method == "POST":
            return "topics:write", answer({"errors": ["You must select a valid user."]}, 422)
        return "posts:edit", HIDDEN


def _refusal(asked: Asked) -> Played:
    return HIDDEN if asked.path.startswith("/admin") else REFUSED


def _open(_priority: str) -> AbstractContextManager[object]:
    return nullcontext()


def _probe(scopes: frozenset[str], **changed: object) -> tuple[Forum, list[Check]]:
    forum = Forum(scopes)
    for name, value in changed.items():
        setattr(forum, name, value)
    with recorded_server(forum):
        return forum, DiscourseApi(forum.url, "key", "robot", _open).probe()


def test_A103_a_key_with_the_least_scopes_contents_the_doctor() -> None:
    _, checks = _probe(LEAST)
    assert [c.message for c in checks if not c.ok] == []
    assert {c.scope for c in checks} == {*LEAST, "key", "bot"}


@pytest.mark.parametrize("missing", sorted(LEAST))
def test_A103_a_missing_scope_is_named_with_what_will_not_work(missing: str) -> None:
    _, checks = _probe(LEAST - {missing})
    wrong = [c for c in checks if not c.ok]
    assert {c.scope for c in wrong} == {missing}
    assert all("cannot" in c.message and missing in c.message for c in wrong)
    assert next(c for c in checks if c.scope == "key").ok


def test_A103_a_wrong_key_is_told_from_missing_pages() -> None:
    _, checks = _probe(frozenset())
    assert [(c.scope, c.ok) for c in checks] == [("key", False)]
    assert "DISCOURSE_API_KEY" in checks[0].message


def test_A103_adding_is_tried_with_a_member_and_removing_with_one_who_is_not() -> None:
    forum, _ = _probe(LEAST)
    tried = [a for a in forum.asked if a.path == "/groups/62/members.json"]
    assert [(a.method, a.body or a.query) for a in tried] == [
        ("PUT", {"user_ids": "5"}),
        ("DELETE", {"user_ids": ["9"]}),
    ]


def test_A103_an_empty_group_and_a_bot_inside_are_tried_with_an_id_of_nobody() -> None:
    forum, checks = _probe(
        LEAST, members=[], me={**ME, "groups": [{"id": 62, "name": "supporters"}]}
    )
    tried = [a for a in forum.asked if a.path == "/groups/62/members.json"]
    assert [a.body or a.query for a in tried] == [
        {"user_ids": "2147483647"},
        {"user_ids": ["2147483647"]},
    ]
    assert all(c.ok for c in checks)


def test_A103_a_newcomer_as_bot_is_told_before_the_first_message_fails() -> None:
    newcomer = {**ME, "moderator": False, "trust_level": 0}
    _, checks = _probe(LEAST, me=newcomer)
    bot = next(c for c in checks if c.scope == "bot")
    assert not bot.ok
    assert "moderator" in bot.message


def test_a_forum_that_is_down_is_no_wrong_key() -> None:
    forum = Forum(LEAST)
    with recorded_server(forum):
        url = forum.url
    with pytest.raises(Transient):
        DiscourseApi(url, "key", "robot", _open).probe()
