"""Signing in through the forum: silently first, then through its login page."""

from __future__ import annotations

import structlog
from flask import Blueprint, Response, redirect, render_template, request, session, url_for
from werkzeug.wrappers import Response as AnyResponse

from bridge.core.signed import connect
from bridge.store import users
from bridge.store.sign_in import make_nonce, use_nonce
from bridge.texts import gettext
from bridge.web.addresses import own_path, with_query
from bridge.web.context import (
    absolute,
    browser,
    forget_reader,
    here,
    now,
    page_before,
    reader,
    sign_in,
    the_bridge,
    the_look,
)
from bridge.web.security import Stop

log = structlog.get_logger(__name__)
blueprint = Blueprint("login", __name__)
PURPOSE = "login"
# Added to the wanted page after the forum knew nobody, so that the bridge asks only once.
STRANGER = "signed_in"


@blueprint.get("/login")
def silent() -> AnyResponse:
    """Ask the forum who is signed in, without showing anything.

    Works for everybody logged in there. `again`: also if the member is known, because their groups
    may have changed.
    """
    wanted = own_path(request.args.get("next"))
    if reader() is not None and "again" not in request.args:
        return redirect(wanted, 303)
    settings = the_bridge().settings
    return redirect(connect.silent_address(settings.discourse_url, _ask(wanted, silent=True)), 303)


@blueprint.get("/login/forum")
def by_form() -> AnyResponse:
    """Send a stranger to the forum's login page, by the address that works in its version."""
    query = _ask(own_path(request.args.get("next")), silent=False)
    forum_url = the_bridge().settings.discourse_url
    return redirect(connect.login_address(forum_url, query, the_look().version), 303)


def _ask(wanted: str, *, silent: bool) -> str:
    settings = the_bridge().settings
    payload = {"next": wanted}
    with the_bridge().store.write() as connection:
        nonce = make_nonce(connection, PURPOSE, browser(), payload, now())
    return connect.question(
        nonce, absolute("login.callback"), settings.discourse_connect_secret, silent=silent
    )


@blueprint.get("/login/callback")
def callback() -> AnyResponse:
    """Accept the forum's answer if it is signed, meant for this browser, recent and unused."""
    try:
        answer = connect.read_answer(
            request.args.get("sso", ""),
            request.args.get("sig", ""),
            the_bridge().settings.discourse_connect_secret,
        )
    except connect.BadAnswer as error:
        log.warning("login.refused", why=str(error))
        raise Stop(
            403, gettext("Login failed"), gettext("We could not verify the forum’s answer.")
        ) from error
    with the_bridge().store.write() as connection:
        nonce = use_nonce(connection, answer.nonce, PURPOSE, session.get("browser"), now())
    wanted = own_path(nonce.payload.get("next"))
    if not nonce.fresh:
        return _not_fresh(wanted, stale=nonce.stale)
    if isinstance(answer, connect.NotSignedIn):
        forget_reader()
        return redirect(with_query(wanted, **{STRANGER: "no"}), 303)
    sign_in(answer)
    with the_bridge().store.write() as connection:
        users.see_name(connection, answer.user_id, answer.username, now())
    log.info("login.done", user=answer.user_id)
    return redirect(wanted, 303)


def _not_fresh(wanted: str, *, stale: bool) -> AnyResponse:
    """The page for an answer that came too late, twice, or to another browser."""
    if reader() is not None:
        return redirect(wanted, 303)
    if stale:
        sentence = gettext("This login took longer than ten minutes or was already used.")
    else:
        sentence = gettext(
            "Your browser did not send the cookie that this login started with. "
            "Allow cookies for this site, or finish in the window where you started."
        )
    page = render_template("login_again.jinja", sentence=sentence, wanted=wanted)
    return Response(page, 400)


@blueprint.post("/logout")
def logout() -> AnyResponse:
    """End all of the member's sessions here; the forum's own login stays."""
    if "user_id" in session:
        with the_bridge().store.write() as connection:
            users.sign_out(connection, session["user_id"], now())
    forget_reader()
    return redirect(url_for("login.logged_out"), 303)


@blueprint.get("/logout")
def logged_out() -> AnyResponse | str:
    """The page after logging out."""
    if reader() is not None:
        return redirect(url_for("me.statement"), 303)
    return render_template("logged_out.jinja")


def ask_for_login() -> AnyResponse:
    """Require a member: ask the forum once silently, then show the login page."""
    # An address that takes forms cannot be opened.
    wanted = here(STRANGER) if request.method in ("GET", "HEAD") else page_before() or "/me"
    if request.args.get(STRANGER) != "no":
        return redirect(url_for("login.silent", next=wanted), 303)
    return Response(render_template("login.jinja", wanted=wanted), 401)
