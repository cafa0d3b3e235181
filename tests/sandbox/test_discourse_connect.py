"""DiscourseConnect provider of the simulated forum, as browsers of both versions meet it."""

from __future__ import annotations

import base64
import hashlib
import hmac
from collections.abc import Iterator
from urllib.parse import parse_qsl, quote, urlsplit

import pytest
from flask.testing import FlaskClient

from tests.sandbox.discourse_world import RETURN, SECRET, Site, asked

XHR = {"X-Requested-With": "XMLHttpRequest"}


@pytest.fixture(params=["3.5", "3.2"])
def site(request: pytest.FixtureRequest) -> Iterator[Site]:
    site = Site(version=request.param)
    site.person("ada", name="Ada Brandt")
    yield site
    site.close()


@pytest.fixture
def newest() -> Iterator[Site]:
    site = Site()
    site.person("ada", name="Ada Brandt")
    yield site
    site.close()


def told(location: str, secret: str = SECRET) -> dict[str, str]:
    """The forum's answer, with its signature checked."""
    query = dict(parse_qsl(urlsplit(location).query))
    made = hmac.new(secret.encode(), query["sso"].encode(), hashlib.sha256).hexdigest()
    assert made == query["sig"]
    assert location.startswith(RETURN)
    return dict(parse_qsl(base64.b64decode(query["sso"]).decode(), keep_blank_values=True))


def log_in(person: FlaskClient, name: str = "ada") -> str:
    answer = person.post("/login", data={"username": name})
    assert answer.status_code == 303
    return answer.headers["Location"]


def test_who_is_logged_in_is_told_with_id_groups_and_nonce(site: Site) -> None:
    site.put(site.group(), site.forum.users[site.forum.user_id_by_name["ada"]])
    person = site.browser()
    log_in(person)
    answer = told(person.get(asked()).headers["Location"])
    assert answer["external_id"] == str(site.forum.user_id_by_name["ada"])
    assert answer["nonce"] == "n0nce"
    assert (answer["username"], answer["name"]) == ("ada", "Ada Brandt")
    assert (answer["admin"], answer["moderator"]) == ("false", "false")
    assert set(answer["groups"].split(",")) == {"patrons", "trust_level_0", "trust_level_1"}


def test_a_silent_request_of_a_stranger_fails_signed(site: Site) -> None:
    answer = told(site.browser().get(asked(prompt="none")).headers["Location"])
    assert (answer["failed"], answer["nonce"]) == ("true", "n0nce")
    assert "external_id" not in answer


def test_an_older_forum_resumes_after_the_login(site: Site) -> None:
    person = site.browser()
    assert person.get(asked()).headers["Location"].endswith("/login")
    where = log_in(person)
    if site.forum.is_old():
        assert told(where)["username"] == "ada"
    else:
        assert where == "/"


def test_a_newer_forum_follows_the_address_of_its_login_page(newest: Site) -> None:
    person = newest.browser()
    person.get("/login?redirect=" + quote(asked(), safe=""))
    where = log_in(person)
    assert told(person.get(where).headers["Location"])["username"] == "ada"
    again = person.get("/login?redirect=" + quote(asked(), safe=""))
    assert told(person.get(again.headers["Location"]).headers["Location"])["username"] == "ada"


def test_an_older_forum_ignores_that_address() -> None:
    site = Site(version="3.2")
    site.person("ada")
    person = site.browser()
    person.get("/login?redirect=" + quote(asked(), safe=""))
    assert log_in(person) == "/"
    assert person.get("/login?redirect=/my/messages").headers["Location"] == "/"
    site.close()


def test_the_login_page_leads_to_no_other_site(newest: Site) -> None:
    person = newest.browser()
    for evil in ("https://evil.example/", "//evil.example/", "evil"):
        person.get("/login?redirect=" + quote(evil, safe=""))
        assert log_in(person) == "/"
        person.post("/logout")


def test_the_forums_own_script_gets_json_and_a_cookie_of_the_version(site: Site) -> None:
    person = site.browser()
    log_in(person)
    answer = person.get(asked(), headers=XHR)
    assert told(answer.get_json()["redirect_url"])["username"] == "ada"
    name = "sso_destination_url" if site.forum.is_old() else "destination_url"
    assert person.get_cookie(name) is not None


def test_a_script_of_a_stranger_leaves_a_cookie_that_sends_a_later_login_astray(
    newest: Site,
) -> None:
    person = newest.browser()
    assert person.get(asked(), headers=XHR).headers["Location"].endswith("/login")
    assert log_in(person) == "/"
    person.post("/logout")
    assert told(log_in(person))["username"] == "ada"


def test_logging_out_goes_back_without_parameters(site: Site) -> None:
    person = site.browser()
    log_in(person)
    assert person.get(asked(logout="true")).headers["Location"] == RETURN
    assert person.get("/session/current.json").status_code == 404


@pytest.mark.parametrize(
    ("address", "status", "text"),
    [
        (asked(secret="wrong"), 422, "Login Error"),
        ("/session/sso_provider?sso=%25%25&sig=x", 422, "Login Error"),
        (asked(return_sso_url=""), 422, "Login Error"),
        (asked(return_sso_url="https://evil.example/"), 400, "missing secret"),
    ],
)
def test_what_is_wrong_is_said_in_plain_text(
    newest: Site, address: str, status: int, text: str
) -> None:
    answer = newest.browser().get(address)
    assert (answer.status_code, answer.mimetype) == (status, "text/plain")
    assert text in answer.text


def test_two_secrets_serve_until_one_is_taken_away(newest: Site) -> None:
    person = newest.browser()
    log_in(person)
    rows = f"localhost|{SECRET}\n*.example.com|other\nlocalhost|second-secret"
    name = "discourse_connect_provider_secrets"
    newest.call("PUT", f"/admin/site_settings/{name}.json", json={name: rows})
    assert told(person.get(asked("second-secret")).headers["Location"], "second-secret")
    assert told(person.get(asked()).headers["Location"])
    where = asked("other", return_sso_url="https://bridge.example.com/x")
    assert person.get(where).status_code == 302
    newest.call("PUT", f"/admin/site_settings/{name}.json", json={name: f"localhost|{SECRET}"})
    assert person.get(asked("second-secret")).status_code == 422


def test_a_provider_that_is_off_is_not_there(newest: Site) -> None:
    name = "enable_discourse_connect_provider"
    newest.call("PUT", f"/admin/site_settings/{name}.json", json={name: False})
    assert newest.browser().get(asked()).status_code == 404


def test_the_return_address_keeps_its_own_parameters(newest: Site) -> None:
    person = newest.browser()
    log_in(person)
    where = person.get(asked(return_sso_url=RETURN + "?a=1")).headers["Location"]
    assert where.startswith(RETURN + "?a=1&sso=")


def test_a_second_factor_that_nobody_has_is_told(newest: Site) -> None:
    person = newest.browser()
    log_in(person)
    answer = told(person.get(asked(require_2fa="true")).headers["Location"])
    assert answer["no_2fa_methods"] == "true"


def test_suspension_ends_the_login(site: Site) -> None:
    person = site.browser()
    log_in(person)
    ada = site.forum.user_id_by_name["ada"]
    body = {"suspend_until": "2099-01-01", "reason": "x"}
    site.call("PUT", f"/admin/users/{ada}/suspend.json", json=body)
    assert told(person.get(asked(prompt="none")).headers["Location"])["failed"] == "true"


def test_the_page_names_the_version(site: Site) -> None:
    version = "3.2.0.beta4-dev" if site.forum.is_old() else "3.5.0.beta9-dev"
    page = site.browser().get("/").text
    assert f'<meta name="generator" content="Discourse {version} ' in page


def test_a_forum_in_a_sub_folder_keeps_to_it() -> None:
    site = Site(path="/forum")
    site.person("ada")
    person = site.browser()
    assert person.get("/groups.json").status_code == 404
    assert site.call("GET", "/forum/groups.json").status_code == 200
    where = person.get("/forum" + asked()).headers["Location"]
    assert where == "http://localhost:3000/forum/login"
    person.get("/forum/login?redirect=" + quote(asked(), safe=""))
    kept = person.post("/forum/login", data={"username": "ada"}).headers["Location"]
    assert kept.startswith("/forum/session/sso_provider")
    assert told(person.get(kept).headers["Location"])["username"] == "ada"
    site.close()
