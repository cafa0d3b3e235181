"""Signing in through the forum over real sockets: nobody is stranded, and nobody else gets in."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest

from bridge.core.model.stripe import Price, Product
from tests.e2e.place import Browser, Place, link, open_patrons, open_place

pytestmark = pytest.mark.e2e
PATRON = Product("prod_patron", "Patron", metadata={"discourse_groups": "patrons"})
YEARLY = Price("price_year", "prod_patron", "eur", 2500, "year", lookup_key="patron")


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    with open_patrons(tmp_path_factory.mktemp("place"), "ada") as opened:
        opened.sell(PATRON, YEARLY)
        yield opened


def test_A100_who_is_logged_in_to_the_forum_arrives_without_being_asked(place: Place) -> None:
    page = place.browser("ada").get("/join/patron")
    assert page.url == f"{place.url}/join/patron"
    assert "Continue to payment" in page.text
    assert "ada" in page.text


def test_A100_a_stranger_gets_a_page_of_ours_and_never_a_circle(place: Place) -> None:
    page = place.browser().get("/join/patron")
    assert page.status_code == 200
    assert len(page.history) == 4
    assert "Log in to A Community" in page.text
    assert "I am logged in, continue" in page.text
    assert "Patron" in page.text


FORUMS = [
    {"discourse_version": version, "discourse_path": path}
    for version in ("3.5", "3.2")
    for path in ("", "/forum")
]


@pytest.fixture(params=FORUMS, ids=lambda forum: "".join(forum.values()))
def any_forum(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Place]:
    with open_place(tmp_path, **request.param) as opened:
        opened.open_group("patrons", "Patrons")
        opened.sell(PATRON, YEARLY)
        opened.person("ada")
        yield opened


def test_A100_a_stranger_who_logged_in_on_the_way_is_one_click_away(any_forum: Place) -> None:
    browser = any_forum.browser()
    page = browser.get("/join/patron?from=/t/1")
    browser.log_in("ada")
    arrived = browser.get(link(page, "I am logged in, continue"))
    assert arrived.url.startswith(f"{any_forum.url}/join/patron")
    assert "Continue to payment" in arrived.text


def test_A100_the_login_address_fits_the_forum_s_version(any_forum: Place) -> None:
    browser = any_forum.browser()
    page = browser.get("/join/patron")
    asked = browser.get(link(page, "Log in to A Community"), allow_redirects=False)
    address = urlsplit(asked.headers["Location"])
    folder = any_forum.forum.path
    assert f"{address.scheme}://{address.netloc}{folder}" == any_forum.forum_url
    if any_forum.forum.version.startswith("3.2"):
        assert address.path == f"{folder}/session/sso_provider"
    else:
        assert address.path == f"{folder}/login"
        way_on = parse_qs(address.query)["redirect"][0]
        assert way_on.startswith(f"{folder}/session/sso_provider?sso=")


def test_A100_a_private_forum_signs_its_members_in(tmp_path: Path) -> None:
    with open_place(tmp_path) as private:
        private.forum.settings["login_required"] = True
        private.open_group("patrons")
        private.sell(PATRON, YEARLY)
        private.person("ada")
        assert "Continue to payment" in private.browser("ada").get("/join/patron").text
        assert "I am logged in" in private.browser().get("/join/patron").text


def answer_of_forum(browser: Browser, path: str = "/login?next=/me") -> str:
    """The address with which the forum sends somebody back, not followed yet."""
    asked = browser.get(path, allow_redirects=False)
    return browser.get(asked.headers["Location"], allow_redirects=False).headers["Location"]


def is_signed_in(browser: Browser) -> bool:
    return browser.get("/me", allow_redirects=False).status_code == 200


def test_I7_replay_a_sign_in_counts_once(place: Place) -> None:
    browser = place.browser("ada")
    address = answer_of_forum(browser)
    before = browser.cookies["bridge"]
    assert browser.get(address).status_code == 200
    assert is_signed_in(browser)
    browser.cookies.set("bridge", before, domain="127.0.0.1", path="/")
    again = browser.get(address, allow_redirects=False)
    assert again.status_code == 400
    assert "already used" in again.text
    assert not is_signed_in(browser)


def test_I7_fixation_a_sign_in_counts_only_in_the_browser_that_asked(place: Place) -> None:
    address = answer_of_forum(place.browser("ada"))
    other = place.browser()
    refused = other.get(address, allow_redirects=False)
    assert refused.status_code == 400
    assert "cookie" in refused.text
    assert not is_signed_in(other)


def test_a_sign_in_counts_for_ten_minutes(place: Place) -> None:
    browser = place.browser("ada")
    address = answer_of_forum(browser)
    place.pass_time(601)
    late = browser.get(address, allow_redirects=False)
    assert late.status_code == 400
    assert "ten minutes" in late.text
    assert browser.get(link(late, "Log in again")).url == f"{place.url}/me"


@pytest.mark.parametrize("change", ["sig=" + "0" * 64, "sig=", "sso=AAAA"])
def test_a_forged_answer_signs_nobody_in(place: Place, change: str) -> None:
    browser = place.browser("ada")
    refused = browser.get(f"{answer_of_forum(browser)}&{change}".replace("?sso=", "?x="))
    assert refused.status_code == 403
    assert not is_signed_in(browser)


def test_I7_fixation_a_session_is_new_after_signing_in_and_ends_after_half_a_day(
    place: Place,
) -> None:
    browser = place.browser("ada")
    address = answer_of_forum(browser)
    before = browser.cookies.get("bridge")
    browser.get(address)
    assert browser.cookies.get("bridge") != before
    place.pass_time(12 * 3600 + 1)
    assert not is_signed_in(browser)


def test_signing_out_needs_the_form_and_then_holds(place: Place) -> None:
    browser = place.browser("ada")
    page = browser.get("/me")
    assert browser.post("/logout").status_code == 400
    assert is_signed_in(browser)
    browser.submit(page, "/logout")
    assert not is_signed_in(browser)


@pytest.mark.parametrize("wanted", ["//evil.example", "https://evil.example/", "/\\evil.example"])
def test_signing_in_leads_nowhere_but_to_our_own_pages(place: Place, wanted: str) -> None:
    browser = place.browser("ada")
    arrived = browser.get("/login", params={"next": wanted})
    assert arrived.url == f"{place.url}/me"
    assert browser.get("/login", params={"next": wanted}).url == f"{place.url}/me"
