"""Headers, request ids and error pages for every answer."""

from __future__ import annotations

import secrets
from collections.abc import Collection, Iterable, Sequence
from urllib.parse import urlsplit

import structlog
from flask import Flask, Response, current_app, g, make_response, render_template, request
from flask_wtf.csrf import CSRFError
from werkzeug.exceptions import HTTPException

from bridge.errors import NoRequestLeft, RateLimited, Transient
from bridge.settings import Settings
from bridge.texts import gettext, ngettext
from bridge.web.addresses import own_path
from bridge.web.api import errors
from bridge.web.context import page_before

log = structlog.get_logger(__name__)

WORDS = {
    400: (
        gettext("This did not work"),
        gettext("The page was open for too long, or its address is incomplete. Please try again."),
    ),
    403: (
        gettext("You can’t see this page"),
        gettext("It belongs to another member, or you are not logged in."),
    ),
    404: (
        gettext("Page not found"),
        gettext("The address may be mistyped, or the offer has ended."),
    ),
    405: (
        gettext("This did not work"),
        gettext("This page does not accept that kind of request."),
    ),
    413: (
        gettext("Request too large"),
        gettext("The request is larger than this page accepts."),
    ),
    429: (
        gettext("One moment, please"),
        gettext("You sent too many requests. Please try again in a minute."),
    ),
    500: (
        gettext("Something went wrong"),
        gettext("This is our fault, not yours. The error has been logged."),
    ),
    503: (
        gettext("Temporarily unavailable"),
        gettext("A service we depend on is not responding. Please try again in a minute."),
    ),
}


TO_REPEAT = (429, 503)
"""Refusals of a form that may work a moment later."""

# Headers that belong to a refusal, whatever page shows it.
SAID_WITH_ERRORS = ("Allow", "Retry-After", "WWW-Authenticate")


class Stop(Exception):
    """Ends a view with a page in plain words.

    `ways`: ways on: the words of a button, and a path.
    """

    def __init__(
        self, status: int, title: str, sentence: str, ways: Sequence[tuple[str, str]] = ()
    ) -> None:
        super().__init__(sentence)
        self.status = status
        self.title = title
        self.sentence = sentence
        self.ways = ways


def install(app: Flask, settings: Settings, *, any_host: Collection[str] = ()) -> None:
    """Hook this into an app. Blueprints in `any_host` answer under any name of this machine."""
    headers = _headers(settings)
    app.before_request(_name_request)

    @app.after_request
    def add_headers(response: Response) -> Response:
        for name, value in headers.items():
            response.headers.setdefault(name, value)
        response.headers["X-Request-Id"] = g.get("request_id", "")
        return response

    @app.before_request
    def refuse_other_hosts() -> None:
        if request.blueprint not in any_host and not _is_ours(request.host, settings.bridge_url):
            log.info("web.host_refused", host=request.host[:100], ours=settings.bridge_url)
            where = gettext("This site is at %(url)s.") % {"url": settings.bridge_url}
            raise Stop(421, gettext("Wrong address"), where)

    app.register_error_handler(CSRFError, _stale_form)
    app.register_error_handler(HTTPException, _http_error)
    app.register_error_handler(Stop, _stopped)
    app.register_error_handler(Transient, _later)
    app.register_error_handler(Exception, _our_fault)


def refuse_nul(texts: Iterable[str]) -> None:
    """Refuse a character that nobody types, and that PostgreSQL cannot even look for."""
    if any("\x00" in text for text in texts):
        why = gettext("The request contains a character that no text has (NUL).")
        raise Stop(400, WORDS[400][0], why)


def _is_ours(host: str, bridge_url: str) -> bool:
    """Whether the client asked for the host of BRIDGE_URL, however it writes the usual port."""
    parts = urlsplit(bridge_url)
    usual = ":443" if parts.scheme == "https" else ":80"
    return host.lower().removesuffix(usual) == parts.netloc.lower().removesuffix(usual)


def _name_request() -> None:
    # The bridge's own, never the client's, because it goes into the log.
    g.request_id = secrets.token_hex(6)
    structlog.contextvars.clear_contextvars()
    structlog.contextvars.bind_contextvars(request_id=g.request_id)


def _headers(settings: Settings) -> dict[str, str]:
    """The default headers of every answer."""
    headers = {
        "Content-Security-Policy": content_policy(settings),
        "X-Content-Type-Options": "nosniff",
        # Sent only within the bridge, for the protection of forms. Other sites get no referrer.
        "Referrer-Policy": "same-origin",
        "X-Frame-Options": "DENY",
        "Cross-Origin-Opener-Policy": "same-origin",
        "Permissions-Policy": "camera=(), microphone=(), geolocation=(), payment=()",
        # Pages are about one reader. Those that caches may keep say so.
        "Cache-Control": "no-store",
    }
    if settings.bridge_url.startswith("https://"):
        headers["Strict-Transport-Security"] = "max-age=31536000"
    return headers


def with_scripts(page: str, status: int = 200) -> Response:
    """A page that may run the bridge's own scripts and send requests to it; no other page may."""
    response = make_response(page, status)
    response.headers["Content-Security-Policy"] = current_app.extensions["scripted"]
    return response


def content_policy(settings: Settings, *, with_scripts: bool = False) -> str:
    """Nothing runs in these pages; pictures come from the forum and from Stripe's products.

    Forms lead on to Stripe and to the forum, and browsers hold `form-action` against every
    redirect on the way; Stripe's pages may stand on a domain of the community's own, so any
    encrypted one is allowed, and a sandbox's or forum's own address on this machine.
    """
    others = {_origin(url) for url in (settings.discourse_url, settings.stripe_api_base) if url}
    plain = "".join(f" {origin}" for origin in sorted(others) if origin.startswith("http://"))
    return "; ".join(
        (
            "default-src 'none'",
            "style-src 'self'",
            *(["script-src 'self'", "connect-src 'self'"] if with_scripts else []),
            f"img-src 'self' https:{plain}",
            f"form-action 'self' https:{plain}",
            "base-uri 'none'",
            "frame-ancestors 'none'",
        )
    )


def _origin(url: str) -> str:
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc}"


def _stale_form(error: CSRFError) -> Response:
    log.info("web.form_refused", why=error.description)
    return error_page(400)


def _http_error(error: HTTPException) -> Response:
    if error.code is None or error.code < 400:  # noqa: PLR2004 - a redirect that was raised
        return make_response(error.get_response())
    response = error_page(error.code)
    for name, value in error.get_headers():
        if name in SAID_WITH_ERRORS:
            response.headers[name] = value
    return response


def _stopped(stop: Stop) -> Response:
    return error_page(stop.status, stop.title, stop.sentence, stop.ways)


def _later(error: Transient) -> Response:
    log.warning("web.unavailable", path=request.path, why=str(error))
    seconds = max(1, round(error.retry_after or 30))
    response = error_page(503, *(_of_limit(error, seconds) or ()))
    response.headers["Retry-After"] = str(seconds)
    return response


def _of_limit(error: Transient, seconds: int) -> tuple[str, str] | None:
    """Title and sentence where there were too many requests; None where nothing answers."""
    if not isinstance(error, RateLimited):
        return None
    again = ngettext(
        "Please try again in %(num)d second.", "Please try again in %(num)d seconds.", seconds
    )
    why = (
        gettext("We may ask the forum only so many times a minute, and have used that up.")
        if isinstance(error, NoRequestLeft)
        else gettext("A service we depend on asked us to wait.")
    )
    return gettext("One moment, please"), f"{why} {again % {'num': seconds}}"


def _our_fault(error: Exception) -> Response:
    log.error("web.failed", path=request.path, exc_info=error)
    return error_page(500)


def error_page(
    status: int,
    title: str | None = None,
    sentence: str | None = None,
    ways: Sequence[tuple[str, str]] = (),
) -> Response:
    """A page that says in plain words what happened, with a number for support.

    The API's callers get the same as JSON.
    """
    if errors.is_api(request.path):
        return errors.usual(status, sentence)
    is_form = request.method == "POST"
    usual = WORDS.get(status, WORDS[400 if status < 500 else 500])  # noqa: PLR2004
    page = render_template(
        "error.jinja",
        title=title or usual[0],
        sentence=sentence or usual[1],
        status=status,
        ways=ways,
        again=page_before() or "/me" if is_form else own_path(request.full_path.rstrip("?")),
        # Nothing that was typed is lost where the same form works a moment later.
        resend=[*request.form.items(multi=True)] if is_form and status in TO_REPEAT else [],
    )
    return make_response(page, status)
