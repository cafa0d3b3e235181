"""Every text of a page can be translated: it stands in gettext, as a whole sentence."""

from __future__ import annotations

import re
from html.parser import HTMLParser
from pathlib import Path

import pytest
from babel.messages.extract import extract_from_dir
from babel.messages.frontend import parse_mapping_cfg
from flask import Flask
from jinja2 import Environment, nodes

from bridge.render import TEMPLATES
from bridge.web.pages import teach

PAGES = TEMPLATES / "html"
# Pages whose texts are all marked: every page for members, whose picture for posts has a style and
# no text of its own, and these of the console; whoever marks another adds it here.
MEMBERS = sorted({path.name for path in PAGES.glob("*.jinja")} - {"goal.svg.jinja"})
CONSOLE = (
    "moderate/act.jinja",
    "moderate/changes.jinja",
    "moderate/charts.jinja",
    "moderate/log.jinja",
    "moderate/members.jinja",
    "moderate/settings.jinja",
    "moderate/take_away.jinja",
    "moderate/then.jinja",
    "moderate/worklist.jinja",
)
MARKED = (*MEMBERS, *CONSOLE)
SAID_ALOUD = {"alt", "aria-label", "title", "placeholder"}


class _Words(HTMLParser):
    """What people read or hear of a page."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.found: list[str] = []

    def handle_data(self, data: str) -> None:
        self.found.append(data)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        del tag
        self.found += [value or "" for name, value in attrs if name in SAID_ALOUD]


def unmarked(source: str) -> list[str]:
    """Words that stand in a template as they are, outside of any gettext."""
    app = Flask(__name__)
    teach(app)
    environment: Environment = app.jinja_env
    literal = "".join(one.data for one in environment.parse(source).find_all(nodes.TemplateData))
    words = _Words()
    words.feed(literal)
    return [text.strip() for text in words.found if re.search(r"[A-Za-z]{2}", text)]


def test_words_outside_of_gettext_are_found() -> None:
    assert unmarked("<p>Hello {{ _('you') }}</p>") == ["Hello"]
    assert unmarked("<img alt='A cat'>{% trans %}Hello{% endtrans %}") == ["A cat"]
    assert unmarked("<p class='lead'>{{ _('Hello') }} · {{ name }}</p>") == []


@pytest.mark.parametrize("template", MARKED)
def test_each_text_of_a_page_is_marked_for_translation(template: str) -> None:
    assert unmarked((PAGES / template).read_text(encoding="utf-8")) == []


def test_the_texts_are_gathered_from_templates_and_code() -> None:
    root = Path(__file__).parents[3]
    with (root / "babel.cfg").open(encoding="utf-8") as file:
        methods, options = parse_mapping_cfg(file)  # type: ignore[no-untyped-call] # Babel's

    def is_looked_into(folder: str) -> bool:
        return Path(folder).name in {"templates", "html", "bridge", "web", "buying"}

    gathered = extract_from_dir(root, methods, options, directory_filter=is_looked_into)
    found = {message for _, _, message, _, _ in gathered}
    assert {"Skip to content", "Continue without it"} <= found
