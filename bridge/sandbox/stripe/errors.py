"""Stripe's error answers: a status and a body with type, code, parameter and message."""

from __future__ import annotations

from typing import Any


class StripeError(Exception):
    """An answer that is not 200; `body` is the value of the key `error`."""

    def __init__(
        self, status: int, message: str, *, kind: str = "invalid_request_error", **more: Any
    ) -> None:
        super().__init__(message)
        self.status = status
        self.body: dict[str, Any] = {
            "message": message,
            "type": kind,
            **{k: v for k, v in more.items() if v is not None},
        }
        if "code" in self.body:
            self.body["doc_url"] = f"https://stripe.com/docs/error-codes/{more['code']}".replace(
                "_", "-"
            )


def invalid(message: str, param: str | None = None, code: str | None = None) -> StripeError:
    """A request that Stripe does not accept: 400."""
    return StripeError(400, message, param=param, code=code)


def missing_object(kind: str, id_: str, param: str = "id") -> StripeError:
    """No such object: 404, or 400 where the id came as a parameter of another one."""
    name = kind.rpartition(".")[2].replace("_", " ")
    status = 404 if param == "id" else 400
    return StripeError(status, f"No such {name}: '{id_}'", param=param, code="resource_missing")


def check_url(value: str | None, param: str) -> None:
    """Addresses that customers are sent to begin with http."""
    if value and not value.startswith(("http://", "https://")):
        raise invalid("Not a valid URL", param, "url_invalid")


# Bodies for the `status` fault, as in Stripe's answers 429 and 409.
RATE_LIMIT = {
    "error": {
        "message": "Request rate limit exceeded. Learn more about rate limits here "
        "https://stripe.com/docs/rate-limits.",
        "type": "invalid_request_error",
        "code": "rate_limit",
    }
}
LOCK_TIMEOUT = {
    "error": {
        "message": "This object cannot be accessed right now because another API request or Stripe "
        "process is currently accessing it. If you see this error intermittently, retry the "
        "request.",
        "type": "invalid_request_error",
        "code": "lock_timeout",
    }
}
IN_USE = {
    "error": {
        "message": "There is currently another in-progress request using this Idempotent Key (that "
        "probably means you submitted twice, and the other request is still going through). "
        "Please try again later.",
        "type": "idempotency_error",
        "code": "idempotency_key_in_use",
    }
}

DECLINES = {
    "card_declined": "Your card was declined.",
    "generic_decline": "Your card was declined.",
    "insufficient_funds": "Your card has insufficient funds.",
    "expired_card": "Your card has expired.",
    "incorrect_cvc": "Your card's security code is incorrect.",
    "processing_error": "An error occurred while processing your card. Try again in a little bit.",
    "authentication_required": "Your card was declined. This transaction requires authentication.",
}
OWN_CODES = ("expired_card", "incorrect_cvc", "processing_error")


def card_error(decline_code: str, **more: Any) -> StripeError:
    """The customer's bank said no: 402."""
    code = decline_code if decline_code in OWN_CODES else "card_declined"
    if decline_code == "authentication_required":
        code = "authentication_required"
    return StripeError(
        402,
        DECLINES.get(decline_code, DECLINES["card_declined"]),
        kind="card_error",
        code=code,
        decline_code=decline_code,
        **more,
    )
