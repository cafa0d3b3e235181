"""Every text of a page can be translated: it stands in gettext, as a whole sentence."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import cache
from html.parser import HTMLParser
from itertools import chain
from pathlib import Path

import pytest
from babel.messages.extract import extract_from_dir
from babel.messages.frontend import parse_mapping_cfg
from flask import Flask
from jinja2 import Environment, nodes

from bridge.core.telling.listing import STANDINGS
from bridge.core.telling.outcomes import STATES, state_words
from bridge.core.telling.payer_facts import _SENTENCES
from bridge.core.telling.sentences import as_sentence
from bridge.core.telling.subscription_cards import Standing
from bridge.filters import TEMPLATES
from bridge.web.pages import teach
from tests.house.sources import BRIDGE, ROOT, modules, source, tree

PAGES = TEMPLATES / "html"
SAID_ALOUD = {"alt", "aria-label", "title", "placeholder"}
SAME_EVERYWHERE = {"id:", "UTC", "Link", "PayPal"}
"""Names and units that no language changes."""


OF_THE_FORUM = re.compile(r"\[/?details[^]]*\]")
"""Marks in messages that only the forum reads."""


class _Words(HTMLParser):
    """The text of a page that people read or hear, without styles and shell commands."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.found: list[str] = []
        self.inside = ""

    def handle_data(self, data: str) -> None:
        if self.inside not in {"style", "code"}:
            self.found.append(data)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.inside = tag
        self.found += [value or "" for name, value in attrs if name in SAID_ALOUD]

    def handle_endtag(self, tag: str) -> None:
        del tag
        self.inside = ""


def _printed(node: nodes.Node) -> Iterator[str]:
    """The words that an expression may print: no key, no argument, no text in gettext."""
    if isinstance(node, nodes.Const) and isinstance(node.value, str):
        yield node.value
    parts: Iterable[nodes.Node] = node.iter_child_nodes()
    if isinstance(node, nodes.Filter | nodes.Getitem):
        parts = [node.node] if node.node else []
    elif isinstance(node, nodes.CondExpr):
        parts = [one for one in (node.expr1, node.expr2) if one]
    elif isinstance(node, nodes.Pair):
        parts = [node.value]
    elif isinstance(node, nodes.Call | nodes.Compare):
        parts = []
    for part in parts:
        yield from _printed(part)


@cache
def environment() -> Environment:
    app = Flask(__name__)
    teach(app)
    return app.jinja_env


def unmarked(template: str) -> list[str]:
    """Words that stand in a template as they are, outside of any gettext."""
    parsed = environment().parse(template)
    literal = "".join(one.data for one in parsed.find_all(nodes.TemplateData))
    words = _Words()
    words.feed(OF_THE_FORUM.sub("", literal))
    found = [text.strip() for text in words.found if re.search(r"[A-Za-z]{2}", text)]
    for output in parsed.find_all(nodes.Output):
        printed = (text for part in output.nodes for text in _printed(part))
        # What has neither a capital nor two words is the name of a class.
        found += [text for text in printed if re.search(r"[A-Z]|[a-z] [a-z]", text)]
    return [text for text in found if text not in SAME_EVERYWHERE]


def test_words_outside_of_gettext_are_found() -> None:
    assert unmarked("<p>Hello {{ _('you') }}</p>") == ["Hello"]
    assert unmarked("<img alt='A cat'>{% trans %}Hello{% endtrans %}") == ["A cat"]
    assert unmarked("{{ 'Hello' if name else _('Nobody') }}") == ["Hello"]
    assert unmarked("<p class='lead'>{{ _('Hello') }} · {{ name }}</p>") == []
    assert unmarked("<p class='state{{ ' warn' if late }}'>id:<code>bridge web</code></p>") == []


def test_each_text_of_a_page_or_message_is_marked_for_translation() -> None:
    templates = sorted(TEMPLATES.rglob("*.jinja"))
    assert len(templates) > 50
    left = {path.relative_to(TEMPLATES).as_posix(): unmarked(source(path)) for path in templates}
    assert {name: words for name, words in left.items() if words} == {}


def test_the_texts_are_gathered_from_templates_and_code() -> None:
    with (ROOT / "babel.cfg").open(encoding="utf-8") as file:
        methods, options = parse_mapping_cfg(file)  # type: ignore[no-untyped-call] # Babel's

    def is_looked_into(folder: str) -> bool:
        return Path(folder).name in {"templates", "html", "markdown", "bridge", "web", "buying"}

    gathered = extract_from_dir(ROOT, methods, options, directory_filter=is_looked_into)
    found = {message for _, _, message, _, _ in gathered}
    assert {"Skip to content", "Continue without it", "Full statement"} <= found


def test_every_badge_is_a_few_words_with_a_capital_and_no_full_stop() -> None:
    texts = [source(path) for path in PAGES.rglob("*.jinja")]
    badges = [found for page in texts for found in re.findall(r'class="state.*?</span>', page)]
    words = [one for badge in badges for one in re.findall(r'_\("([^"]+)"\)', badge)]
    waits = (Standing.FAILED, Standing.UNFINISHED)
    words += [_SENTENCES[one] for one in waits] + [*STANDINGS.values(), *map(state_words, STATES)]
    assert len(words) > 30
    wrong = [one for one in words if one.endswith(".") or one[0] != one[0].upper()]
    assert wrong == []


# --- texts in Python ------------------------------------------------------------------------------

# The API and webhooks speak to programs, in English.
FOR_PROGRAMS = {"api", "health.py", "webhooks.py"}
# What only commands show, to operators, in English.
COMMANDS = {"importing.py", "ledger.py"}
PEOPLE_READ = re.compile(r"[A-Za-z]{2,}[,:.]? [A-Za-z]{2,}")
NO_TEXT = re.compile(
    r"[=;{]|Cookie, |back from Stripe| was made for user | and is another's"
    r"|^(stays in|by hand|group members|gift taken by user |sync by |e-mail at Stripe"
    r"|e-mail on the forum|the forum|a time without its zone"
    r"|the list contains somebody who is not in it)$"
)
"""Headers, styles, codes, defects and what stands in the log."""
MARKS = {"gettext", "ngettext"}
LOGS = {"debug", "info", "warning", "error", "exception", "_refused"}
TECHNICAL = {"cast", "compile", "link", "TO_SET", "_BRANDS"}


def _names(node: ast.AST) -> set[str]:
    """The name that is called or assigned to."""
    if isinstance(node, ast.Call):
        return {str(getattr(node.func, "id", getattr(node.func, "attr", "")))}
    targets = getattr(node, "targets", [getattr(node, "target", None)])
    return {one.id for one in targets if isinstance(one, ast.Name)}


def _read_by_people(node: ast.AST) -> list[ast.AST]:
    """The parts of a node that may become a text: no docstring, key of a table or format."""
    if _names(node) & (MARKS | LOGS | TECHNICAL):
        return []
    if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant):
        return []
    if isinstance(node, ast.FormattedValue):
        return [node.value]
    return list(node.values) if isinstance(node, ast.Dict) else list(ast.iter_child_nodes(node))


def unmarked_in_code(code: ast.AST, but: re.Pattern[str] = NO_TEXT) -> list[str]:
    """Words that people read and that stand in no gettext."""
    found: list[str] = []
    left = [code]
    while left:
        node = left.pop()
        said = node.value if isinstance(node, ast.Constant) else None
        if isinstance(said, str) and PEOPLE_READ.search(said) and not but.search(said):
            found.append(said)
        left += _read_by_people(node)
    return sorted(found)


def test_words_in_code_outside_of_gettext_are_found() -> None:
    def found(code: str) -> list[str]:
        return unmarked_in_code(ast.parse(code))

    assert found("raise Stop(404, 'Not found', f'No {x} is here.')") == [" is here.", "Not found"]
    assert found("raise Stop(404, gettext('Not found here'))") == []
    assert found("log.info('it is not here')") == []
    assert found("def it():\n    'What it is.'") == []


def _pages() -> list[Path]:
    web = [p for p in modules("web") if not FOR_PROGRAMS & set(p.parts)]
    rooms = ("core/telling", "answers", "operations")
    more = [p for room in rooms for p in modules(room) if p.name not in COMMANDS]
    return sorted([*web, *more, BRIDGE / "filters.py", BRIDGE / "render.py"])


def test_each_text_that_a_page_can_show_is_marked_for_translation_in_code() -> None:
    left = {path.relative_to(BRIDGE).as_posix(): unmarked_in_code(tree(path)) for path in _pages()}
    assert {name: words for name, words in left.items() if words} == {}


# --- what errors say ------------------------------------------------------------------------------

# Errors of these rooms reach pages, the API and commands in the same words. What the forum and its
# network say to the bridge (`discourse_api`) is for the log and the doctor.
ROOMS = ("core", "operations", "answers", "store", "stripe_api", "worker")
# These stay in English and unmarked.
NOT_SHOWN = {
    "AssertionError": "a defect of the bridge, for its log",
    "BadAnswer": "a forged or broken sign-in, for the log; the page has words of its own",
    "Config": "a setting, named by its code and shown by the doctor and when a process starts",
    "MalformedEvent": "an event that cannot be read, in the words of its format, for operators",
    "PermissionError": "a defect of the bridge, for its log",
    "RuntimeError": "a defect of the bridge, for its log",
    "Transient": "a failure between machines, for logs and programs; pages say to try again",
    "TypeError": "a defect of the bridge, for its log",
    "Uncertain": "a failure between machines, for the log",
    "ValueError": "a value that cannot be; pages and commands say it in words of their own",
}
# Except for these, whose words are passed on to people.
PASSED_ON = {"core/ledger/amounts.py": "ValueError"}
RAISED = re.compile(r"(raise|return) [A-Z]\w+\(")
NOTHING = re.compile(r"(?!)")


def _errors(function: ast.AST, shown: str | None) -> Iterator[ast.Call]:
    """The errors that a function raises or returns, if people read their words."""
    for node in ast.walk(function):
        made = node.exc if isinstance(node, ast.Raise) else getattr(node, "value", None)
        if not (isinstance(node, ast.Raise | ast.Return) and isinstance(made, ast.Call)):
            continue
        kind = "".join(_names(made))
        is_error = isinstance(node, ast.Raise) or kind in {"Permanent", "NotFound"}
        if is_error and (kind not in NOT_SHOWN or kind == shown):
            yield made


def _joined(node: ast.AST) -> Iterator[str]:
    """Words between the values of f-strings, also single ones."""
    for one in ast.walk(node):
        if isinstance(one, ast.JoinedStr):
            parts = [str(part.value) for part in one.values if isinstance(part, ast.Constant)]
            # What follows a slash is a path.
            yield from (part for part in parts if re.search(r"(?<![/\w])[A-Za-z]{2}", part))


def said_by_errors(code: ast.AST, shown: str | None = None) -> Iterator[ast.AST]:
    """What errors say to people, also by way of a variable."""
    for function in ast.walk(code):
        if not isinstance(function, ast.FunctionDef):
            continue
        said = {
            name: node.value
            for node in ast.walk(function)
            if isinstance(node, ast.Assign)
            for name in _names(node)
        }
        for call in _errors(function, shown):
            used = {one.id for one in ast.walk(call) if isinstance(one, ast.Name)}
            yield from (call, *(said[name] for name in sorted(used & said.keys())))


def unmarked_in_errors(parts: Sequence[ast.AST]) -> list[str]:
    """What errors say to people outside of gettext."""
    unmarked = (unmarked_in_code(part, NOTHING) for part in parts)
    return [*chain.from_iterable(unmarked), *chain.from_iterable(map(_joined, parts))]


def first_words(parts: Iterable[ast.AST]) -> set[str]:
    """The words with which errors begin; not the names, files and values."""
    calls = (node for part in parts for node in ast.walk(part) if isinstance(node, ast.Call))
    marked = (call.args[0] for call in calls if _names(call) & MARKS)
    texts = (str(one.value) for one in marked if isinstance(one, ast.Constant))
    words = (text.partition(" ")[0] for text in texts if " " in text)
    return {word for word in words if word.isalpha()}


def test_words_of_errors_outside_of_gettext_are_found() -> None:
    def found(body: str, shown: str | None = None) -> list[str]:
        return unmarked_in_errors([*said_by_errors(ast.parse(f"def f():\n {body}"), shown)])

    assert found("raise NotFound(f'there is no {x} here')") != []
    assert found("w = 'it is so; go'\n raise NotFound(w)") != []
    assert found("return NotFound('it is not here')") != []
    assert found("return Found('it is not here')") == []
    assert found("raise NotFound(f'{x} has {y}')") == [" has "]
    assert found("raise NotFound(gettext('it is %s') % x)") == []
    assert found("raise RuntimeError('it is not here')") == []
    assert found("raise ValueError('it is no')", "ValueError") != []


@cache
def _of_room(room: str) -> Mapping[str, Sequence[ast.AST]]:
    """File -> what its errors say."""
    found = {}
    for path in modules(room):
        name = path.relative_to(BRIDGE).as_posix()
        if RAISED.search(source(path)):
            found[name] = tuple(said_by_errors(tree(path), PASSED_ON.get(name)))
    return found


@pytest.mark.parametrize("room", ROOMS)
def test_each_error_that_people_read_is_marked_for_translation(room: str) -> None:
    found = {name: unmarked_in_errors(parts) for name, parts in _of_room(room).items()}
    assert {name: words for name, words in found.items() if words} == {}


@pytest.mark.parametrize("room", ROOMS)
def test_pages_know_the_words_with_which_errors_begin_and_capitalize_them(room: str) -> None:
    begins = first_words(chain.from_iterable(_of_room(room).values()))
    begins -= {"name"}  # of a campaign, which is named within a sentence
    assert {word for word in begins if as_sentence(word) != f"{word.capitalize()}."} == set()
