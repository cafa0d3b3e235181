import pytest

from bridge.demo.browser import NotOnPage, Page

PAGE = """
<h1>Join &amp; stay</h1><script>var hidden = "<a href='/no'>no</a>"</script>
<p>Read <a href="/about">about <b>us</b></a> or <a href="https://other.example/x">elsewhere</a>.</p>
<form action="/pay" method="post">
  <input type="hidden" name="csrf_token" value="abc">
  <input name="card"><input type="checkbox" name="save"><input type="radio" name="how" value="a">
  <input type="radio" name="how" value="b" checked>
  <select name="country"><option value="DE">Germany</option><option value="FR" selected>France
  </option></select>
  <button name="do" value="pay"><span>Pay</span> now</button>
  <button name="do" value="no">Leave</button>
</form>
<form action="?q=1"><input type="submit" value="Find"></form>
"""


def page() -> Page:
    return Page("https://bridge.example/join/x", 200, PAGE)


def test_words_are_those_that_a_person_sees() -> None:
    assert page().text.startswith("Join & stay Read about us or elsewhere")
    assert "hidden" not in page().text


def test_links_are_found_by_their_words_or_address_and_are_absolute() -> None:
    assert page().link("About us") == "https://bridge.example/about"
    assert page().link("other.example") == "https://other.example/x"
    with pytest.raises(NotOnPage, match="no link “prices”"):
        page().link("prices")


def test_a_form_is_sent_as_it_stands() -> None:
    form = page().form("pay now")
    assert (form.action, form.method) == ("https://bridge.example/pay", "POST")
    assert form.fields == {"csrf_token": "abc", "card": "", "how": "b", "country": "FR"}
    assert form.choices == {"country": {"Germany": "DE", "France": "FR"}}
    assert form.buttons == {"Pay now": ("do", "pay"), "Leave": ("do", "no")}


def test_a_form_without_method_is_a_question() -> None:
    form = page().form("find")
    assert (form.action, form.method) == ("https://bridge.example/join/x?q=1", "GET")
    with pytest.raises(NotOnPage, match="no form “login”"):
        page().form("login")
