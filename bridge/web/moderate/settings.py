"""The settings: policy with its origins, the keys' rights, versions, and the API's tokens."""

from __future__ import annotations

import platform
from importlib.metadata import PackageNotFoundError, version

from flask import flash, make_response, redirect, render_template, request, url_for
from werkzeug.wrappers import Response as AnyResponse

from bridge.core.model.days import through
from bridge.core.rules.effective import default_values, site_values
from bridge.core.telling import settings as telling
from bridge.core.telling.sentences import as_sentence
from bridge.errors import Permanent
from bridge.operations import keys, tokens
from bridge.operations.tokens import SCOPES, Made
from bridge.store import tokens as store
from bridge.texts import gettext
from bridge.web.context import now, the_bridge
from bridge.web.limiting import asks_stripe
from bridge.web.moderate.access import actor_of, blueprint, may, require
from bridge.web.security import Stop

PROGRAMS = ("stripe", "flask", "sqlalchemy", "rq")


@blueprint.get("/settings")
def settings() -> str:
    """The settings in force, and where they are set."""
    return _page()


def _page(made: Made | None = None, problem: str | None = None) -> str:
    """The settings; with a problem, the form for a token as it was filled in."""
    bridge = the_bridge()
    with bridge.store.read() as connection:
        known = store.all_of_them(connection) if may("tokens") else []
    return render_template(
        "moderate/settings.jinja",
        site=site_values(bridge.policy),
        defaults=default_values(bridge.policy),
        meanings={**telling.SITE, **telling.RULES},
        checked=keys.last_check(bridge),
        versions=_versions(),
        tokens=known,
        scopes=SCOPES,
        made=made,
        problem=problem,
        typed=request.form if problem else {},
        ticked=request.form.getlist("scope") if problem else [],
        now=now(),
        may_check=may("decide"),
        may_tokens=may("tokens"),
    )


@blueprint.post("/settings/check")
def check_keys() -> AnyResponse:
    """Try now what the keys may do."""
    asks_stripe()
    try:
        keys.check_keys(the_bridge())
    except Permanent as error:
        raise Stop(400, gettext("Checked already"), as_sentence(str(error))) from error
    flash(gettext("The keys were checked just now."))
    return redirect(url_for("moderate.settings"), 303)


@blueprint.post("/settings/tokens")
def make_token() -> AnyResponse:
    """Create a token, and show its secret once."""
    actor = actor_of(require("tokens"))
    form = request.form
    try:
        _refuse_twice(form.get("name", ""))
        made = tokens.make_token(
            the_bridge(),
            actor,
            form.get("name", ""),
            form.getlist("scope"),
            through(form.get("until", "")),
        )
    except Permanent as error:
        return make_response(_page(problem=as_sentence(str(error))), 400)
    answer = make_response(_page(made))
    answer.headers["Cache-Control"] = "no-store"
    return answer


@blueprint.post("/settings/tokens/revoke")
def revoke_token() -> AnyResponse:
    """End a token at once."""
    actor = actor_of(require("tokens"))
    try:
        reason = request.form.get("reason", "")
        tokens.revoke_token(the_bridge(), actor, request.form.get("token", ""), reason=reason)
    except Permanent as error:
        raise Stop(400, gettext("No token was revoked"), as_sentence(str(error))) from error
    flash(gettext("The token is revoked. Nothing can use it any more."))
    return redirect(url_for("moderate.settings"), 303)


def _refuse_twice(name: str) -> None:
    """Refuse a repeated form, as after reloading the page."""
    with the_bridge().store.read() as connection:
        known = store.all_of_them(connection)
    valid = {one.name for one in known if one.revoked_at is None and one.expires_at > now()}
    if name.strip() in valid:
        raise Permanent(gettext("a valid token has this name: revoke it, or choose another name"))


def _versions() -> dict[str, str]:
    bridge = the_bridge()
    found = {"bridge": _version("community-subscription-bridge")}
    found |= {name: _version(name) for name in PROGRAMS}
    return found | {
        "Python": platform.python_version(),
        gettext("database"): "SQLite" if bridge.store.is_sqlite else "PostgreSQL",
        gettext("Stripe mode"): gettext("live") if bridge.settings.livemode else gettext("test"),
    }


def _version(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:
        return gettext("unknown")
