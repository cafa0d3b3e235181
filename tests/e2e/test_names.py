"""Forum names that are completed while they are typed: for members only, cached, and counted."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from bridge.web import create_app, limiting
from tests.e2e.place import Place, open_place

pytestmark = pytest.mark.e2e


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    with open_place(tmp_path_factory.mktemp("names")) as opened:
        for name in ("ada", "ben", "benedict", "cleo"):
            opened.person(name)
        yield opened


def completed(place: Place, term: str, who: str = "ada") -> list[str]:
    browser = place.browser(who)
    browser.get("/me")
    answer = browser.get("/me/names", params={"term": term})
    assert answer.status_code == 200
    return [one["username"] for one in answer.json()["names"]]


def searches(place: Place, mark: int) -> int:
    """How often the forum was asked since."""
    return sum("/u/search/users" in one.path for one in place.world.journal.since(mark))


def test_names_are_completed_as_the_forums_own_search_has_them(place: Place) -> None:
    assert completed(place, "ben") == ["ben", "benedict"]
    assert completed(place, "@Bene") == ["benedict"]
    assert completed(place, "nobody-of-this-name") == []


def test_the_forum_is_asked_once_for_the_same_letters_and_without_the_key(place: Place) -> None:
    mark = place.world.journal.since()[-1].number
    for who in ("ada", "ben"):
        assert completed(place, "cle", who) == ["cleo"]
    (asked,) = [one for one in place.world.journal.since(mark) if "/u/search" in one.path]
    assert asked.caller == "", "as any visitor"
    place.pass_time(601)
    completed(place, "CLE")
    assert searches(place, mark) == 2


@pytest.mark.parametrize(
    "term", ["", "b", "@", "ben dict", "ben%", "b*", "ben&limit=999", "b" * 61]
)
def test_what_cannot_be_the_beginning_of_a_name_is_not_asked_for(place: Place, term: str) -> None:
    mark = place.world.journal.since()[-1].number
    assert completed(place, term) == []
    assert searches(place, mark) == 0


def test_I7_a_stranger_is_told_no_names(place: Place) -> None:
    answer = place.browser().get("/me/names", params={"term": "ben"})
    assert answer.status_code == 401
    assert "ben" not in answer.text


def test_one_member_may_ask_so_often_and_all_of_them_together_so_often(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(limiting, "LIMITS", limiting.LIMITS | {"names": 3, "search": 2})
    app = create_app(place.bridge)
    mark = place.world.journal.since()[-1].number
    found = {}
    for who in (1, 2):
        client = app.test_client()
        with client.session_transaction() as session:
            session.update(
                user_id=who, username="x", signed_in_at=place.bridge.clock.now().isoformat()
            )
        found[who] = [
            client.get("/me/names", query_string={"term": f"ab{number}"}).status_code
            for number in range(4)
        ]
    assert found == {1: [200, 200, 200, 429], 2: [200, 200, 200, 429]}
    assert searches(place, mark) == 2, "then nothing is completed, and nobody waits"


def test_a_private_forum_completes_nothing(place: Place) -> None:
    place.forum.settings["login_required"] = True
    try:
        assert completed(place, "bened") == []
    finally:
        place.forum.settings["login_required"] = False


def test_only_pages_with_names_run_a_script_and_only_our_own(place: Place) -> None:
    browser = place.browser("ada")
    policies = {
        path: browser.get(path).headers["Content-Security-Policy"]
        for path in ("/me", "/join", "/me/presents", "/me/seats")
    }
    assert "script-src 'self'" in policies.pop("/me/seats")
    assert not any("script-src" in policy for policy in policies.values())
