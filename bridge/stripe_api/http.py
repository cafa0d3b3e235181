"""Sends a request to Stripe and returns plain JSON or a typed error; it never sleeps.

Stripe's library signs, encodes and pools. Its objects are not built: one tolerant reader reads
plain dicts, at a tenth of the cost.
"""

from __future__ import annotations

import math
import re
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, nullcontext
from copy import copy
from typing import Any
from urllib.parse import quote, unquote

import stripe

from bridge.bulkhead import Bulkhead
from bridge.errors import (
    BridgeError,
    Forbidden,
    NotFound,
    Permanent,
    RateLimited,
    Transient,
    Unreachable,
)
from bridge.stripe_api.reader import Json
from bridge.texts import gettext

WORK_TIMEOUT = (3, 15)
# Somebody is waiting for the page.
PAGE_TIMEOUT = (2, 6)
PAGE = 100
SIGNATURE_TOLERANCE_SECONDS = 300
AsIf = Callable[[str, Json, Json], Json]
"""Path, parameters and answer of a request -> the answer as it would be."""
_RIGHT = re.compile(r"'rak_([a-z_]{1,60})'")
_ID = re.compile(r"\w+", re.ASCII)
# The id at the end of an address, whatever somebody typed as one.
_ASKED_FOR = re.compile(r"GET /v1/[a-z_/]+/([^/]+)")
_SECONDS = re.compile(r"[0-9]{1,12}")
_PAUSE_WHEN_NOT_TOLD = 1.0
_CONFLICT, _NOT_FOUND, _SERVER = 409, 404, 500


def verify_signature(body: bytes, header: str, secrets: Sequence[str]) -> bool:
    """Whether one of the endpoint's secrets has signed this body within five minutes of now."""
    if _seconds_ahead(header) > SIGNATURE_TOLERANCE_SECONDS:
        return False  # the library accepts these, and they could be replayed for years
    for secret in secrets:
        try:
            stripe.WebhookSignature.verify_header(
                body, header, secret, tolerance=SIGNATURE_TOLERANCE_SECONDS
            )
        # ValueError: the body is not UTF-8; TypeError: the signature is not ASCII.
        except (stripe.SignatureVerificationError, ValueError, TypeError):
            continue
        return True
    return False


def _seconds_ahead(header: str) -> float:
    """How far in the future a signature claims to have been made."""
    parts = (part.partition("=") for part in header.split(","))
    said = next((value for name, _, value in parts if name == "t"), "")
    at = time.time()  # noqa: TID251 - the library compares with the same
    return int(said) - at if _SECONDS.fullmatch(said) else math.inf


@contextmanager
def reading(what: str) -> Iterator[None]:
    """An object that is not understood is not an answer: nothing may be decided from it."""
    try:
        yield
    except (KeyError, IndexError, TypeError, ValueError) as error:
        raise Transient(f"Stripe's answer about {what} makes no sense ({error!r})") from error


class StripeHttp:
    """A key and its pooled connections, at Stripe or at a simulated Stripe.

    `bulkhead`: for pages. They give up sooner, and only a few of them wait at once.
    """

    def __init__(
        self, api_key: str, api_base: str | None = None, bulkhead: Bulkhead | None = None
    ) -> None:
        self.change: AsIf | None = None
        stripe.enable_telemetry = False
        self._place = bulkhead.place if bulkhead else nullcontext
        self._client = stripe.StripeClient(
            api_key,
            base_addresses={"api": api_base.rstrip("/")} if api_base else None,
            max_network_retries=0,  # the queue tries again, without sleeping
            http_client=stripe.RequestsClient(timeout=PAGE_TIMEOUT if bulkhead else WORK_TIMEOUT),
        )

    def as_if(self, change: AsIf) -> StripeHttp:
        """The same Stripe as it would answer if something had been done; nothing can be sent."""
        found = copy(self)
        found.change = change
        return found

    def get(self, path: str, **params: Any) -> Json:
        """Read one object or one page; parameters that are None are left out."""
        return self._ask("get", path, params, None)

    def post(self, path: str, params: Json, idempotency_key: str | None = None) -> Json:
        """Make something; with the same key it is made once."""
        return self._ask("post", path, params, idempotency_key)

    def delete(self, path: str, **params: Any) -> Json:
        """End something; parameters that are None are left out."""
        return self._ask("delete", path, params, None)

    def pages(self, path: str, after: str | None = None, **params: Any) -> Iterator[Sequence[Json]]:
        """Every page of a list, the newest first. Any page that fails raises.

        `after`: the last object of the page from which an earlier reading goes on.
        """
        while True:
            page = self.get(path, limit=PAGE, starting_after=after, **params)
            found = page.get("data")
            if not isinstance(found, list) or (page.get("has_more") and not found):
                raise Transient(f"GET {path}: the answer is not a page of a list")
            yield found
            if not page.get("has_more"):
                return
            after = found[-1]["id"]

    def all(self, path: str, **params: Any) -> list[Json]:
        """All rows of a list, or an error."""
        return [row for page in self.pages(path, **params) for row in page]

    def rest(self, embedded: Json, path: str, **params: Any) -> list[Json]:
        """All rows of a list that stands inside of an object, reading on where it was cut."""
        found = list(embedded["data"])
        if not embedded.get("has_more"):
            return found
        return self.all(path, **params)

    def _ask(self, method: str, path: str, params: Json, idempotency_key: str | None) -> Json:
        given = {k: v for k, v in params.items() if v is not None}
        if self.change is not None and method != "get":
            raise RuntimeError(f"{method.upper()} {path}: only a preview was asked for")
        try:
            with self._place():
                answer = self._client.raw_request(
                    method, path, **given, idempotency_key=idempotency_key
                )
        except stripe.StripeError as error:
            raise typed(f"{method.upper()} {path}", error) from error
        body = answer.data
        if not isinstance(body, dict):
            raise Transient(f"{method.upper()} {path}: Stripe answered no JSON object")
        return body if self.change is None else self.change(path, given, body)


def path(form: str, *ids: str) -> str:
    """A path with ids, each of which stays one part of it whatever it contains.

    A product's or price's id may be any text that its owner chose; only dots would lead elsewhere.
    """
    for one in ids:
        if not one.strip("."):
            raise NotFound(gettext("%(id)s is not a Stripe id") % {"id": repr(one)})
    return form.format(*(quote(one, safe="") for one in ids))


def typed(what: str, error: stripe.StripeError) -> BridgeError:
    """The library's error as one of ours. Bodies and keys never get into the message."""
    status, code = error.http_status or 0, error.code or ""
    answered = gettext("%(request)s: Stripe answered %(status)s")
    said = answered % {"request": what, "status": f"{status} {code}".rstrip()}
    if isinstance(error, stripe.RateLimitError) or code == "lock_timeout":
        return RateLimited(f"{said}: too many requests", _wait_seconds(error))
    if isinstance(error, (stripe.AuthenticationError, stripe.PermissionError)):
        right = _RIGHT.search(error.user_message or "")
        lacks = gettext("the key is wrong or lacks a permission: run the doctor")
        return Forbidden(f"{said}: {lacks}", right[1] if right else None)
    if isinstance(error, stripe.APIConnectionError):
        return Unreachable(f"{what}: Stripe was not reached")
    if _is_final(status, error):
        if status != _NOT_FOUND and code != "resource_missing":
            return Permanent(f"{said}: {error.user_message}")
        # A change may name the missing object in its fields.
        asked = _ASKED_FOR.fullmatch(what)
        words = gettext("Stripe has no %(id)s") if asked else gettext("%(answer)s: no such object")
        return NotFound(words % {"id": asked and _as_typed(unquote(asked[1])), "answer": said})
    # 5xx, a conflict, or no answer of Stripe at all but a page from a proxy in between.
    return Transient(said)


def _as_typed(id_: str) -> str:
    """An id as it is, and anything else in quotes."""
    return id_ if _ID.fullmatch(id_) else repr(id_[:60])


def _is_final(status: int, error: stripe.StripeError) -> bool:
    kinds = (stripe.InvalidRequestError, stripe.IdempotencyError, stripe.CardError)
    return isinstance(error, kinds) and status < _SERVER and status != _CONFLICT


def _wait_seconds(error: stripe.StripeError) -> float:
    told = (error.headers or {}).get("Retry-After", "")
    return float(told) if told.isdigit() else _PAUSE_WHEN_NOT_TOLD
