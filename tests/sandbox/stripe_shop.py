"""A shop at the simulated Stripe, driven by the official library, with a listener for webhooks."""

from __future__ import annotations

import http.server
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import stripe

from bridge.sandbox.kernel import Clock, World
from bridge.sandbox.server import Server, serve
from bridge.sandbox.stripe import account_of, advance, create_stripe

DAY = 86_400
HOUR = 3_600
NOON = 1_790_000_000.0


class Shop:
    """A frozen world with a client of the official library."""

    def __init__(self, seed: int = 1) -> None:
        stripe.enable_telemetry = False
        self.world = World(seed, Clock(frozen_at=NOON))
        self.server: Server = serve(self.world, "stripe", create_stripe(self.world))
        self.client = stripe.StripeClient("sk_test_x", base_addresses={"api": self.server.url})
        self.v1: Any = self.client.v1
        self.account = account_of(self.world)

    def close(self) -> None:
        self.server.close()
        self.world.close()

    def advance(self, days: float) -> None:
        advance(self.world, int(days * DAY))

    @property
    def now(self) -> int:
        return int(self.world.clock.now())

    def price(self, amount: int = 1000, interval: str | None = "month", **more: Any) -> str:
        product = more.pop("product", None) or self.v1.products.create({"name": "Gold"}).id
        recurring = {"recurring": {"interval": interval}} if interval else {}
        made = self.v1.prices.create(
            {"product": product, "unit_amount": amount, "currency": "eur", **recurring, **more}
        )
        return str(made.id)

    def customer(self, card: str | None = "pm_card_visa", **more: Any) -> str:
        saved = (
            {"payment_method": card, "invoice_settings": {"default_payment_method": card}}
            if card
            else {}
        )
        return str(self.v1.customers.create({"email": "ann@example.com", **saved, **more}).id)

    def subscribe(self, price: str | None = None, customer: str | None = None, **more: Any) -> Any:
        return self.v1.subscriptions.create(
            {
                "customer": customer or self.customer(),
                "items": [{"price": price or self.price()}],
                **more,
            }
        )

    def read(self, subscription: Any) -> Any:
        return self.v1.subscriptions.retrieve(subscription.id)

    def events(self, *types: str) -> list[Any]:
        """The events of these types, oldest first."""
        params: dict[str, Any] = {"limit": 100, **({"types": list(types)} if types else {})}
        newest_first = list(self.v1.events.list(params).auto_paging_iter())
        return newest_first[::-1]

    def last_invoice(self, subscription: Any) -> Any:
        return self.v1.invoices.retrieve(
            self.read(subscription).latest_invoice, {"expand": ["payments"]}
        )


@contextmanager
def open_shop(seed: int = 1) -> Iterator[Shop]:
    shop = Shop(seed)
    try:
        yield shop
    finally:
        shop.close()


class Listener:
    """A receiver of webhooks that answers as it is told."""

    def __init__(self) -> None:
        self.got: list[tuple[bytes, str]] = []
        self.answers: Callable[[int], int] = lambda _n: 200
        listener = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                listener.got.append((body, self.headers["Stripe-Signature"]))
                self.send_response(listener.answers(len(listener.got)))
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the base's name
                """Silent."""

        self._server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}/hook"
        self._thread = threading.Thread(
            target=self._server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True
        )
        self._thread.start()

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()
