"""Sends signed events to an address from a process of its own, and says how long each took.

    python load.py PORT SECRET PREFIX SECONDS CONCURRENCY [RATE]

Without a rate, each connection sends the next event after the last answer. With a rate, events
are due at fixed times, and a late answer counts from the time when it was due.
"""

from __future__ import annotations

import hashlib
import hmac
import http.client
import json
import sys
import threading
import time
from pathlib import Path

CUSTOMERS = 500
TEMPLATE = json.loads((Path(__file__).parent / "event.json").read_text())


def signed(number: int, prefix: str, secret: str) -> tuple[bytes, str]:
    TEMPLATE["id"] = f"evt_{prefix}_{number}"
    TEMPLATE["created"] = int(time.time())
    TEMPLATE["data"]["object"]["customer"] = f"cus_bench{number % CUSTOMERS}"
    body = json.dumps(TEMPLATE).encode()
    at = int(time.time())
    mac = hmac.new(secret.encode(), f"{at}.".encode() + body, hashlib.sha256).hexdigest()
    return body, f"t={at},v1={mac}"


class Sender(threading.Thread):
    def __init__(self, port: int, events: list[tuple[bytes, str]], due: list[float]) -> None:
        super().__init__()
        self.connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
        self.connection.connect()
        self.events, self.due = events, due
        self.took: list[float] = []
        self.refused = 0
        self.until = 0.0

    def run(self) -> None:
        for number, (body, header) in enumerate(self.events):
            began = time.perf_counter()
            if self.due:
                time.sleep(max(0.0, self.due[number] - began))
                began = self.due[number]
            elif began > self.until:
                break
            self.connection.request(
                "POST",
                "/webhooks/stripe",
                body,
                {"Stripe-Signature": header, "Content-Type": "application/json"},
            )
            answer = self.connection.getresponse()
            answer.read()
            self.took.append(time.perf_counter() - began)
            self.refused += answer.status != 200


def main() -> None:
    port, seconds, width = int(sys.argv[1]), float(sys.argv[4]), int(sys.argv[5])
    secret, prefix = sys.argv[2], sys.argv[3]
    rate = float(sys.argv[6]) if len(sys.argv) > 6 else None
    count = int(seconds * (rate or 1500))
    events = [signed(number, prefix, secret) for number in range(count)]
    senders = []
    start = time.perf_counter() + 0.5
    for number in range(width):
        due = [start + n / rate for n in range(number, count, width)] if rate else []
        senders.append(Sender(port, events[number::width], due))
    time.sleep(0.4)
    began = time.perf_counter()
    for sender in senders:
        sender.until = began + seconds
        sender.start()
    for sender in senders:
        sender.join()
    took = time.perf_counter() - began
    every = [value for sender in senders for value in sender.took]
    refused = sum(sender.refused for sender in senders)
    print(json.dumps({"took": every, "seconds": took, "refused": refused}))  # noqa: T201 - its answer


if __name__ == "__main__":
    main()
