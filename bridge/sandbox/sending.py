"""Sending webhooks, for both servers: from a thread of its own, and only to this machine."""

from __future__ import annotations

import ipaddress
import threading
import time
import traceback
from collections.abc import Callable
from fnmatch import fnmatchcase
from typing import Any
from urllib.parse import urlsplit

import requests

# Status, or 0 if nobody answered; and the answer's text, or the problem.
Answer = tuple[int, str]
Post = Callable[[str, bytes, dict[str, str]], Answer]


class Courier:
    """One thread that sends one delivery after the other.

    `send_next` sends one with the function that it is given; False if none is due.
    """

    def __init__(
        self, name: str, send_next: Callable[[Post], bool], *, pause: float, timeout: float
    ) -> None:
        self._send_next, self._pause, self._timeout = send_next, pause, timeout
        self._stopping = threading.Event()
        self._session = requests.Session()
        self._session.trust_env = False
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """End the thread after the delivery under way."""
        self._stopping.set()
        self._thread.join()
        self._session.close()

    def _run(self) -> None:
        while not self._stopping.is_set():
            try:
                sent = self._send_next(self._post)
            except Exception:  # noqa: BLE001 - it is shown, and the deliveries after it still go
                traceback.print_exc()
                sent = False
            if not sent:
                self._stopping.wait(self._pause)

    def _post(self, url: str, body: bytes, headers: dict[str, str]) -> Answer:
        if not is_loopback(url):
            return 0, "only loopback addresses are called"
        try:
            answer = self._session.post(
                url, data=body, headers=headers, timeout=self._timeout, allow_redirects=False
            )
        except requests.RequestException as problem:
            return 0, type(problem).__name__
        return answer.status_code, answer.text[:1000]


def is_loopback(url: str) -> bool:
    """Whether an address names this machine; nothing else is ever called."""
    host = urlsplit(url).hostname or ""
    if host == "localhost" or host.endswith(".localhost"):
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def take_rule(
    rules: list[dict[str, Any]], kind: str, endpoint: str | None = None
) -> dict[str, Any] | None:
    """The first rule for such a delivery, counted down; None if there is none."""
    for rule in rules:
        if rule.get("endpoint") not in (None, endpoint) or not fnmatchcase(kind, rule["types"]):
            continue
        if rule["times"] is not None:
            rule["times"] -= 1
            if rule["times"] <= 0:
                rules.remove(rule)
        return rule
    return None


def wait_until(is_so: Callable[[], bool], timeout: float) -> bool:
    """Wait until something is so; False if it takes too long."""
    end = time.monotonic() + timeout
    while not is_so():
        if time.monotonic() > end:
            return False
        time.sleep(0.005)
    return True
