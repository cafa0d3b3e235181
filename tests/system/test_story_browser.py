"""The story's browser on test pages: words, links, forms, buttons and choices."""

from collections.abc import Iterator
from typing import Any

import pytest
from flask import Flask, request

from bridge.demo.browser import Browser, NotOnPage
from tests.harness import served

PAGE = """
<h1>Join &amp; stay</h1><script>var hidden = "<a href='/no'>no</a>"</script>
<p>Read <a href="/said/about">about <b>us</b></a> or <a href="said/x">elsewhere</a>.</p>
<form action="/said/pay" method="post">
  <input type="hidden" name="csrf_token" value="abc">
  <input name="card"><input type="checkbox" name="save"><input type="radio" name="how" value="a">
  <input type="radio" name="how" value="b" checked>
  <select name="country"><option value="DE">Germany</option><option value="FR" selected>France
  </option></select>
  <button name="do" value="pay"><span>Pay</span> now</button>
  <button name="do" value="no">Leave</button>
</form>
<form action="/said/find"><input name="q" value="1"><button>Find</button></form>
"""


def site() -> Flask:
    app = Flask(__name__)

    @app.get("/")
    def _front() -> str:
        return PAGE

    @app.route("/said/<what>", methods=["GET", "POST"])
    def _said(what: str) -> dict[str, Any]:
        sent = {"form": request.form.to_dict(), "query": request.args.to_dict()}
        headers = {name: request.headers.get(name) for name in ("Origin", "Referer")}
        heard.append({"what": what, "method": request.method, **sent, **headers})
        return heard[-1]

    return app


heard: list[dict[str, Any]] = []


@pytest.fixture
def browser() -> Iterator[Browser]:
    heard.clear()
    with served(site()) as url:
        made = Browser()
        made.open(f"{url}/")
        yield made
        made.close()


def test_words_are_those_that_a_person_sees(browser: Browser) -> None:
    assert browser.text.startswith("Join & stay Read about us or elsewhere")
    assert "hidden" not in browser.text


@pytest.mark.parametrize(("words", "what"), [("About us", "about"), ("said/x", "x")])
def test_links_are_found_by_their_words_or_address(browser: Browser, words: str, what: str) -> None:
    before = browser.url
    browser.click(words)
    assert (heard[-1]["what"], heard[-1]["Referer"]) == (what, before)


def test_a_form_is_sent_as_it_stands_with_the_button_that_was_pressed(browser: Browser) -> None:
    before = browser.url
    browser.send("leave")
    said = heard[-1]
    assert (said["what"], said["method"], said["Origin"]) == ("pay", "POST", before.rstrip("/"))
    form = {"csrf_token": "abc", "card": "", "how": "b", "country": "FR", "do": "no"}
    assert said["form"] == form


def test_a_form_is_filled_in_and_its_first_button_pressed(browser: Browser) -> None:
    browser.send("/said/pay", {"card": "4242", "how": "a"}, choose="germany")
    form = {"csrf_token": "abc", "card": "4242", "how": "a", "country": "DE", "do": "pay"}
    assert heard[-1]["form"] == form


def test_a_form_without_method_is_a_question(browser: Browser) -> None:
    browser.send("find")
    assert (heard[-1]["method"], heard[-1]["query"]) == ("GET", {"q": "1"})


def test_what_is_not_on_the_page_is_said_with_what_is(browser: Browser) -> None:
    with pytest.raises(NotOnPage, match=r"no link “prices” on .*; there are: about us, elsewhere"):
        browser.click("prices")
    with pytest.raises(NotOnPage, match=r"no form “login” on .*; there are: /said/pay, /said/find"):
        browser.send("login")
    with pytest.raises(NotOnPage, match="no choice “spain”"):
        browser.send("pay now", choose="spain")
