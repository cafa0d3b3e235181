"""Members of the simulated forum's groups: limits, silent drops, refusals, side effects."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from bridge.sandbox.discourse.membership import members_at
from bridge.sandbox.kernel import Fault
from tests.sandbox.discourse_world import Site, is_cut_off


@pytest.fixture
def site() -> Iterator[Site]:
    site = Site()
    yield site
    site.close()


def test_everybody_asked_for_is_named_also_those_who_were_in(site: Site) -> None:
    group, ada, bob = site.group(), site.person("ada"), site.person("bob")
    site.put(group, ada)
    assert site.put(group, ada, bob).json == {
        "success": "OK",
        "usernames": ["ada", "bob"],
        "emails": [],
    }


def test_all_in_already_is_refused_in_other_words_for_several(site: Site) -> None:
    group, ada, bob = site.group(), site.person("ada"), site.person("bob")
    site.put(group, ada, bob)
    one, two = site.put(group, ada), site.put(group, ada, bob)
    assert (one.status_code, two.status_code) == (422, 422)
    assert one.get_json()["errors"] == ["'ada' is already a member of this group."]
    assert two.get_json()["errors"][0].startswith("The following users are already members")


def test_unknown_ids_vanish_silently_unless_there_is_nobody_else(site: Site) -> None:
    group, ada = site.group(), site.person("ada")
    where = f"/groups/{group.id}/members.json"
    known = site.call("PUT", where, json={"user_ids": f"{ada.id},99999999"})
    assert known.get_json()["usernames"] == ["ada"]
    unknown = site.call("PUT", where, json={"user_ids": "99999999"})
    assert (unknown.status_code, unknown.get_json()["error_type"]) == (400, "invalid_parameters")


def test_a_list_of_ids_loses_its_first_and_says_ok(site: Site) -> None:
    group, ada, bob = site.group(), site.person("ada"), site.person("bob")
    where = f"/groups/{group.id}/members.json"
    answer = site.call("PUT", where, json={"user_ids": [ada.id, bob.id]})
    assert (answer.status_code, answer.get_json()["usernames"]) == (200, ["bob"])


def test_a_thousand_may_come_at_once_and_not_one_more(site: Site) -> None:
    group = site.group()
    people = [site.person(f"member{n}") for n in range(1001)]
    refused = site.put(group, *people)
    assert refused.status_code == 422
    assert refused.get_json()["errors"] == ["Maximum 1000 users can be added at once"]
    assert site.put(group, *people[:1000]).status_code == 200
    assert len(group.members) == 1000
    assert site.drop(group, *people).status_code == 200


def test_removing_is_idempotent_and_names_those_who_were_not_in(site: Site) -> None:
    group, ada = site.group(), site.person("ada")
    site.put(group, ada)
    assert site.drop(group, ada).get_json()["usernames"] == ["ada"]
    again = site.drop(group, ada).get_json()
    assert (again["usernames"], again["skipped_usernames"]) == ([], ["ada"])


def test_owners_change_their_group_moderators_and_members_do_not(site: Site) -> None:
    group, ada = site.group(), site.person("ada")
    for name, fields, status in (
        ("owner1", {}, 200),
        ("modesty", {"moderator": True}, 403),
        ("plain1", {}, 403),
    ):
        site.person(name, **fields)
        if name == "owner1":
            site.call("PUT", f"/groups/{group.id}/owners.json", json={"usernames": name})
        assert site.put(group, ada, as_user=name).status_code == status
    site.forum.settings["moderators_manage_groups"] = True
    assert site.drop(group, ada, as_user="modesty").status_code == 200


def test_automatic_groups_cannot_be_changed_by_hand(site: Site) -> None:
    ada = site.person("ada")
    answer = site.put(site.forum.groups[10], ada)
    assert (answer.status_code, answer.get_json()["error_type"]) == (403, "invalid_access")


def test_an_unknown_group_is_told_in_another_shape(site: Site) -> None:
    site.group("patrons")
    for ref in ("99999999", "patrons"):
        answer = site.call("PUT", f"/groups/{ref}/members.json", json={"usernames": "siteadmin"})
        assert (answer.status_code, answer.get_json()) == (
            404,
            {"status": 404, "error": "Not Found"},
        )


def test_the_primary_group_and_title_follow_and_are_not_given_back(site: Site) -> None:
    ada = site.person("ada")
    first = site.group("first-tier", primary_group=True, title="Supporter")
    second = site.group("second-tier", primary_group=True)
    site.put(first, ada)
    assert (ada.primary_group_id, ada.title) == (first.id, "Supporter")
    site.put(second, ada)
    assert (ada.primary_group_id, ada.flair_group_id, ada.title) == (second.id, second.id, None)
    site.drop(second, ada)
    assert (ada.primary_group_id, ada.flair_group_id) == (None, None)


def test_a_title_is_set_only_where_there_is_none_and_goes_with_the_group(site: Site) -> None:
    ada, bob = site.person("ada"), site.person("bob", title="Founder")
    group = site.group(title="Patron")
    site.put(group, ada, bob)
    assert (ada.title, bob.title) == ("Patron", "Founder")
    site.drop(group, ada, bob)
    assert (ada.title, bob.title) == (None, "Founder")


def test_pages_follow_their_order_and_the_total_knows_no_filter(site: Site) -> None:
    group = site.group()
    for name in ("cora", "ada", "bob"):
        site.put(group, site.person(name))
        site.world.clock.advance(1)

    def names(**query: object) -> list[str]:
        answer = site.call("GET", "/groups/patrons/members.json", query_string=query)
        assert answer.get_json()["meta"]["total"] == 3
        return [m["username"] for m in answer.get_json()["members"]]

    assert names() == ["cora", "bob", "ada"]
    assert names(asc="true") == ["ada", "bob", "cora"]
    assert names(order="added_at", asc="true", limit=2) == ["cora", "ada"]
    assert names(order="added_at", asc="true", limit=2, offset=2) == ["bob"]
    assert names(filter="bo") == ["bob"]
    assert names(offset=50) == []


def test_members_are_listed_by_name_never_by_id(site: Site) -> None:
    group = site.group()
    assert site.call("GET", f"/groups/{group.id}/members.json").status_code == 404
    assert site.call("GET", "/groups/PATRONS/members.json").status_code == 200


def test_a_short_page_claims_its_total_all_the_same(site: Site) -> None:
    group = site.group()
    site.put(group, *[site.person(f"member{n}") for n in range(5)])
    fault = Fault(1, "discourse", "GET *", "short_page", args={"entries": 2})
    answer = site.call("GET", "/groups/patrons/members.json", fault=fault).get_json()
    assert (len(answer["members"]), answer["meta"]["total"]) == (3, 5)


def test_a_batch_that_is_cut_off_leaves_a_part_in(site: Site) -> None:
    group = site.group()
    people = [site.person(f"member{n}") for n in range(5)]
    fault = Fault(1, "discourse", "PUT *", "partial", args={"members": 3})
    assert is_cut_off(site.put(group, *people, fault=fault))
    assert list(group.members) == [p.id for p in people[:3]]
    assert site.put(group, *people).status_code == 200
    assert is_cut_off(site.drop(group, *people, fault=fault))
    assert list(group.members) == [p.id for p in people[3:]]


def test_slow_removals_have_no_limit_of_number_but_of_time(site: Site) -> None:
    group = site.group()
    people = [site.person(f"member{n}") for n in range(30)]
    site.put(group, *people)
    site.forum.timing.on, site.forum.timing.scale = True, 0.0001
    site.forum.timing.limit_seconds = 0.12
    assert is_cut_off(site.drop(group, *people))
    assert len(group.members) == 20


def test_the_history_names_who_did_it_and_pages_by_number(site: Site) -> None:
    group, bot = site.group(), site.person("robot", admin=True)
    people = [site.person(f"member{n}") for n in range(30)]
    site.put(group, *people, as_user="robot")
    site.drop(group, people[0])
    first = site.call("GET", "/groups/patrons/logs.json").get_json()
    assert (first["logs"][0]["action"], first["all_loaded"]) == ("remove_user_from_group", False)
    assert first["logs"][0]["acting_user"]["username"] == "siteadmin"
    second = site.call("GET", "/groups/patrons/logs.json", query_string={"offset": 1}).get_json()
    assert (len(first["logs"]), len(second["logs"]), second["all_loaded"]) == (25, 6, True)
    query = {"filters[acting_user]": bot.username, "filters[target_user]": "member7"}
    (line,) = site.call("GET", "/groups/patrons/logs.json", query_string=query).get_json()["logs"]
    assert line["action"] == "add_user_to_group"


def test_every_change_is_kept_with_its_time_and_hand(site: Site) -> None:
    group, ada = site.group(), site.person("ada")
    site.put(group, ada)
    site.world.clock.advance(100)
    site.drop(group, ada)
    came, left = site.forum.membership_log
    assert (came.actor_id, came.user_id, came.added, left.added) == (1, ada.id, True, False)
    assert members_at(site.forum, group.id, came.at + 50) == {ada.id}
    assert members_at(site.forum, group.id, left.at) == set()


def test_an_unknown_address_is_invited_a_known_one_comes_in(site: Site) -> None:
    group = site.group()
    ada = site.person("ada")
    where = f"/groups/{group.id}/members.json"
    given = {"emails": f"{ada.email},new+1@example.com"}
    answer = site.call("PUT", where, json=given).get_json()
    assert (answer["usernames"], answer["emails"]) == (["ada"], ["new+1@example.com"])
    (invite,) = site.forum.invites.values()
    assert (invite.email, invite.group_ids) == ("new+1@example.com", [group.id])


def test_secret_groups_and_hidden_members_stay_so(site: Site) -> None:
    site.group("hidden", visibility_level=4)
    site.group("shy", members_visibility_level=2)
    site.person("ada")
    assert site.call("GET", "/groups/hidden/members.json", as_user="ada").status_code == 404
    assert site.call("GET", "/groups/shy/members.json", as_user="ada").status_code == 403
    names = [
        g["name"] for g in site.call("GET", "/groups.json", as_user="ada").get_json()["groups"]
    ]
    assert "shy" in names
    assert "hidden" not in names


def test_people_are_told_when_the_request_asks_for_it(site: Site) -> None:
    group, ada = site.group(), site.person("ada")
    where = f"/groups/{group.id}/members.json"
    site.call("PUT", where, json={"user_ids": str(ada.id), "notify_users": True})
    (notice,) = site.forum.notifications[ada.id]
    assert notice["fancy_title"] == "You have been added as a member of the patrons group"
