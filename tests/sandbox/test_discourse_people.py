"""People of the simulated forum: renamed, merged, made anonymous, deleted, invited, found."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from bridge.sandbox.discourse.people import run_due_merges
from tests.sandbox.discourse_world import Site


@pytest.fixture
def site() -> Iterator[Site]:
    site = Site()
    yield site
    site.close()


def test_a_rename_keeps_the_id_and_the_old_name_leads_nowhere(site: Site) -> None:
    ada = site.person("ada")
    site.call("PUT", "/u/ada/preferences/username.json", json={"new_username": "adele"})
    assert site.call("GET", "/u/ada.json").status_code == 404
    assert site.call("GET", "/u/ADELE.json").get_json()["user"]["id"] == ada.id


def test_anonymizing_keeps_id_and_groups_and_loses_the_address(site: Site) -> None:
    ada, group = site.person("ada"), site.group()
    site.put(group, ada)
    answer = site.call("PUT", f"/admin/users/{ada.id}/anonymize.json").get_json()
    assert answer["username"].startswith("anon")
    found = site.call("GET", f"/admin/users/{ada.id}.json").get_json()
    assert "patrons" in [g["name"] for g in found["groups"]]
    assert ada.email.endswith("@anonymized.invalid")
    query = {"email": "ada@example.com", "show_emails": "true"}
    assert site.call("GET", "/admin/users/list/active.json", query_string=query).get_json() == []


def test_a_merge_takes_a_moment_then_the_source_is_gone_and_the_target_has_all(site: Site) -> None:
    ada, bob, group = site.person("ada"), site.person("bob"), site.group()
    site.put(group, ada)
    body = {"target_username": "bob"}
    assert site.call("POST", f"/admin/users/{ada.id}/merge.json", json=body).status_code == 200
    assert site.call("GET", f"/admin/users/{ada.id}.json").status_code == 200
    site.world.clock.advance(1)
    with site.world.lock:
        run_due_merges(site.forum, site.world.clock.now())
    assert site.call("GET", f"/admin/users/{ada.id}.json").status_code == 404
    assert list(group.members) == [bob.id]
    assert site.forum.user_with_email("ada@example.com") is bob
    assert [(c.user_id, c.added) for c in site.forum.membership_log] == [
        (ada.id, True),
        (bob.id, True),
        (ada.id, False),
    ]


def test_a_deleted_user_leaves_the_groups_without_a_line_in_their_history(site: Site) -> None:
    ada, group = site.person("ada"), site.group()
    site.put(group, ada)
    assert site.call("DELETE", f"/admin/users/{ada.id}.json").get_json() == {"deleted": True}
    assert (len(group.members), len(group.log)) == (0, 1)
    assert site.put(group, ada).status_code == 400
    logs = site.call("GET", "/groups/patrons/logs.json").get_json()["logs"]
    assert logs[0]["target_user"] is None


def test_who_has_written_is_deleted_only_with_the_posts(site: Site) -> None:
    ada = site.person("ada")
    post = {
        "category": 4,
        "title": "A title that is long enough",
        "raw": "Some words of mine here.",
    }
    site.call("POST", "/posts.json", json=post, as_user="ada")
    where = f"/admin/users/{ada.id}.json"
    assert site.call("DELETE", where).status_code == 403
    assert site.call("DELETE", where, json={"delete_posts": True}).status_code == 200


def test_a_taken_address_looks_like_success_and_a_taken_name_does_not(site: Site) -> None:
    site.person("ada")
    body = {"username": "other", "email": "ada@example.com", "password": "x", "active": True}
    answer = site.call("POST", "/users.json", json=body).get_json()
    assert (answer["success"], answer["active"]) == (True, False)
    assert site.forum.user_named("other") is None
    taken = {**body, "username": "ADA", "email": "new@example.com"}
    assert site.call("POST", "/users.json", json=taken).get_json()["success"] is False


def test_addresses_are_found_exactly_and_only_for_those_who_may(site: Site) -> None:
    site.person("ada")
    site.person("modesty", moderator=True)
    query = {"email": "ada@example.com", "show_emails": "true"}
    where = "/admin/users/list/active.json"
    (found,) = site.call("GET", where, query_string=query).get_json()
    assert (found["username"], found["email"]) == ("ada", "ada@example.com")
    (seen,) = site.call("GET", where, query_string=query, as_user="modesty").get_json()
    assert "email" not in seen
    assert site.call("GET", "/u/ada/emails.json", as_user="modesty").status_code == 403
    assert site.call("GET", "/u/ada/emails.json", as_user="ada").status_code == 200


def test_lists_of_people_have_pages_of_a_hundred(site: Site) -> None:
    for n in range(150):
        site.person(f"member{n}")

    def page(number: int) -> int:
        query = {"page": number, "order": "created", "asc": "true"}
        where = "/admin/users/list/active.json"
        return len(site.call("GET", where, query_string=query).get_json())

    assert [page(n) for n in (1, 2, 3)] == [100, 52, 0]


def test_cards_name_up_to_fifty_ids_and_drop_unknown_ones(site: Site) -> None:
    ada = site.person("ada")
    query = {"user_ids": f"{ada.id},99999999"}
    answer = site.call("GET", "/user-cards.json", query_string=query).get_json()
    assert [u["username"] for u in answer["users"]] == ["ada"]
    many = {"user_ids": ",".join(str(n) for n in range(51))}
    assert site.call("GET", "/user-cards.json", query_string=many).status_code == 400


def test_an_invitation_by_mail_proves_an_address(site: Site) -> None:
    body = {"email": "new@example.com", "custom_message": "Claim it", "skip_email": True}
    invite = site.call("POST", "/invites.json", json=body).get_json()
    person = site.browser()
    path = "/invites/" + invite["invite_key"]
    assert "Claim it" in person.get(path).text
    answer = person.post(path, data={"username": "newcomer", "t": "mailed"})
    assert answer.status_code == 303
    assert person.get("/session/current.json").status_code == 200
    redeemed = site.call("GET", "/u/siteadmin/invited/redeemed.json").get_json()["invites"]
    user = site.forum.user_named("newcomer")
    assert user is not None
    assert (redeemed[0]["id"], redeemed[0]["user"]["id"]) == (invite["id"], user.id)
    assert redeemed[0]["invite_source"] == "email"
    assert person.post(path, data={"username": "another", "t": "mailed"}).status_code != 303


def test_an_invitation_by_its_bare_link_asks_for_activation(site: Site) -> None:
    body = {"email": "new@example.com"}
    invite = site.call("POST", "/invites.json", json=body).get_json()
    person = site.browser()
    path = "/invites/" + invite["invite_key"]
    assert "activation mail" in person.post(path, data={"username": "newcomer"}).text
    assert person.get("/session/current.json").status_code == 404
    assert person.post(path + "/activate", data={"username": "newcomer"}).status_code == 303
    assert person.get("/session/current.json").status_code == 200


def test_an_address_that_has_an_account_is_not_invited(site: Site) -> None:
    site.person("ada")
    answer = site.call("POST", "/invites.json", json={"email": "ada@example.com"})
    assert (answer.status_code, answer.get_json()) == (
        422,
        {"errors": ["There was a problem with your request."]},
    )


def test_a_pending_invitation_shows_its_address_and_key(site: Site) -> None:
    site.call("POST", "/invites.json", json={"email": "new@example.com"})
    answer = site.call("GET", "/u/siteadmin/invited/pending.json").get_json()
    assert answer["invites"][0]["email"] == "new@example.com"
    site.world.clock.advance(91 * 86400)
    assert site.call("GET", "/u/siteadmin/invited/pending.json").get_json()["invites"] == []


def test_user_fields_are_made_and_filled(site: Site) -> None:
    site.person("ada")
    body = {"user_field": {"name": "Member number", "field_type": "text"}}
    made = site.call("POST", "/admin/customize/user_fields.json", json=body).get_json()
    field = str(made["user_field"]["id"])
    site.call("PUT", "/u/ada.json", data={f"user_fields[{field}]": "M-17"})
    page = site.call("GET", "/u/ada.json").get_json()
    assert page["user"]["user_fields"] == {field: "M-17"}


def test_staged_users_are_listed_and_may_be_in_groups(site: Site) -> None:
    staged, group = site.person("mailonly", staged=True), site.group()
    assert site.put(group, staged).status_code == 200
    (found,) = site.call("GET", "/admin/users/list/staged.json").get_json()
    assert found["staged"] is True
    assert "mailonly" not in site.browser().get("/login").text


def test_staff_are_neither_suspended_nor_merged_nor_deleted(site: Site) -> None:
    mona, ada = site.person("mona", moderator=True), site.person("ada")
    until = {"suspend_until": "2099-01-01", "reason": "Too loud"}
    target = {"target_username": "ada"}
    for method, verb, body in (
        ("PUT", "/suspend", until), ("POST", "/merge", target), ("DELETE", "", {}),
    ):  # fmt: skip
        answer = site.call(method, f"/admin/users/{mona.id}{verb}.json", json=body)
        assert (answer.status_code, answer.get_json()["error_type"]) == (403, "invalid_access")
    assert site.call("PUT", f"/admin/users/{ada.id}/suspend.json", json=until).status_code == 200


@pytest.mark.parametrize(
    ("name", "problem"),
    [
        ("ab", "must be at least 3 characters"),
        ("a" * 21, "must be no more than 20 characters"),
        ("no spaces", "must only include numbers, letters, dashes, dots, and underscores"),
        ("-minus", "must begin with a letter, a number or an underscore"),
        ("minus-", "must end with a letter or a number"),
        ("two..dots", "must not contain a sequence of 2 or more special chars (.-_)"),
        ("looks.JSON", "must not end with a confusing suffix like .json or .png etc."),
    ],
)
def test_users_and_groups_are_named_by_the_same_rules(site: Site, name: str, problem: str) -> None:
    made = {"username": name, "email": "n@example.com", "password": "x" * 20, "active": True}
    refused = site.call("POST", "/users.json", json=made).get_json()
    assert refused["errors"] == {"username": [problem]}
    answer = site.call("POST", "/admin/groups.json", json={"group": {"name": name}})
    assert (answer.status_code, answer.get_json()["errors"]) == (422, [f"Name {problem}"])


def test_who_suspended_a_user_stays_known_when_the_suspension_has_ended(site: Site) -> None:
    ada = site.person("ada")
    until = {"suspend_until": "2099-01-01", "reason": "Too loud"}
    site.call("PUT", f"/admin/users/{ada.id}/suspend.json", json=until)
    shown = site.call("GET", f"/admin/users/{ada.id}.json").get_json()
    assert shown["penalty_counts"]["suspended"] == 1
    assert "suspended" not in shown
    site.call("PUT", f"/admin/users/{ada.id}/unsuspend.json")
    shown = site.call("GET", f"/admin/users/{ada.id}.json").get_json()
    assert shown["suspended_by"]["username"] == "siteadmin"
    assert (shown["full_suspend_reason"], shown["penalty_counts"]["suspended"]) == (None, 0)
    assert "suspended_till" not in shown
