"""The HTTP side of the simulated Stripe: keys, versions, parameters, idempotency, answers."""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Callable
from contextlib import nullcontext
from typing import Any

from flask import Flask, Response, request

from bridge.sandbox.kernel import World
from bridge.sandbox.stripe import older
from bridge.sandbox.stripe import params as parameters
from bridge.sandbox.stripe.account import Account, account_of
from bridge.sandbox.stripe.crud import Handler
from bridge.sandbox.stripe.errors import StripeError, invalid
from bridge.sandbox.stripe.routes import ROUTES
from bridge.sandbox.stripe.shapes import API_VERSION, Obj
from bridge.sandbox.stripe.timeline import tick
from bridge.sandbox.stripe.undo import undone_if_refused
from bridge.sandbox.stripe.versions import downgrade
from bridge.sandbox.stripe.views import present

VERSION = re.compile(r"20\d\d-\d\d-\d\d(\.[a-z]+)?(;.*)?")
WRITES = ("POST", "DELETE")
# Rights whose names in Stripe's messages are not the singular of the path's first part.
RIGHTS = {
    "billing_portal": "customer_portal",
    "checkout": "checkout_session",
    "plans": "plan",
    "prices": "plan",
    "webhook_endpoints": "webhook",
}


def add_api(app: Flask, world: World) -> None:
    """Add every operation of the API to a Flask application."""
    for operation, handler in ROUTES.items():
        method, path = operation.split(" ")
        rule = "".join(
            f"<string:id{n}>" if part == "{}" else part
            for n, part in enumerate(re.split(r"(\{\})", path))
        )
        view = _view(world, operation, handler)
        app.add_url_rule(rule, operation, view, methods=[method])
    app.register_error_handler(404, _unrecognized)
    app.register_error_handler(500, _broken)
    app.register_error_handler(405, _unrecognized)


def _unrecognized(_error: Exception) -> tuple[Response, int]:
    problem = invalid(
        f"Unrecognized request URL ({request.method}: {request.path}). Please see "
        "https://stripe.com/docs or we can help at https://support.stripe.com/.",
    )
    return _json({"error": problem.body}), 404


def _broken(_error: Exception) -> tuple[Response, int]:
    message = "Something went wrong in the simulated Stripe; its output says what."
    return _json({"error": {"type": "api_error", "message": message}}), 500


def _json(body: Obj) -> Response:
    return Response(json.dumps(body), content_type="application/json")


def _view(world: World, operation: str, handler: Handler) -> Callable[..., Response]:
    def view(**ids: str) -> Response:
        with world.lock:
            tick(world)
            account = account_of(world)
            call = {"id": account.ids.new("req", 14), "idempotency_key": None}
            try:
                status, body, replayed = _answer(
                    account, operation, handler, list(ids.values()), call
                )
            except StripeError as problem:
                status, body, replayed = problem.status, {"error": problem.body}, False
            finally:
                account.request = {"id": None, "idempotency_key": None}
                account.now = int(world.clock.now())
        return _respond(status, body, call, replayed=replayed)

    return view


def _respond(status: int, body: Obj, call: Obj, *, replayed: bool) -> Response:
    if status >= 400:  # noqa: PLR2004 - HTTP's own
        body["error"]["request_log_url"] = f"https://dashboard.stripe.com/test/logs/{call['id']}"
    response = _json(body)
    response.status_code = status
    response.headers["Request-Id"] = call["id"]
    response.headers["Stripe-Version"] = request.headers.get("Stripe-Version", API_VERSION)
    if call["idempotency_key"]:
        response.headers["Idempotency-Key"] = call["idempotency_key"]
    if replayed:
        response.headers["Idempotent-Replayed"] = "true"
    return response


def _answer(
    account: Account, operation: str, handler: Handler, ids: list[str], call: Obj
) -> tuple[int, Obj, bool]:
    key = _key(account)
    _check_right(account, key, operation)
    version = _version(account)
    given = _given()
    idempotency_key = request.headers.get("Idempotency-Key")
    if idempotency_key and _writes():
        call["idempotency_key"] = idempotency_key
        kept = account.idempotent.get((key, idempotency_key))
        if kept:
            _check_same(kept, given)
            return kept["status"], kept["body"], True
    account.request = dict(call)
    account.rights = account.restricted.get(key)
    account.base_url = request.host_url.rstrip("/")
    status, body = _call(account, operation, handler, ids, given)
    body = downgrade(account, body, version)
    if idempotency_key and _writes() and not _is_refusal(status, body):
        account.idempotent[key, idempotency_key] = {
            "path": request.path,
            "given": given,
            "status": status,
            "body": body,
        }
    return status, body, False


def _is_refusal(status: int, body: Obj) -> bool:
    """A request that was never begun (wrong parameters) does not use its key up."""
    code = body.get("error", {}).get("code", "") if status == 400 else ""  # noqa: PLR2004
    return bool(code.startswith("parameter_"))


def _call(
    account: Account, operation: str, handler: Handler, ids: list[str], given: Obj
) -> tuple[int, Obj]:
    try:
        if operation.split(" ")[1].startswith("/v2"):
            return 200, handler(account, given, *ids)
        legacy = None if request.headers.get("Stripe-Version") else older.PARAMETERS.get(operation)
        params = older.modern(operation, parameters.read(operation, given, legacy))
        paths = params.pop("expand", None) or []
        with undone_if_refused(account, [ids, params]) if _writes() else nullcontext():
            return 200, present(account, handler(account, params, *ids), paths)
    except StripeError as problem:
        return problem.status, {"error": problem.body}


def _writes() -> bool:
    return request.method in WRITES


def _given() -> dict[str, Any]:
    if request.is_json:
        body = request.get_json(silent=True)
        return body if isinstance(body, dict) else {}
    source = request.form if request.method == "POST" else request.args
    pairs = [(k, v) for k in source for v in source.getlist(k)]
    if request.method == "DELETE":
        pairs += [(k, v) for k in request.form for v in request.form.getlist(k)]
    return parameters.nest(pairs)


def _check_same(kept: Obj, given: Obj) -> None:
    if kept["path"] != request.path or kept["given"] != given:
        raise StripeError(
            400,
            "Keys for idempotent requests can only be used with the same parameters they were "
            "first used with. Try using a key other than "
            f"'{request.headers['Idempotency-Key']}' if you meant to execute a different request.",
            kind="idempotency_error",
        )


def _key(account: Account) -> str:
    kind, _, value = request.headers.get("Authorization", "").partition(" ")
    if kind.lower() == "basic":
        value = base64.b64decode(value).decode("utf-8", "replace").partition(":")[0]
    value = value.strip()
    if not value:
        raise StripeError(
            401,
            "You did not provide an API key. You need to provide your API key in the Authorization "
            "header, using Bearer auth (e.g. 'Authorization: Bearer YOUR_SECRET_KEY').",
        )
    known = value in account.keys if account.keys else value.startswith("sk_test_")
    if known or value in account.restricted:
        return value
    raise StripeError(401, f"Invalid API Key provided: {_masked(value)}")


def _masked(key: str) -> str:
    return f"{key[:8]}{'*' * max(0, len(key) - 12)}{key[-4:]}"


def _check_right(account: Account, key: str, operation: str) -> None:
    """A restricted key may do what `family:read` or `family:write` among its rights say."""
    rights = account.restricted.get(key)
    if rights is None:
        return
    method, path = operation.split(" ")
    family = path.split("/")[2]
    verb = "write" if method in WRITES else "read"
    wanted = {f"{family}:write", f"{family}:{verb}"}
    if not rights & wanted:
        right = f"{RIGHTS.get(family, family.removesuffix('s'))}_{verb}"
        raise StripeError(
            403,
            f"The provided key '{_masked(key)}' does not have the required permissions for this "
            f"endpoint on account 'acct_sandbox'. Having the 'rak_{right}' permission would allow "
            "this request to continue.",
            code="more_permissions_required",
        )


def _version(account: Account) -> str:
    version = request.headers.get("Stripe-Version") or account.settings.api_version or API_VERSION
    if not VERSION.fullmatch(version):
        raise invalid(f"Invalid Stripe API version: {version}")
    return version
