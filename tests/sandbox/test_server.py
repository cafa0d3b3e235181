"""The server under both simulated services: faults on the socket, the journal, connections."""

from __future__ import annotations

import http.client
import json
from collections.abc import Iterator

import pytest
import requests
from flask import Flask, Response, request

from bridge.sandbox.kernel import World
from bridge.sandbox.server import CALLER, CUT_OFF, FAULT, Server, serve


class Shop:
    """A tiny application behind the server, and how often it worked."""

    def __init__(self) -> None:
        self.world = World(seed=1)
        self.worked = 0
        self.app = Flask(__name__)
        self.app.add_url_rule("/things.json", "things", self.things, methods=["GET", "POST", "PUT"])
        self.app.add_url_rule("/page", "page", lambda: "<h1>hello</h1>")
        self.app.add_url_rule("/cut", "cut", self.cut)
        self.server: Server = serve(self.world, "shop", self.app, control=lambda: self.control)

    def things(self) -> Response:
        self.worked += 1
        fault = request.environ.get(FAULT)
        request.environ[CALLER] = "tester"
        said = {"sent": request.get_data(as_text=True), "fault": fault.kind if fault else None}
        return Response(json.dumps(said), content_type="application/json; charset=utf-8")

    def cut(self) -> str:
        request.environ[CUT_OFF] = True
        return "never seen"

    def control(self, _environ: object, start_response: object) -> list[bytes]:
        start_response("200 OK", [("Content-Type", "text/plain")])  # type: ignore[operator]  # WSGI's own signature is untyped
        return [b"control"]

    def get(self, path: str = "/things.json", **options: float) -> requests.Response:
        return requests.get(self.server.url + path, timeout=options.get("timeout", 5))


@pytest.fixture
def shop() -> Iterator[Shop]:
    shop = Shop()
    yield shop
    shop.server.close()


def test_every_request_is_journaled_with_its_answer_and_caller(shop: Shop) -> None:
    requests.put(shop.server.url + "/things.json?a=1", json={"x": [1]}, timeout=5)
    (entry,) = shop.world.journal.since()
    assert (entry.server, entry.method, entry.path, entry.query) == (
        "shop", "PUT", "/things.json", "a=1",
    )  # fmt: skip
    assert (entry.request, entry.status, entry.caller) == ({"x": [1]}, 200, "tester")
    assert entry.response["sent"] == '{"x": [1]}'
    assert entry.fault is None


def test_a_form_is_journaled_as_fields(shop: Shop) -> None:
    requests.post(shop.server.url + "/things.json", data={"a": "1", "b": ["2", "3"]}, timeout=5)
    assert shop.world.journal.since()[0].request == {"a": "1", "b": ["2", "3"]}


def test_pages_and_controls_are_not_journaled(shop: Shop) -> None:
    assert shop.get("/page").text == "<h1>hello</h1>"
    assert shop.get("/_sandbox/state").text == "control"
    assert shop.world.journal.since() == []


def test_one_connection_serves_many_requests(shop: Shop) -> None:
    connection = http.client.HTTPConnection("127.0.0.1", shop.server.port, timeout=5)
    connection.connect()
    for _ in range(3):
        connection.request("GET", "/things.json")
        assert connection.getresponse().read()
    assert connection.sock is not None
    connection.close()


def test_a_chunked_body_is_read(shop: Shop) -> None:
    parts = iter([b"one ", b"two"])
    answer = requests.post(shop.server.url + "/things.json", data=parts, timeout=5)
    assert answer.json()["sent"] == "one two"


def test_a_status_fault_answers_without_the_work_and_only_once(shop: Shop) -> None:
    shop.world.faults.add("shop", "GET /things.json", "status", status=503, body={"errors": ["x"]})
    assert (shop.get().status_code, shop.worked) == (503, 0)
    assert (shop.get().status_code, shop.worked) == (200, 1)
    assert [e.fault for e in shop.world.journal.since()] == ["status", None]


@pytest.mark.parametrize(("kind", "worked"), [("reset_before", 0), ("reset_after", 1)])
def test_a_reset_closes_the_connection_before_or_after_the_work(
    shop: Shop, kind: str, worked: int
) -> None:
    shop.world.faults.add("shop", "GET *", kind)
    with pytest.raises(requests.ConnectionError):
        shop.get()
    assert shop.worked == worked
    assert shop.world.journal.since()[0].fault == kind


@pytest.mark.parametrize(("kind", "worked"), [("hang", 0), ("timeout_after", 1)])
def test_silence_lasts_until_the_client_gives_up(shop: Shop, kind: str, worked: int) -> None:
    shop.world.faults.add("shop", "GET *", kind)
    with pytest.raises(requests.ReadTimeout):
        shop.get(timeout=0.2)
    assert shop.worked == worked


def test_half_a_body_is_noticed_by_the_client(shop: Shop) -> None:
    shop.world.faults.add("shop", "GET *", "half_body")
    with pytest.raises(requests.exceptions.ChunkedEncodingError):
        shop.get()


def test_html_comes_instead_of_the_answer_though_the_work_is_done(shop: Shop) -> None:
    shop.world.faults.add("shop", "GET *", "html")
    answer = shop.get()
    assert answer.headers["Content-Type"].startswith("text/html")
    assert (answer.status_code, shop.worked) == (200, 1)


@pytest.mark.parametrize("kind", ["short_page", "partial"])
def test_faults_inside_of_the_work_reach_the_application(shop: Shop, kind: str) -> None:
    shop.world.faults.add("shop", "GET *", kind)
    assert shop.get().json()["fault"] == kind


def test_an_application_can_cut_the_connection(shop: Shop) -> None:
    with pytest.raises(requests.ConnectionError):
        shop.get("/cut")
    assert shop.world.journal.since()[0].status == 0


def test_stripe_callers_are_named_by_the_type_of_their_key(shop: Shop) -> None:
    shop.app.add_url_rule("/plain.json", "plain", lambda: {"ok": True})
    where = shop.server.url + "/plain.json"
    requests.get(where, headers={"Authorization": "Bearer sk_test_abc"}, timeout=5)
    requests.get(where, auth=("rk_test_abc", ""), timeout=5)
    requests.get(where, headers={"Api-Key": "0" * 64, "Api-Username": "bot"}, timeout=5)
    assert [e.caller for e in shop.world.journal.since()] == ["sk_test", "rk_test", "bot"]


def test_closing_ends_hanging_requests(shop: Shop) -> None:
    shop.server.close()
    with pytest.raises(requests.ConnectionError):
        shop.get()
