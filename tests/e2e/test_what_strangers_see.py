"""A stranger who plays with addresses and headers gets nothing that leaks, slows or misleads."""

from __future__ import annotations

import http.client
import time
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest
import requests
from sqlalchemy import event as sql_events
from sqlalchemy import text

from bridge.core.model.stripe import Price, Product
from bridge.web import create_app, health
from tests.e2e.place import Place, open_patrons, open_place
from tests.processes import live

pytestmark = pytest.mark.e2e
PATRON = Product("prod_patron", "Patron", metadata={"discourse_groups": "patrons"})
YEARLY = Price("price_year", "prod_patron", "eur", 2500, "year", lookup_key="patron")
ELSEWHERE = {"REMOTE_ADDR": "203.0.113.5"}


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    with open_patrons(tmp_path_factory.mktemp("place"), "ada") as opened:
        opened.sell(PATRON, YEARLY)
        yield opened


def asked(url: str, path: str, **headers: str) -> tuple[int, dict[str, str], str]:
    """The answer to exactly these headers: status, headers and body."""
    connection = http.client.HTTPConnection(urlsplit(url).netloc, timeout=20)
    connection.request("GET", path, headers=headers)
    answer = connection.getresponse()
    found = answer.status, dict(answer.getheaders()), answer.read().decode()
    connection.close()
    return found


# --- figures and readiness ----------------------------------------------------------------------


def test_A136_figures_without_a_token_are_for_this_machine_only(place: Place) -> None:
    here = requests.get(f"{place.url}/metrics", timeout=20)
    figures = [line for line in here.text.splitlines() if not line.startswith("#")]
    assert figures[0].startswith("bridge_oldest_dirty_seconds ")


@pytest.mark.parametrize(
    "said",
    [
        {"X-Forwarded-For": "203.0.113.5"},
        {"X-Real-IP": "203.0.113.5"},
        {"Forwarded": "for=203.0.113.5"},
        {"Via": "1.1 caddy"},
        {"Host": "bridge.example.org"},
    ],
)
def test_A136_a_proxy_on_this_machine_makes_nobody_local(
    place: Place, said: dict[str, str]
) -> None:
    assert asked(place.url, "/metrics", **said)[0] == 403


@pytest.mark.parametrize("where", [ELSEWHERE, {"REMOTE_ADDR": "127.0.0.1"}])
def test_A136_figures_ask_everybody_for_the_token_if_there_is_one(
    place: Place, where: dict[str, str]
) -> None:
    client = create_app(place.bridge, metrics_token="a-long-token").test_client()
    assert client.get("/metrics", environ_base=where).status_code == 403
    for given, status in (("a-long-token", 200), ("another", 403), ("", 403), ("\xe9", 403)):
        said = {"Authorization": f"Bearer {given}"}
        answer = client.get("/metrics", headers=said, environ_base=where)
        assert answer.status_code == status


def test_A136_asking_often_whether_the_bridge_is_ready_makes_the_database_write_once(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(health, "LOOK_SECONDS", 3600.0)
    client = create_app(place.bridge).test_client()
    looks: list[str] = []

    def count(_connection: object, name: str) -> None:
        looks.append(name)

    engine = place.bridge.store.engine
    sql_events.listen(engine, "savepoint", count)
    try:
        answers = {client.get("/readyz", environ_base=ELSEWHERE).status_code for _ in range(50)}
    finally:
        sql_events.remove(engine, "savepoint", count)
    assert answers == {200}, "nobody who asks often makes a probe see anything else"
    assert len(looks) == 1


def test_A136_ready_is_asked_again_after_a_second(tmp_path: Path) -> None:
    with open_place(tmp_path) as other:
        assert requests.get(f"{other.url}/readyz", timeout=20).json()["database"] == "ok"
        with other.bridge.store.write() as connection:
            connection.execute(text("DELETE FROM alembic_version"))
        assert until_status(other, 503)["status"] == "unready"


def until_status(place: Place, wanted: int) -> dict[str, str]:
    """The text of /readyz once it answers with this status."""
    for _ in range(400):
        answer = requests.get(f"{place.url}/readyz", timeout=20)
        if answer.status_code == wanted:
            found: dict[str, str] = answer.json()
            return found
        time.sleep(0.05)
    raise AssertionError(f"never {wanted}")


# --- the name that a client gives the bridge ----------------------------------------------------


@pytest.mark.parametrize(
    "path", ["/me", "/join", "/join/patron", "/login", "/", "/nothing", "/favicon.ico"]
)
@pytest.mark.parametrize("host", ["evil.example", "evil.example:80", "127.0.0.1.evil.example", "x"])
def test_A136_a_page_asked_for_under_another_name_is_refused(
    place: Place, path: str, host: str
) -> None:
    status, headers, body = asked(place.url, path, Host=host)
    assert status == 421
    assert "Location" not in headers
    assert headers["Cache-Control"] == "no-store"
    assert place.url in body
    assert "evil" not in body


@pytest.mark.parametrize("path", ["/healthz", "/readyz"])
def test_A136_probes_reach_the_health_addresses_under_any_name(place: Place, path: str) -> None:
    assert asked(place.url, path, Host="10.0.0.7:8000")[0] == 200


def test_A136_a_host_is_the_same_with_and_without_its_usual_port(place: Place) -> None:
    client = create_app(place.bridge).test_client()
    ours = urlsplit(place.url).netloc
    assert client.get("/logout", base_url=f"http://{ours.upper()}").status_code == 200


def test_A136_no_header_moves_the_bridge_to_another_path(tmp_path: Path) -> None:
    """Some servers take the address from headers that a client may send as well."""
    with live(tmp_path) as processes:
        processes.start("web")
        url = processes.system.url
        names = ("SCRIPT_NAME", "Script-Name", "PATH_INFO", "Path-Info", "X-Forwarded-Prefix")
        for path in ("/", "/favicon.ico", "/me", "/nothing"):
            plain = asked(url, path)
            for name in names:
                moved = asked(url, path, **{name: "/evil"})
                assert moved[0] == plain[0], (path, name)
                assert moved[1].get("Location") == plain[1].get("Location")
                assert "evil" not in moved[2]


# --- what caches keep ---------------------------------------------------------------------------


def test_A136_a_page_that_may_be_cached_names_nobody_s_post(place: Place) -> None:
    post = f"{place.forum_url}/t/secret-topic/77"
    for said in ({}, {"Referer": post}, {"Referer": "https://elsewhere.example/private"}):
        answer = requests.get(f"{place.url}/join/patron", headers=said, timeout=20)
        assert answer.status_code == 200
        kept = "public" in answer.headers["Cache-Control"]
        assert kept == ("secret-topic" not in answer.text)
        assert "elsewhere" not in answer.text
        assert "Set-Cookie" not in answer.headers or not kept
        if kept:
            assert "Referer" in answer.headers["Vary"]
    named = requests.get(f"{place.url}/join/patron", params={"from": post}, timeout=20)
    assert "secret-topic" in named.text
    assert named.headers["Cache-Control"] == "no-store"


def test_A136_what_is_shown_to_a_member_is_never_kept(place: Place) -> None:
    browser = place.browser("ada")
    for path in ("/join", "/join/patron", "/me", "/logout", "/join/nothing", "/login/callback"):
        assert browser.get(path).headers["Cache-Control"] == "no-store"


# --- refusals -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("method", "path", "allowed"),
    [
        ("DELETE", "/me", {"GET", "HEAD", "OPTIONS"}),
        ("GET", "/webhooks/stripe", {"POST", "OPTIONS"}),
        ("PUT", "/join/patron", {"GET", "HEAD", "OPTIONS", "POST"}),
    ],
)
def test_A137_a_method_that_is_refused_is_told_which_are_taken(
    place: Place, method: str, path: str, allowed: set[str]
) -> None:
    answer = requests.request(method, f"{place.url}{path}", timeout=20)
    assert answer.status_code == 405
    assert set(answer.headers["Allow"].split(", ")) == allowed


@pytest.mark.parametrize(("path", "most"), [("/webhooks/stripe", 256), ("/logout", 32)])
def test_A137_a_body_in_chunks_is_measured_as_any_other(
    tmp_path: Path, path: str, most: int
) -> None:
    def chunks(kilobytes: int) -> Iterator[bytes]:
        yield from (b"x" * 1024 for _ in range(kilobytes))

    with live(tmp_path) as processes:
        processes.start("web")
        url = f"{processes.system.url}{path}"
        assert requests.post(url, data=chunks(most + 1), timeout=20).status_code == 413
        assert requests.post(url, data=chunks(most // 2), timeout=20).status_code == 400, "unsigned"
        # The server answers these before any code of the site sees them.
        api = f"{processes.system.url}/api/v1/people/1/grants"
        for body in (b"x" * 300_000, chunks(257)):
            large = requests.post(api, data=body, timeout=20)
            assert (large.status_code, set(large.json())) == (413, {"error"})
            assert large.headers["Content-Type"] == "application/json"
