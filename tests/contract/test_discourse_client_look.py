"""The forum's name, logo and palette, read as a visitor without a key (A102)."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from bridge.discourse_api.front_page import read_palette
from bridge.discourse_api.look import read_site
from bridge.errors import Transient
from tests.contract.recorded import (
    Recorded,
    answer,
    discourse_steps,
    needs_contract,
    recorded_server,
)

pytestmark = pytest.mark.contract

FRONT_35 = """<!DOCTYPE html><html lang="en"><head><meta charset="utf-8"><title>A Community</title>
<meta name="generator" content="Discourse 3.5.0.beta9-dev - https://github.com/discourse/discourse">
<link href="/stylesheets/color_definitions_light_1.css?__ws=localhost" media="all"
 rel="stylesheet" class="light-scheme" data-scheme-id="0"/>
<link href="/stylesheets/color_definitions_dark_2.css" media="(prefers-color-scheme: dark)"
 rel="stylesheet" class="dark-scheme"/>
<link href="/stylesheets/desktop_3.css" media="all" rel="stylesheet"/></head><body></body></html>"""
LIGHT = """:root{--scheme-type: light;--primary: #222222;--secondary: #fff;--tertiary:#08c;
--header_background: rgb(255,255,255);--primary-low: rgb(232.9, 232.9, 232.9);--danger: #c80001;
--font-family: Arial; --highlight: url(https://evil.example.com/x); --love: red;}"""
DARK = ":root{--primary: #dddddd;--secondary: hsl(0, 0%, 13%);--d-sidebar: #111;}"
INFO = {
    "title": "A Community",
    "logo_url": "/images/logo.png",
    "login_required": False,
    "header_primary_color": "333",
    "header_background_color": "fff",
}


@pytest.fixture
def forum() -> Iterator[Recorded]:
    with recorded_server() as recorded:
        yield recorded


def _html(text: str) -> dict[str, str]:
    return {"Content-Type": "text/html; charset=utf-8"} if "<" in text else {}


def _play(forum: Recorded, front: str, light: str = LIGHT, dark: str = DARK) -> None:
    css = {"Content-Type": "text/css"}
    forum.play("GET", "/", answer(front, headers=_html(front)))
    forum.play("GET", "/stylesheets/color_definitions_light_1.css", answer(light, headers=css))
    forum.play("GET", "/stylesheets/color_definitions_dark_2.css", answer(dark, headers=css))


def test_A102_the_forum_is_read_with_its_palettes_for_light_and_dark(forum: Recorded) -> None:
    _play(forum, FRONT_35)
    forum.play("GET", "/site/basic-info.json", answer(INFO))
    site = read_site(forum.url)
    assert (site.title, site.logo_url) == ("A Community", f"{forum.url}/images/logo.png")
    assert site.light == {
        "primary": "#222222",
        "secondary": "#fff",
        "tertiary": "#08c",
        "header_background": "rgb(255,255,255)",
        "primary-low": "rgb(232.9, 232.9, 232.9)",
        "danger": "#c80001",
    }
    assert site.dark == {"primary": "#dddddd", "secondary": "hsl(0, 0%, 13%)"}
    assert site.version == "3.5.0.beta9-dev"
    assert not site.login_required


def test_a_visitor_sends_no_key(forum: Recorded) -> None:
    _play(forum, FRONT_35)
    read_site(forum.url)
    assert len(forum.asked) == 4
    assert not any("Api-Key" in asked.headers for asked in forum.asked)


@needs_contract
def test_what_a_real_forum_says_of_itself_is_read(forum: Recorded) -> None:
    forum.play_step(discourse_steps()["basic info"])
    forum.play("GET", "/", answer("<html></html>", headers=_html("<")))
    site = read_site(forum.url)
    assert site.title == "A Community"
    assert site.logo_url == "http://localhost:3000/images/discourse-logo-sketch.png"
    assert site.light == {"header_background": "#fff", "header_primary": "#333"}


def test_A100_an_older_forum_names_its_version_too(forum: Recorded) -> None:
    older = FRONT_35.replace("3.5.0.beta9-dev", "3.2.0.beta4-dev").replace(
        ' class="light-scheme"', ""
    )
    older = older.replace(' class="dark-scheme"', "")
    _play(forum, older)
    site = read_site(forum.url)
    assert site.version == "3.2.0.beta4-dev"
    assert site.light["primary"] == "#222222"
    assert site.dark["primary"] == "#dddddd"
    assert site.title == "A Community"  # of the page, without basic info


def test_a_private_forum_still_shows_its_face(forum: Recorded) -> None:
    _play(forum, FRONT_35)
    forum.play("GET", "/site/basic-info.json", answer({**INFO, "login_required": True}))
    assert read_site(forum.url).login_required


@pytest.mark.parametrize(
    "front", ["", "no page", "<html><head><link href='javascript:color_definitions'", FRONT_35]
)
def test_a_missing_palette_is_no_error(forum: Recorded, front: str) -> None:
    forum.play("GET", "/", answer(front, headers=_html(front)))
    forum.play("GET", "/site/basic-info.json", answer({"title": "T"}))
    site = read_site(forum.url)
    assert (site.title, site.light, site.dark) == ("T", {}, {})


def test_a_forum_in_a_sub_folder_is_looked_at_there(forum: Recorded) -> None:
    front = FRONT_35.replace('href="/style', 'href="/community/style')
    forum.play("GET", "/community/", answer(front, headers=_html(front)))
    forum.play("GET", "/community/stylesheets/color_definitions_light_1.css", answer(LIGHT))
    assert read_site(f"{forum.url}/community").light["primary"] == "#222222"


def test_a_forum_that_is_down_is_said_to_be_down() -> None:
    with recorded_server() as gone:
        url = gone.url
    with pytest.raises(Transient):
        read_site(url)


@pytest.mark.parametrize(
    "value",
    [
        "red;}body{display:none",
        "url(//evil.example.com)",
        "expression(alert(1))",
        "#12",
        "</style><script>",
        "var(--x)",
        "rgb(1,2,3) url(x)",
        "\\0023fff",
    ],
)
def test_only_plain_colours_come_through(value: str) -> None:
    assert read_palette(f":root{{--primary: {value};}}") == {}
