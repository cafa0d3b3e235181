"""Clients that take their time, against the real web process: they cost nobody else any."""

from __future__ import annotations

import signal
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress

import pytest
import requests

from bridge.processes import serve
from bridge.processes.patience import REQUEST_SECONDS
from tests.faults.webhooks import WEBHOOK_SECONDS, send_event, webhooks_take
from tests.processes import Live

pytestmark = pytest.mark.faults

HALF_A_HEADER = b"GET /me HTTP/1.1\r\nHost: 127.0.0.1\r\nX-Slow: "
HALF_A_BODY = (
    b"POST /webhooks/stripe HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 200000\r\n\r\n{"
)
CHUNKED = b"Transfer-Encoding: chunked\r\n\r\n"
A_CHUNK = b"POST / HTTP/1.1\r\nHost: localhost\r\n" + CHUNKED + b"999\r\n"
KINDS = {"header": HALF_A_HEADER, "body": HALF_A_BODY, "chunk": A_CHUNK, "nothing": b""}


@contextmanager
def slow_clients(port: int, count: int, start: bytes) -> Iterator[list[socket.socket]]:
    """Clients that have sent the start of a request, and go on with a byte every half second."""
    clients = [socket.create_connection(("127.0.0.1", port)) for _ in range(count)]
    stop = threading.Event()

    def trickle() -> None:
        while not stop.wait(0.5):
            for client in clients:
                with suppress(OSError):
                    client.send(b"a")

    for client in clients:
        client.sendall(start)
    sender = threading.Thread(target=trickle)
    if start:
        sender.start()
    try:
        yield clients
    finally:
        stop.set()
        if start:
            sender.join()
        for client in clients:
            client.close()


def is_closed(client: socket.socket) -> bool:
    client.settimeout(0.01)
    try:
        while client.recv(4096):
            pass
    except TimeoutError:
        return False
    except OSError:
        return True
    return True


@pytest.mark.parametrize("kind", KINDS)
def test_A130_two_hundred_slow_clients_cost_a_webhook_next_to_nothing(
    processes: Live, kind: str
) -> None:
    live = processes
    live.start("web")
    with slow_clients(live.port, 200, KINDS[kind]):
        assert webhooks_take(live) < WEBHOOK_SECONDS
        assert requests.get(f"{live.system.url}/healthz", timeout=2).ok
        assert requests.get(f"{live.system.url}/me", timeout=5).status_code == 401


def test_A130_a_request_that_does_not_arrive_in_time_is_given_up_however_it_trickles(
    processes: Live,
) -> None:
    live = processes
    live.start("web")
    with (
        slow_clients(live.port, 3, HALF_A_HEADER) as headers,
        slow_clients(live.port, 3, HALF_A_BODY) as bodies,
        slow_clients(live.port, 1, b"") as silent,
    ):
        late = [*headers, *bodies]
        live.until(lambda: all(map(is_closed, late)), seconds=3 * REQUEST_SECONDS)
        assert not is_closed(silent[0]), "it may still begin, as proxies do"


def test_A130_more_clients_than_there_is_room_for_shut_nobody_out(processes: Live) -> None:
    live = processes
    live.start("web")
    with slow_clients(live.port, serve.MOST_CONNECTIONS * 3 // 4, HALF_A_HEADER) as early:
        assert webhooks_take(live) < WEBHOOK_SECONDS
        with slow_clients(live.port, serve.MOST_CONNECTIONS // 2, b"") as later:
            assert webhooks_take(live) < WEBHOOK_SECONDS
            assert is_closed(early[0]), "who has been slow longest goes first"
            assert not is_closed(later[-1])


def test_A130_somebody_who_takes_no_answer_is_no_burden(processes: Live) -> None:
    live = processes
    live.start("web")
    greedy = b"GET / HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n" * 200
    clients = [socket.create_connection(("127.0.0.1", live.port)) for _ in range(20)]
    for client in clients:
        client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 2048)
        client.sendall(greedy)
    try:
        live.until(lambda: webhooks_take(live) < WEBHOOK_SECONDS, seconds=20)
    finally:
        for client in clients:
            client.close()


def test_A130_what_arrived_before_a_stop_is_answered_and_slow_clients_do_not_delay_it(
    processes: Live,
) -> None:
    live = processes
    process = live.start("web")
    with slow_clients(live.port, 20, HALF_A_BODY):
        assert send_event(live, 1) < 5
        process.send_signal(signal.SIGTERM)
        assert process.wait(10) == 0
    assert len(live.stored("evt_slow_1")) == 1
    live.running.pop("web")
