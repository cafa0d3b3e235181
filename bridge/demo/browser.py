"""A browser without pictures, for the story: what a person does, in the words that they see."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from urllib.parse import urljoin

import requests
from bs4 import BeautifulSoup, Tag
from mechanicalsoup import StatefulBrowser

TIMEOUT_SECONDS = 30
HEADERS = {"Accept": "text/html", "Accept-Language": "en", "Sec-Fetch-Dest": "document"}


class NotOnPage(Exception):
    """A link, a form or a button that should be there is not."""


class Browser:
    """One person at their computer."""

    def __init__(self) -> None:
        self._browser = StatefulBrowser(user_agent="Mozilla/5.0 (a story)")
        self._browser.session.headers.update(HEADERS)

    @property
    def url(self) -> str:
        """Where this person is."""
        return self._browser.url or "about:blank"

    @property
    def text(self) -> str:
        """All words on the page, with single spaces."""
        return " ".join(self._page.get_text(" ").split())

    def open(self, address: str) -> None:
        """Go to an address; redirects are followed."""
        headers = {"Referer": self._browser.url} if self._browser.url else {}
        self._browser.open(address, headers=headers, timeout=TIMEOUT_SECONDS)

    def click(self, words: str) -> None:
        """Follow the first link whose words or address contain these."""
        links = self._page.find_all("a", href=True)
        for link in links:
            if words.lower() in _words(link).lower() or words in str(link["href"]):
                self.open(urljoin(self.url, str(link["href"])))
                return
        found = ", ".join(map(_words, links)) or "none"
        raise NotOnPage(f"no link “{words}” on {self.url}; there are: {found}")

    def send(
        self, words: str, values: Mapping[str, str] | None = None, choose: str | None = None
    ) -> None:
        """Fill in the form with these words; press its button with these words, or its first.

        `choose`: the words of what is selected in it.
        """
        form = self._browser.select_form(self._form(words))
        for name, value in (values or {}).items():
            form.set(name, value)
        if choose:
            form.set_select(_choice(form.form, choose))
        buttons = form.form.find_all("button")
        form.choose_submit(next((one for one in buttons if _has(one, words)), None))
        origin = urljoin(self.url, "/").rstrip("/")
        self._browser.submit_selected(headers={"Origin": origin}, timeout=TIMEOUT_SECONDS)

    def read(self, address: str) -> Any:
        """What a page's script would read: JSON, as the person who is logged in."""
        headers = {"Accept": "application/json", "X-Requested-With": "XMLHttpRequest"}
        session: requests.Session = self._browser.session
        answer = session.get(address, headers=headers, timeout=TIMEOUT_SECONDS)
        answer.raise_for_status()
        return answer.json()

    def close(self) -> None:
        """Close all connections."""
        self._browser.close()

    @property
    def _page(self) -> BeautifulSoup:
        page: BeautifulSoup | None = self._browser.page
        return page or BeautifulSoup("", "lxml")

    def _form(self, words: str) -> Tag:
        """The first form whose action, fields or buttons contain these words."""
        forms = self._page.find_all("form")
        for form in forms:
            fields = form.select("[name]")
            said = [str(form.get("action", "")), *(str(one["name"]) for one in fields)]
            if words.lower() in " ".join(said).lower() or any(
                _has(button, words) for button in form.find_all("button")
            ):
                return form
        actions = ", ".join(str(form.get("action", "")) for form in forms) or "none"
        raise NotOnPage(f"no form “{words}” on {self.url}; there are: {actions}")


def _words(tag: Tag) -> str:
    return " ".join(tag.get_text().split())


def _has(tag: Tag, words: str) -> bool:
    return words.lower() in _words(tag).lower()


def _choice(form: Tag, words: str) -> dict[str, str]:
    for option in form.select("select[name] option"):
        select = option.find_parent("select")
        if select and _has(option, words):
            return {str(select["name"]): str(option.get("value", _words(option)))}
    raise NotOnPage(f"no choice “{words}”; there are: {form.select('option')}")
