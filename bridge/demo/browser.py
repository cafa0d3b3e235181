"""A browser without pictures, for the story: it follows links, keeps cookies and sends forms."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from html.parser import HTMLParser
from typing import Any
from urllib.parse import urljoin

import requests

TIMEOUT_SECONDS = 30
UNSENT = ("submit", "button", "reset", "image", "file")


class NotOnPage(Exception):
    """A link, a form or a button that should be there is not."""


@dataclass(slots=True)
class Form:
    """A form as it would be sent unchanged.

    `buttons`: their words -> name and value. `choices`: a selection's name -> words -> value.
    """

    action: str
    method: str
    fields: dict[str, str] = field(default_factory=dict)
    buttons: dict[str, tuple[str, str]] = field(default_factory=dict)
    choices: dict[str, dict[str, str]] = field(default_factory=dict)


class Page(HTMLParser):
    """What can be clicked on a page, and its words."""

    def __init__(self, url: str, status: int, html: str) -> None:
        super().__init__()
        self.url = url
        self.status = status
        self.links: dict[str, str] = {}
        self.forms: list[Form] = []
        self._text: list[str] = []
        self._link: tuple[str, int] | None = None
        self._button: tuple[str, str, int] | None = None
        self._select: str | None = None
        self._option: tuple[str, int] | None = None
        self._hidden = 0
        self._form_open = False
        self.feed(html)

    @property
    def text(self) -> str:
        """All words, with single spaces."""
        return " ".join(" ".join(self._text).split())

    def link(self, words: str) -> str:
        """The address of the first link whose words or address contain these."""
        for said, address in self.links.items():
            if words.lower() in said.lower() or words in address:
                return address
        raise NotOnPage(f"no link “{words}” on {self.url}; there are: {', '.join(self.links)}")

    def form(self, words: str) -> Form:
        """The first form whose action, fields or buttons contain these words."""
        for form in self.forms:
            said = " ".join([form.action, *form.fields, *form.buttons]).lower()
            if words.lower() in said:
                return form
        actions = ", ".join(form.action for form in self.forms)
        raise NotOnPage(f"no form “{words}” on {self.url}; there are: {actions or 'none'}")

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Note links, forms and fields."""
        has = {name: value or "" for name, value in attrs}
        if tag in ("script", "style"):
            self._hidden += 1
        elif tag == "a" and "href" in has:
            self._link = (urljoin(self.url, has["href"]), len(self._text))
        elif tag == "form":
            action = urljoin(self.url, has.get("action") or self.url)
            self.forms.append(Form(action, has.get("method", "get").upper()))
            self._form_open = True
        elif self._form_open:
            self._field(tag, has)

    def _field(self, tag: str, has: dict[str, str]) -> None:
        fields, name = self.forms[-1].fields, has.get("name", "")
        kind = has.get("type", "text").lower()
        if tag == "button":
            self._button = (name, has.get("value", ""), len(self._text))
        elif tag == "input" and kind == "submit":
            self.forms[-1].buttons[has.get("value", "")] = (name, has.get("value", ""))
        elif tag in ("input", "textarea") and name and kind not in UNSENT:
            if kind not in ("radio", "checkbox") or "checked" in has:
                fields[name] = has.get("value", "on" if kind == "checkbox" else "")
        elif tag == "select":
            self._select = name
        elif tag == "option" and self._select:
            self._option = (has.get("value", ""), len(self._text))
            if "selected" in has or self._select not in fields:
                fields[self._select] = has.get("value", "")

    def handle_endtag(self, tag: str) -> None:
        """Close links and buttons: their words are known now."""
        if tag in ("script", "style"):
            self._hidden -= 1
        elif tag == "a" and self._link:
            address, start = self._link
            self.links.setdefault(" ".join("".join(self._text[start:]).split()), address)
            self._link = None
        elif tag == "option" and self._option and self._select:
            value, start = self._option
            words = " ".join("".join(self._text[start:]).split())
            self.forms[-1].choices.setdefault(self._select, {})[words] = value
            self._option = None
        elif tag == "button" and self._button:
            name, value, start = self._button
            words = " ".join("".join(self._text[start:]).split())
            self.forms[-1].buttons[words] = (name, value)
            self._button = None
        elif tag == "form":
            self._form_open = False
        elif tag == "select":
            self._select = None

    def handle_data(self, data: str) -> None:
        """Gather words."""
        if not self._hidden:
            self._text.append(data)


class Browser:
    """One person at their computer."""

    def __init__(self) -> None:
        self._session = requests.Session()
        self._session.headers.update(
            {
                "User-Agent": "Mozilla/5.0 (a story)",
                "Accept": "text/html",
                "Accept-Language": "en",
                "Sec-Fetch-Dest": "document",
            }
        )
        self.page = Page("about:blank", 200, "")

    def open(self, address: str) -> Page:
        """Go to an address; redirects are followed."""
        before = self.page.url
        headers = {"Referer": before} if before.startswith("http") else {}
        return self._show(self._session.get(address, headers=headers, timeout=TIMEOUT_SECONDS))

    def click(self, words: str) -> Page:
        """Follow a link on this page."""
        return self.open(self.page.link(words))

    def send(
        self, words: str, values: Mapping[str, str] | None = None, choose: str | None = None
    ) -> Page:
        """Fill in the form with these words; press its button with these words, or its first.

        `choose`: the words of what is selected in it.
        """
        form = self.page.form(words)
        chosen = _chosen(form, choose) if choose else {}
        pressed = [button for said, button in form.buttons.items() if words.lower() in said.lower()]
        name, value = (pressed or [*form.buttons.values()] or [("", "")])[0]
        fields = form.fields | ({name: value} if name else {}) | dict(values or {}) | chosen
        if form.method == "GET":
            answer = self._session.get(form.action, params=fields, timeout=TIMEOUT_SECONDS)
        else:
            answer = self._session.post(
                form.action,
                data=fields,
                headers={"Referer": self.page.url, "Origin": _origin(self.page.url)},
                timeout=TIMEOUT_SECONDS,
            )
        return self._show(answer)

    def read(self, address: str) -> Any:
        """What a page's script would read: JSON, as the person who is logged in."""
        headers = {"Accept": "application/json", "X-Requested-With": "XMLHttpRequest"}
        answer = self._session.get(address, headers=headers, timeout=TIMEOUT_SECONDS)
        answer.raise_for_status()
        return answer.json()

    def close(self) -> None:
        """Close all connections."""
        self._session.close()

    def _show(self, answer: requests.Response) -> Page:
        self.page = Page(answer.url, answer.status_code, answer.text)
        return self.page


def _chosen(form: Form, words: str) -> dict[str, str]:
    for name, choices in form.choices.items():
        for said, value in choices.items():
            if words.lower() in said.lower():
                return {name: value}
    raise NotOnPage(f"no choice “{words}”; there are: {form.choices}")


def _origin(url: str) -> str:
    scheme, _, rest = url.partition("://")
    return f"{scheme}://{rest.partition('/')[0]}"
