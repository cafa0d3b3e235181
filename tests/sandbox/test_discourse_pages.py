"""The simulated forum in a browser: be somebody, read, see groups and messages."""

from __future__ import annotations

from collections.abc import Iterator
from html import escape

import pytest
from flask import Flask
from flask.testing import FlaskClient

from bridge.sandbox.discourse.palette import DARK, LIGHT
from bridge.sandbox.server import serve
from tests.sandbox.discourse_world import Site


@pytest.fixture
def site() -> Iterator[Site]:
    site = Site()
    site.person("ada", name="Ada Brandt")
    site.person("bob")
    site.group(full_name="Patrons", bio_raw="They keep it going.")
    yield site
    site.close()


def logged_in(site: Site, name: str) -> FlaskClient:
    person = site.browser()
    person.post("/login", data={"username": name})
    return person


def test_one_click_makes_one_anybody(site: Site) -> None:
    person = site.browser()
    page = person.get("/login").text
    assert "Ada Brandt" in page
    assert "Site Admin" in page
    person.post("/login", data={"username": "ada"})
    assert person.get("/session/current.json").get_json()["current_user"]["username"] == "ada"
    person.post("/logout")
    assert person.get("/session/current.json").status_code == 404


def test_a_new_name_makes_a_new_member_and_a_bad_one_does_not(site: Site) -> None:
    logged_in(site, "carla")
    assert site.forum.user_named("carla") is not None
    answer = site.browser().post("/login", data={"username": "no spaces"})
    assert answer.status_code == 422
    assert "must only include" in answer.text


def test_a_message_is_read_as_its_reader_and_by_nobody_else(site: Site) -> None:
    raw = "As of today.\n\n| Date | Amount |\n|---|--:|\n| 2026 | €5 |\n\n<script>alert(1)</script>"
    topic = site.message("ada", raw=raw).get_json()["topic_id"]
    ada = logged_in(site, "ada")
    assert 'class="badge">1<' in ada.get("/").text
    assert "Your statement" in ada.get("/u/ada/messages").text
    page = ada.get(f"/t/your-statement/{topic}").text
    assert "<td" in page
    assert "alert(1)" not in page
    assert 'class="badge"' not in ada.get("/").text
    bob = logged_in(site, "bob")
    assert bob.get(f"/t/your-statement/{topic}").status_code == 404
    assert bob.get("/u/ada/messages").status_code == 403
    where = site.browser().get("/u/ada/messages").headers["Location"]
    assert where == "/login?redirect=/u/ada/messages"


def test_a_reply_needs_the_pages_own_token(site: Site) -> None:
    topic = site.message("ada").get_json()["topic_id"]
    ada = logged_in(site, "ada")
    raw = {"raw": "Thank you very much."}
    assert ada.post(f"/reply/{topic}", data=raw).status_code == 403
    page = ada.get(f"/t/x/{topic}").text
    token = page.partition('name="authenticity_token" value="')[2].partition('"')[0]
    answer = ada.post(f"/reply/{topic}", data={**raw, "authenticity_token": token})
    assert answer.status_code == 303
    assert "Thank you very much." in ada.get(f"/t/x/{topic}").text


def test_groups_show_their_members_and_history_to_those_who_may(site: Site) -> None:
    site.put(site.forum.groups[site.forum.group_id_by_name["patrons"]], *[
        site.forum.users[site.forum.user_id_by_name["ada"]]
    ])  # fmt: skip
    assert "They keep it going." in site.browser().get("/g").text
    assert "ada" in site.browser().get("/g/patrons").text
    assert "History" not in logged_in(site, "bob").get("/g/patrons").text
    assert "add user to group" in logged_in(site, "siteadmin").get("/g/patrons").text
    assert "Patrons" in site.browser().get("/u/ada/summary").text


def test_the_front_page_links_the_colours_for_light_and_dark(site: Site) -> None:
    page = site.browser().get("/").text
    for scheme, colours in (("light", LIGHT), ("dark", DARK)):
        address = page.partition(f'class="{scheme}-scheme"')[0].rpartition('href="')[2]
        sheet = site.browser().get(address.partition('"')[0])
        assert sheet.mimetype == "text/css"
        for name in ("primary", "secondary", "tertiary", "header_background", "danger"):
            assert f"--{name}: {colours[name]};" in sheet.text
        assert "--primary-low: #" in sheet.text


def test_names_are_shown_as_text(site: Site) -> None:
    user = site.forum.user_named("bob")
    assert user is not None
    user.name = "<b>Bob</b>"
    assert "<b>Bob</b>" not in site.browser().get("/login").text


def test_pictures_are_drawn(site: Site) -> None:
    assert site.browser().get("/letter_avatar_proxy/v4/letter/a/336699/96.png").mimetype == (
        "image/svg+xml"
    )
    assert site.browser().get("/images/discourse-logo-sketch.png").status_code == 200


def test_cards_are_fetched_from_this_machine_only(site: Site) -> None:
    answer = site.browser().get("/onebox", query_string={"url": "https://example.com/"})
    assert answer.status_code == 404


def test_a_link_to_a_page_with_open_graph_tags_becomes_a_card(site: Site) -> None:
    shop = Flask(__name__)
    tags = {"og:title": "Lab <pass>", "twitter:label1": "Price", "twitter:data1": "60.00 EUR"}
    metas = "".join(f'<meta property="{k}" content="{escape(v)}">' for k, v in tags.items())
    shop.add_url_rule("/join/lab-pass", "join", lambda: f"<html><head>{metas}</head></html>")
    shop.add_url_rule("/plain", "plain", lambda: "<html></html>")
    server = serve(site.world, "shop", shop)
    try:
        query = {"url": server.url + "/join/lab-pass"}
        card = site.browser().get("/onebox", query_string=query).text
        assert "Lab &lt;pass&gt;" in card
        assert "<strong>Price</strong>: 60.00 EUR" in card
        query = {"url": server.url + "/plain"}
        assert site.browser().get("/onebox", query_string=query).status_code == 404
    finally:
        server.close()


def test_unknown_pages_say_so(site: Site) -> None:
    answer = site.browser().get("/nothing/here")
    assert (answer.status_code, answer.mimetype) == (404, "text/html")
    assert "does not exist" in answer.text


def test_A149_a_message_to_a_group_is_in_the_inbox_that_its_members_read(site: Site) -> None:
    crew = site.group("crew", full_name="The crew", messageable_level=99)
    site.put(crew, site.forum.users[site.forum.user_id_by_name["ada"]])
    topic = site.message("crew", title="A payment needs you").get_json()["topic_id"]
    ada, bob = logged_in(site, "ada"), logged_in(site, "bob")
    assert '/g/crew/messages">The crew</a>' in ada.get("/u/ada/messages").text
    assert "A payment needs you" not in ada.get("/u/ada/messages").text
    assert "/g/crew/messages" in ada.get("/g/crew").text
    inbox = ada.get("/g/crew/messages").text
    assert "Messages to The crew" in inbox
    assert f"/t/a-payment-needs-you/{topic}" in inbox
    assert "A payment needs you" in ada.get(f"/t/a-payment-needs-you/{topic}").text

    assert "/g/crew/messages" not in bob.get("/g/crew").text + bob.get("/u/bob/messages").text
    assert bob.get("/g/crew/messages").status_code == 403
    assert bob.get(f"/t/a-payment-needs-you/{topic}").status_code == 404
    assert bob.get("/g/nobody/messages").status_code == 404
    stranger = site.browser().get("/g/crew/messages")
    assert stranger.headers["Location"].endswith("/login?redirect=/g/crew/messages")
    admin = logged_in(site, "siteadmin")
    assert "A payment needs you" in admin.get("/g/crew/messages").text
