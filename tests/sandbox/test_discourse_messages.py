"""Private messages of the simulated forum: once only, versions, conflicts, text that stays text."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from bridge.sandbox.discourse.cooked import NOBODY, Names, cook
from tests.sandbox.discourse_world import Site

NAMES = Names(lambda n: n in ("ada", "all"), lambda n: n == "patrons", lambda n: n == "general")


@pytest.fixture
def site() -> Iterator[Site]:
    site = Site()
    site.person("ada")
    site.person("robot", moderator=True)
    yield site
    site.close()


def edit(site: Site, post: int, raw: str, **more: Any) -> Any:
    extra = {k: more.pop(k) for k in ("edit_reason", "original_text") if k in more}
    body: dict[str, Any] = {"post": {"raw": raw, **extra}, **more}
    return site.call("PUT", f"/posts/{post}.json", json=body)


def test_the_same_request_within_two_minutes_is_the_same_message(site: Site) -> None:
    first = site.message("ada").get_json()
    assert site.message("ada").get_json()["id"] == first["id"]
    site.world.clock.advance(121)
    assert site.message("ada").get_json()["id"] != first["id"]


def test_a_refusal_is_remembered_for_two_minutes_too(site: Site) -> None:
    site.person("newcomer", trust_level=0)
    told = {"title": "Hi", "raw": "A text long enough.", "target_recipients": "ada"}
    body = {**told, "archetype": "private_message"}
    assert site.call("POST", "/posts.json", json=body, as_user="newcomer").status_code == 422
    site.forum.users[site.forum.user_id_by_name["newcomer"]].trust_level = 1
    assert site.call("POST", "/posts.json", json=body, as_user="newcomer").status_code == 422
    site.world.clock.advance(121)
    assert site.call("POST", "/posts.json", json=body, as_user="newcomer").status_code == 200


def test_an_external_id_is_used_once_and_leads_to_its_topic(site: Site) -> None:
    made = site.message("ada", external_id="statement-1").get_json()
    again = site.message("ada", external_id="statement-1", title="Another")
    assert again.get_json()["errors"] == ["External has already been taken"]
    found = site.call("GET", "/t/external_id/statement-1.json")
    where = f"http://localhost:3000/t/your-statement/{made['topic_id']}.json"
    assert (found.status_code, found.headers["Location"]) == (301, where)


def test_a_small_edit_soon_is_no_version_a_late_or_large_or_explained_one_is(site: Site) -> None:
    post = site.message("ada").get_json()["id"]

    def version(raw: str, **more: Any) -> int:
        found: int = edit(site, post, raw, **more).get_json()["post"]["version"]
        return found

    assert version("As of tomorrow you are in.") == 1
    assert version("As of tomorrow you are in.") == 1
    assert version("x" * 500 + " and more of it") == 2
    assert version("x" * 500 + " and more of it!", edit_reason="renewal") == 3
    site.world.clock.advance(301)
    assert version("x" * 500 + " and more of it?") == 4


def test_an_edit_bumps_unless_told_not_to(site: Site) -> None:
    made = site.message("ada").get_json()
    topic = site.forum.topics[made["topic_id"]]
    then = topic.bumped_at
    site.world.clock.advance(1000)
    edit(site, made["id"], "Another text altogether.", bypass_bump=True)
    assert topic.bumped_at == then
    site.world.clock.advance(1000)
    edit(site, made["id"], "And yet another text altogether.")
    assert topic.bumped_at == then + 2000


def test_an_edit_on_another_ground_is_a_conflict(site: Site) -> None:
    post = site.message("ada").get_json()["id"]
    assert edit(site, post, "New text here.", original_text="not it").status_code == 409
    good = edit(site, post, "New text here.", original_text="As of today you are in.")
    assert good.status_code == 200


@pytest.mark.parametrize(("raw", "status"), [("", 422), ("short", 422), ("x" * 32001, 422)])
def test_texts_that_are_no_texts_are_refused(site: Site, raw: str, status: int) -> None:
    post = site.message("ada").get_json()["id"]
    assert edit(site, post, raw).status_code == status
    assert site.message("ada", raw=raw, title="Another").status_code == status


def test_staff_reach_those_who_want_no_messages_and_others_do_not(site: Site) -> None:
    site.forum.users[site.forum.user_id_by_name["ada"]].allow_private_messages = False
    site.person("bob")
    body = {
        "title": "Hello there",
        "raw": "A text long enough.",
        "archetype": "private_message",
        "target_recipients": "ada",
    }
    assert site.call("POST", "/posts.json", json=body, as_user="bob").status_code == 422
    assert site.call("POST", "/posts.json", json=body, as_user="robot").status_code == 200


def test_only_its_people_and_admins_see_a_message(site: Site) -> None:
    site.person("bob")
    topic = site.message("ada").get_json()["topic_id"]
    statuses = {
        name: site.call("GET", f"/t/{topic}.json", as_user=name).status_code
        for name in ("ada", "bob", "robot", "siteadmin")
    }
    assert statuses == {"ada": 200, "bob": 404, "robot": 404, "siteadmin": 200}


def test_a_deleted_message_can_be_edited_and_not_be_answered(site: Site) -> None:
    made = site.message("ada").get_json()
    site.call("DELETE", f"/t/{made['topic_id']}.json")
    assert site.call("GET", f"/t/{made['topic_id']}.json", as_user="ada").status_code == 404
    assert edit(site, made["id"], "Nobody will see it.").status_code == 200
    reply = {"topic_id": made["topic_id"], "raw": "A reply to what is gone."}
    assert site.call("POST", "/posts.json", json=reply).status_code == 422


def test_the_reader_is_notified_of_each_message_and_not_of_edits(site: Site) -> None:
    made = site.message("ada").get_json()
    edit(site, made["id"], "x" * 700)
    reply = {"topic_id": made["topic_id"], "raw": "Your payment has arrived."}
    site.call("POST", "/posts.json", json=reply)
    mine = site.call("GET", "/notifications.json", as_user="ada").get_json()["notifications"]
    assert [n["post_number"] for n in mine] == [2, 1]


def test_a_long_conversation_is_read_in_parts(site: Site) -> None:
    topic = site.message("ada").get_json()["topic_id"]
    for n in range(24):
        reply = {"topic_id": topic, "raw": f"Payment number {n} has arrived."}
        site.call("POST", "/posts.json", json=reply)
    stream = site.call("GET", f"/t/{topic}.json").get_json()["post_stream"]
    assert (len(stream["posts"]), len(stream["stream"])) == (20, 25)
    rest = {"post_ids[]": stream["stream"][20:]}
    answer = site.call("GET", f"/t/{topic}/posts.json", query_string=rest).get_json()
    assert [p["post_number"] for p in answer["post_stream"]["posts"]] == [21, 22, 23, 24, 25]


def test_public_topics_need_a_category_a_title_and_no_namesake(site: Site) -> None:
    body = {"title": "Become a patron of this place", "raw": "Join us by the link below."}
    assert site.call("POST", "/posts.json", json=body).get_json()["errors"] == [
        "Category can't be blank"
    ]
    assert site.call("POST", "/posts.json", json={**body, "category": 4}).status_code == 200
    other = {**body, "category": 4, "raw": "Another text, but the title is taken."}
    assert site.call("POST", "/posts.json", json=other).get_json()["errors"] == [
        "Title has already been used"
    ]


def test_the_inbox_has_what_others_wrote_the_sent_box_ones_own(site: Site) -> None:
    site.message("ada")

    def titles(box: str, name: str) -> list[str]:
        answer = site.call("GET", f"/topics/{box}/{name}.json").get_json()
        return [t["title"] for t in answer["topic_list"]["topics"]]

    assert titles("private-messages", "ada") == ["Your statement"]
    assert titles("private-messages-sent", "ada") == []
    assert titles("private-messages-sent", "siteadmin") == ["Your statement"]


@pytest.mark.parametrize(
    ("raw", "cooked"),
    [
        ("hello\nworld", "<p>hello<br />\nworld</p>"),
        (r"\*not\* \_it\_", "<p>*not* _it_</p>"),
        ("a <!-- hidden --> b", "<p>a  b</p>"),
        ("<script>alert(1)</script>", ""),
        ("<img src=x onerror=alert(1)>", ""),
        ("<small>as of</small>", "<p><small>as of</small></p>"),
        ("<small onclick=x>as of</small>", "<p>as of</small></p>"),
        ("[x](javascript:alert(1))", "<p>[x](javascript:alert(1))</p>"),
        ("a < b & c", "<p>a &lt; b &amp; c</p>"),
        (
            '[details="2025"]\nold\n[/details]',
            "<details>\n<summary>\n2025</summary>\n<p>old</p>\n</details>",
        ),
        ("[details=open without an end", "<p>[details=open without an end</p>"),
    ],
)
def test_markdown_is_shown_as_the_forum_shows_it(raw: str, cooked: str) -> None:
    assert cook(raw) == cooked


@pytest.mark.parametrize(
    "hostile",
    [
        "@ada",
        r"\@ada",
        "&#64;ada",
        "@patrons",
        "#general",
        ":smile:",
        ";)",
        "[x]",
        "[date=2027-01-01]",
    ],
)
def test_a_backslash_does_not_stop_what_discourse_makes_of_text(hostile: str) -> None:
    assert "class=" in cook(hostile, NAMES)


@pytest.mark.parametrize(
    ("careful", "shown"),
    [
        (r"\@<!-- -->ada", "@ada"),
        (r"\#<!-- -->general", "#general"),
        (r"\:<!-- -->smile\:<!-- -->", ":smile:"),
        (r"\;<!-- -->\)", ";)"),
        (r"\[<!-- -->x\]", "[x]"),
        (r"a \| b", "a | b"),
    ],
)
def test_a_comment_between_does_and_leaves_no_trace(careful: str, shown: str) -> None:
    assert cook(careful, NAMES) == f"<p>{shown}</p>"


def test_tables_keep_their_alignment() -> None:
    cooked = cook("| What | Amount |\n|---|---:|\n| Share | €5.00 |", NOBODY)
    assert '<th style="text-align:right">Amount</th>' in cooked
    assert cooked.startswith('<div class="md-table">')


def test_a_list_of_messages_tells_who_began_each_and_who_wrote_last(site: Site) -> None:
    topic = site.message("ada").get_json()["topic_id"]

    def parts() -> list[tuple[str | None, str]]:
        listed = site.call("GET", "/topics/private-messages/ada.json", as_user="ada").get_json()
        posters = listed["topic_list"]["topics"][0]["posters"]
        return [(p["extras"], p["description"]) for p in posters]

    assert parts() == [("latest single", "Original Poster, Most Recent Poster")]
    site.call("POST", "/posts.json", json={"topic_id": topic, "raw": "Thank you."}, as_user="ada")
    assert parts() == [(None, "Original Poster"), ("latest", "Most Recent Poster")]
