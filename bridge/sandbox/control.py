"""Controls of the sandbox: one page and one plain JSON API for both servers, below /_sandbox."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Callable
from functools import cache
from typing import Any
from urllib.parse import urlsplit

from flask import Flask, Response, abort, redirect, render_template, request
from werkzeug.exceptions import HTTPException

from bridge.sandbox.controlled import Controls
from bridge.sandbox.controls import CONTROLS, DELIVERIES, FAULTS, WITHOUT_LOCK, state
from bridge.sandbox.kernel import World
from bridge.sandbox.parameters import Params, Wrong
from bridge.sandbox.scenario import SCENARIOS, read
from bridge.sandbox.server import CONTROL_PATH
from bridge.sandbox.stripe import account_of

LAST_ENTRIES = 40
OWN_NAMES = ("localhost", "127.0.0.1")


def create_control(controls: Controls) -> Flask:
    """The controls as a WSGI application."""
    app = Flask(__name__, static_folder=None)
    for (method, address), control in CONTROLS.items():
        view = _view(controls, control)
        endpoint = f"{method} {address}"
        app.add_url_rule(CONTROL_PATH + address, endpoint, view, methods=[method])
    app.add_url_rule(CONTROL_PATH + "/journal", "journal", lambda: _journal(controls))
    app.add_url_rule(CONTROL_PATH, "page", lambda: _page(controls))
    app.before_request(_same_origin)
    app.register_error_handler(HTTPException, _lost)
    return app


def _same_origin() -> None:
    """Refuse requests from pages of other addresses, and DNS names that lead here by a trick."""
    origin = request.headers.get("Origin")
    foreign = origin and urlsplit(origin).netloc != request.host
    if (request.method != "GET" and foreign) or request.host.partition(":")[0] not in OWN_NAMES:
        abort(403)


def _view(controls: Controls, control: Callable[[Controls, Params], Any]) -> Callable[[], Any]:
    def view() -> Any:
        try:
            params = _params()
            if control in WITHOUT_LOCK:
                found = control(controls, params)
            else:
                with controls.world.lock:
                    found = control(controls, params)
        except ValueError as problem:
            if _by_page():
                return _page(controls, problem=str(problem)), 400
            return _json({"error": str(problem)}, 400)
        if _by_page():
            return redirect(f"{CONTROL_PATH}?done={request.path.removeprefix(CONTROL_PATH)}", 303)
        return _json(found)

    return view


def _by_page() -> bool:
    """Whether the request comes from a button on the page."""
    return bool(request.form) and "text/html" in request.headers.get("Accept", "")


def _params() -> Params:
    given = {**request.args, **request.form}
    if request.mimetype == "application/json" and request.data:
        body = request.get_json(silent=True)
        if not isinstance(body, dict):
            raise Wrong("the body is no JSON object")
        given |= body
    return given


def _lost(problem: HTTPException) -> Response:
    known = ", ".join(f"{method} {address}" for method, address in CONTROLS)
    said = f"{request.method} {request.path}: {problem.name}; there are {known}"
    return _json({"error": said}, problem.code or 500)


def _json(data: Any, status: int = 200) -> Response:
    return Response(json.dumps(data), status, content_type="application/json; charset=utf-8")


def _journal(controls: Controls) -> Response:
    """The journal as JSON lines, to be downloaded."""
    since, server = request.args.get("since", "0"), request.args.get("server") or None
    if not since.isdigit() or server not in (None, *DELIVERIES):
        said = "since is the number of an entry, server is stripe or discourse"
        return _json({"error": said}, 400)
    lines = "".join(line + "\n" for line in journal_lines(controls.world, int(since), server))
    response = Response(lines, content_type="application/x-ndjson; charset=utf-8")
    response.headers["Content-Disposition"] = "attachment; filename=journal.jsonl"
    return response


def journal_lines(world: World, since: int = 0, server: str | None = None) -> list[str]:
    """Entries as JSON, without the machine's own time, which differs each time."""
    entries = (dataclasses.asdict(e) for e in world.journal.since(since, server))
    told = ({k: v for k, v in e.items() if k not in ("wall", "seconds")} for e in entries)
    return [json.dumps(e, default=str) for e in told]


@cache
def _titles() -> dict[str, str]:
    """The included scenarios, by name."""
    return {file.stem: read(file.read_text()).title for file in sorted(SCENARIOS.glob("*.toml"))}


def _page(controls: Controls, problem: str = "") -> str:
    with controls.world.lock:
        account = account_of(controls.world)
        customers = [(c["id"], c.get("name") or c.get("email")) for c in account.rows("customer")]
        entries = controls.world.journal.since()[-LAST_ENTRIES:]
        return render_template(
            "control.html",
            state=state(controls, {}),
            info=controls.info,
            customers=customers[-50:],
            scenarios=_titles(),
            entries=list(reversed(entries)),
            base=CONTROL_PATH,
            problem=problem,
            done=request.args.get("done", "").strip("/"),
            faults=FAULTS,
            dunning=account.settings,
            restricted=dict(account.restricted),
        )
