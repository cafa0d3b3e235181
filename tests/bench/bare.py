"""The least that an endpoint for Stripe's webhooks can do: verify, answer. To be compared with."""

from __future__ import annotations

import os

import stripe
from flask import Flask, request

SECRET = os.environ["SECRET"]
app = Flask(__name__)


@app.post("/webhooks/stripe")
def accept() -> tuple[str, int]:
    """Verify the signature of the raw body."""
    body = request.get_data(cache=False)
    header = request.headers.get("Stripe-Signature", "")
    stripe.WebhookSignature.verify_header(body.decode(), header, SECRET, 300)
    return "stored\n", 200
