"""Keys, scopes and limits of the simulated forum; private and read-only forums."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from tests.sandbox.discourse_world import Site


@pytest.fixture
def site() -> Iterator[Site]:
    site = Site()
    yield site
    site.close()


def make_key(site: Site, *scopes: str | dict[str, Any], username: str | None = None) -> str:
    wanted = [s if isinstance(s, dict) else {"scope_id": s} for s in scopes]
    body = {"key": {"description": "x", "username": username, "scopes": wanted}}
    made: str = site.call("POST", "/admin/api/keys.json", json=body).get_json()["key"]["key"]
    return made


def test_sixty_requests_pass_in_any_rolling_minute_and_the_refused_do_not_count() -> None:
    site = Site(limit=60)
    for _ in range(60):
        assert site.call("GET", "/groups/staff.json").status_code == 200
    site.world.clock.advance(20)
    for _ in range(5):
        refused = site.call("GET", "/groups/staff.json")
        assert (refused.status_code, refused.headers["Retry-After"]) == (429, "40")
    body = refused.get_json()
    assert (body["error_type"], body["extras"]["wait_seconds"]) == ("rate_limit", 40)
    code = refused.headers["Discourse-Rate-Limit-Error-Code"]
    assert code == "admin_api_key_rate_limit"
    site.world.clock.advance(40)
    assert site.call("GET", "/groups/staff.json").status_code == 200
    site.close()


def test_requests_without_a_key_or_with_a_wrong_one_do_not_count() -> None:
    site = Site(limit=1)
    for path in ("/site/basic-info.json", "/about.json", "/srv/status", "/manifest.webmanifest"):
        assert site.browser().get(path).status_code == 200
    assert site.call("GET", "/groups/staff.json", key="wrong").status_code == 403
    assert site.call("GET", "/groups/staff.json").status_code == 200
    assert site.call("GET", "/groups/staff.json").status_code == 429
    site.close()


def test_all_keys_share_one_bucket() -> None:
    site = Site(limit=2)
    other = make_key(site, "global:read")
    assert site.call("GET", "/groups/staff.json", key=other).status_code == 200
    assert site.call("GET", "/groups/staff.json").status_code == 429
    site.close()


def test_the_limit_by_address_answers_in_plain_text(site: Site) -> None:
    site.forum.ip_requests_per_10_seconds = 2
    person = site.browser()
    assert [person.get("/srv/status").status_code for _ in range(3)] == [200, 200, 429]
    answer = person.get("/about.json")
    assert answer.mimetype == "text/plain"
    assert answer.headers["Discourse-Rate-Limit-Error-Code"] == "ip_10_secs_limit"
    assert int(answer.headers["Retry-After"]) == 10
    assert site.call("GET", "/groups/staff.json").status_code == 200


def test_a_bad_key_finds_nothing_below_admin_and_is_refused_elsewhere(site: Site) -> None:
    assert site.call("GET", "/admin/users/1.json", key="wrong").status_code == 404
    answer = site.call("GET", "/groups.json", key="wrong")
    assert (answer.status_code, answer.get_json()["error_type"]) == (403, "invalid_access")
    assert site.call("GET", "/groups.json", as_user="nobody_here").status_code == 403


def test_a_write_by_nobody_lacks_a_token(site: Site) -> None:
    answer = site.browser().put("/groups/10/members.json", json={"usernames": "x"})
    assert (answer.status_code, answer.text, answer.mimetype) == (
        403,
        '["BAD CSRF"]',
        "text/plain",
    )


def test_scopes_add_up_and_reach_no_further(site: Site) -> None:
    group, ada = site.group(), site.person("ada")
    key = make_key(site, "global:read", "groups:manage_groups")
    assert site.put(group, ada, key=key).status_code == 200
    assert site.drop(group, ada, key=key).status_code == 200
    assert site.call("GET", f"/admin/users/{ada.id}.json", key=key).status_code == 200
    body = {"group": {"name": "others"}}
    assert site.call("POST", "/admin/groups.json", json=body, key=key).status_code == 404
    assert site.call("POST", "/posts.json", json={}, key=key).status_code == 403


def test_a_key_for_one_group_changes_it_and_cannot_list_it(site: Site) -> None:
    group, other, ada = site.group(), site.group("others"), site.person("ada")
    key = make_key(site, {"scope_id": "groups:manage_groups", "id": str(group.id)})
    assert site.put(group, ada, key=key).status_code == 200
    assert site.put(other, ada, key=key).status_code == 403
    assert site.call("GET", "/groups/patrons/members.json", key=key).status_code == 403


def test_an_old_forums_managing_key_adds_and_cannot_remove() -> None:
    site = Site(version="3.2")
    group, ada = site.group(), site.person("ada")
    key = make_key(site, "groups:manage_groups")
    assert site.put(group, ada, key=key).status_code == 200
    assert site.drop(group, ada, key=key).status_code == 403
    site.close()


def test_a_granular_key_is_refused_even_on_public_pages(site: Site) -> None:
    key = make_key(site, "groups:manage_groups")
    assert site.call("GET", "/site/basic-info.json", key=key).status_code == 403


def test_a_key_of_one_user_acts_as_no_other(site: Site) -> None:
    site.person("ada")
    key = make_key(site, username="siteadmin")
    assert site.call("GET", "/groups.json", key=key).status_code == 200
    assert site.call("GET", "/groups.json", key=key, as_user="ada").status_code == 403


def test_a_revoked_key_is_a_bad_key_until_it_is_allowed_again(site: Site) -> None:
    key = make_key(site, "global:read")
    key_id = site.forum.key_id_by_key[key]
    site.call("POST", f"/admin/api/keys/{key_id}/revoke.json")
    assert site.call("GET", "/groups.json", key=key).status_code == 403
    site.call("POST", f"/admin/api/keys/{key_id}/undo-revoke.json")
    assert site.call("GET", "/groups.json", key=key).status_code == 200


def test_nobody_acts_as_a_suspended_or_inactive_user(site: Site) -> None:
    ada, bob = site.person("ada"), site.person("bob")
    body = {"suspend_until": "2099-01-01", "reason": "x"}
    site.call("PUT", f"/admin/users/{ada.id}/suspend.json", json=body)
    site.call("PUT", f"/admin/users/{bob.id}/deactivate.json")
    for name in ("ada", "bob"):
        answer = site.call("GET", "/groups.json", as_user=name)
        assert (answer.status_code, answer.get_json()["error_type"]) == (403, "invalid_access")


def test_a_read_only_forum_reads_and_does_not_write(site: Site) -> None:
    group, ada = site.group(), site.person("ada")
    site.call("PUT", "/admin/backups/readonly.json", json={"enable": True})
    answer = site.put(group, ada)
    assert (answer.status_code, answer.get_json()["error_type"]) == (503, "read_only")
    assert site.call("GET", "/groups/patrons.json").status_code == 200
    site.call("PUT", "/admin/backups/readonly.json", json={"enable": False})
    assert site.put(group, ada).status_code == 200


def test_a_private_forum_shows_strangers_its_name_and_its_door(site: Site) -> None:
    site.call("PUT", "/admin/site_settings/login_required.json", json={"login_required": True})
    person = site.browser()
    for path in ("/site/basic-info.json", "/manifest.webmanifest", "/srv/status", "/", "/login"):
        assert person.get(path).status_code == 200, path
    for path in ("/about.json", "/groups.json", "/groups/staff.json"):
        assert person.get(path).status_code == 403, path
    assert person.get("/g").headers["Location"] == "/login"
    assert site.call("GET", "/groups.json").status_code == 200


def test_moderators_see_the_admin_pages_of_users_and_no_others(site: Site) -> None:
    site.person("modesty", moderator=True)
    statuses = {
        path: site.call("GET", path, as_user="modesty").status_code
        for path in ("/admin/users/1.json", "/admin/site_settings.json", "/admin/themes.json")
    }
    assert list(statuses.values()) == [200, 404, 404]


def test_who_keeps_cookies_acts_as_the_user_just_made(site: Site) -> None:
    headers = {"Api-Key": site.key, "Api-Username": "siteadmin"}
    person = site.browser()
    body = {"username": "newcomer", "email": "n@example.com", "password": "x" * 12, "active": True}
    answer = person.post("/users.json", json=body, headers=headers)
    assert "user_id" not in answer.get_json()
    again = person.get("/session/current.json", headers=headers)
    assert again.get_json()["current_user"]["username"] == "newcomer"


@pytest.mark.parametrize(
    ("header", "value"),
    [("Api-Username", "ADA"), ("Api-User-Id", "{id}"), ("Api-User-External-Id", "id-of-ada")],
)
def test_a_key_names_its_user_by_name_by_number_or_by_external_id(
    site: Site, header: str, value: str
) -> None:
    ada = site.person("ada", external_id="id-of-ada")
    keys = {"Api-Key": site.key, header: value.format(id=ada.id)}
    with site.app.test_client(use_cookies=False) as program:
        current = program.get("/session/current.json", headers=keys).get_json()
        assert current["current_user"]["id"] == ada.id
        unknown = program.get("/groups.json", headers={**keys, header: "999999"})
        assert (unknown.status_code, unknown.get_json()["error_type"]) == (403, "invalid_access")
