"""A story in which everything that the simulated forum answers to programs is asked for once."""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Callable
from typing import Any

from tests.sandbox.discourse_world import Site, asked

STATEMENT = {
    "title": "Your statement",
    "raw": "As of today.",
    "archetype": "private_message",
    "target_recipients": "ada",
    "external_id": "statement-ada",
}
PASSWORD = "correct-horse-battery-staple"
Ask = Callable[..., Any]


def tell(site: Site) -> None:
    """All chapters; each answer must be one of success."""

    def ask(method: str, path: str, body: Any = None, **options: Any) -> Any:
        answer = site.call(method, path, json=body, **options)
        assert answer.status_code < 400, (method, path, answer.get_data(as_text=True))
        return answer.get_json(silent=True)

    for name in ("ada", "bruno", "chiara", "dmitri", "esther", "felix"):
        site.person(name, password=PASSWORD, external_id=f"id-of-{name}")
    for chapter in (of_groups, of_people, of_staff, of_messages, of_keys, of_webhooks, of_the_site):
        chapter(site, ask)
    of_a_browser(site)


def of_groups(site: Site, ask: Ask) -> None:
    ids = site.forum.user_id_by_name
    group = ask("POST", "/admin/groups.json", {"group": {"name": "patrons"}})["basic_group"]["id"]
    ask("PUT", f"/groups/{group}.json", {"group": {"title": "Patron", "public_admission": True}})
    ask("PUT", f"/groups/{group}.json", {"group": {"public_exit": True}})
    ask("PUT", f"/groups/{group}/members.json", {"usernames": "ada,bruno"})
    ask("PUT", f"/groups/{group}/owners.json", {"usernames": "bruno"})
    ask("PUT", f"/admin/groups/{group}/owners.json", {"group": {"usernames": "chiara"}})
    ask("DELETE", f"/admin/groups/{group}/owners.json", {"user_id": ids["chiara"]})
    ask("PUT", f"/groups/{group}/join.json", as_user="dmitri")
    ask("DELETE", f"/groups/{group}/leave.json", as_user="dmitri")
    for place in ("/groups.json", "/groups/patrons.json", f"/groups/by-id/{group}.json"):
        ask("GET", place)
    ask("GET", "/groups/trust_level_0.json")
    ask("GET", "/groups/patrons/members.json")
    ask("GET", "/groups/patrons/members.json?offset=50")
    ask("GET", "/groups/patrons/members.json", as_user="esther")
    ask("GET", "/groups/patrons/logs.json")
    ask("GET", "/groups/search.json?term=pat")
    ask("DELETE", f"/groups/{group}/members.json", {"usernames": "ada,esther"})
    user = ids["esther"]
    ask("POST", f"/admin/users/{user}/groups.json", {"group_id": group})
    ask("PUT", f"/admin/users/{user}/primary_group.json", {"primary_group_id": group})
    for place in ("/u/esther.json", f"/admin/users/{user}.json", "/groups/patrons/members.json"):
        ask("GET", place)
    ask("DELETE", f"/admin/users/{user}/groups/{group}.json")
    ask("DELETE", f"/admin/groups/{group}.json")


def of_people(site: Site, ask: Ask) -> None:
    ids = site.forum.user_id_by_name
    made = {"username": "newcomer", "email": "n@example.com", "name": "N", "password": PASSWORD}
    ask("POST", "/users.json", {**made, "active": True})
    ask("POST", "/users.json", {**made, "email": "other@example.com"})  # a name that is taken
    field = {"name": "Number", "field_type": "text", "description": "On your card"}
    field_id = ask("POST", "/admin/customize/user_fields.json", {"user_field": field})
    ask("GET", "/admin/customize/user_fields.json")
    ask("DELETE", f"/admin/customize/user_fields/{field_id['user_field']['id']}.json")
    ask("PUT", "/u/ada.json", {"name": "Ada", "title": "Potter"})
    for place in ("/u/ada.json", "/u/ada/emails.json", "/user-cards.json?user_ids=1,2"):
        ask("GET", place)
    ask("GET", "/u/ada.json", as_user="bruno")
    ask("GET", "/u/by-external/id-of-ada.json")
    ask("GET", "/u/search/users.json?term=ad")
    ask("GET", "/directory_items.json?period=all&order=likes_given")
    ask("GET", "/admin/users.json?email=ada@example.com")
    ask("GET", "/admin/users/list/active.json?show_emails=true")
    ask("GET", "/admin/users/list/active.json?page=9")
    ask("PUT", "/u/felix/preferences/username.json", {"new_username": "felix_the_second"})
    ask("PUT", "/u/felix_the_second/preferences/email.json", {"email": "f@example.com"})
    ask("POST", f"/admin/users/{ids['esther']}/merge.json", {"target_username": "ada"})
    ask("PUT", f"/admin/users/{ids['chiara']}/anonymize.json")
    ask("DELETE", f"/admin/users/{ids['newcomer']}.json")


def of_staff(site: Site, ask: Ask) -> None:
    user = site.forum.user_id_by_name["dmitri"]
    until = {"suspend_until": "2099-01-01", "reason": "Too loud"}
    for verb, body in {
        "deactivate": {}, "activate": {}, "suspend": until, "unsuspend": {},
        "trust_level": {"level": 2}, "grant_moderation": {}, "revoke_moderation": {},
        "grant_admin": {}, "revoke_admin": {},
    }.items():  # fmt: skip
        ask("PUT", f"/admin/users/{user}/{verb}.json", body)
        ask("GET", f"/admin/users/{user}.json")
        ask("GET", "/u/dmitri.json")
    ask("POST", f"/admin/users/{user}/log_out.json")
    invited = ask("POST", "/invites.json", {"email": "guest@example.com", "skip_email": True})
    ask("POST", "/invites.json", {"max_redemptions_allowed": 5})
    ask("GET", "/u/siteadmin/invited/pending.json")
    ask("DELETE", "/invites.json", {"id": invited["id"]})


def of_messages(site: Site, ask: Ask) -> None:
    sent = ask("POST", "/posts.json", STATEMENT)
    topic, post = sent["topic_id"], sent["id"]
    ask("GET", f"/posts/{post}.json")
    site.world.clock.advance(600)
    ask("PUT", f"/posts/{post}.json", {"post": {"raw": "As of *tomorrow*, a good deal more."}})
    ask("GET", f"/posts/{post}/revisions/latest.json")
    reply = ask("POST", "/posts.json", {"topic_id": topic, "raw": "Thank you."}, as_user="ada")
    for place in (
        f"/t/{topic}.json",
        f"/t/{topic}/2.json",
        f"/t/-/{topic}.json",
        f"/t/-/{topic}/2.json",
    ):
        ask("GET", place)
        ask("GET", place, as_user="ada")
    ask("GET", f"/t/{topic}/posts.json")
    ask("GET", "/t/external_id/statement-ada.json")
    ask("GET", "/topics/private-messages/ada.json", as_user="ada")
    ask("GET", "/topics/private-messages-sent/siteadmin.json")
    ask("GET", "/notifications.json", as_user="ada")
    ask("DELETE", f"/posts/{reply['id']}.json")
    ask("PUT", f"/t/-/{topic}.json", {"title": "Your other statement"})
    ask("PUT", f"/t/{topic}/status.json", {"status": "closed", "enabled": "true"})
    ask("DELETE", f"/t/{topic}.json")
    ask("PUT", f"/t/{topic}/recover.json")
    opened = {"title": "The kiln is back", "raw": "Hello, everybody out there.", "category": 4}
    public = ask("POST", "/posts.json", opened, as_user="bruno")["topic_id"]
    ask("GET", f"/t/{public}.json")
    ask("GET", "/search.json?q=%22out+there%22")
    for place in (f"/raw/{public}", f"/raw/{public}/1"):
        ask("GET", place)
    ask("GET", "/latest.json")
    ask("GET", "/categories.json")


def of_keys(_site: Site, ask: Ask) -> None:
    scopes = [{"scope_id": "groups:manage_groups"}]
    made = ask("POST", "/admin/api/keys.json", {"key": {"description": "x", "scopes": scopes}})
    key = made["key"]["id"]
    ask("GET", "/admin/api/keys.json")
    ask("GET", "/admin/api/keys/scopes.json")
    ask("POST", f"/admin/api/keys/{key}/revoke.json")
    ask("POST", f"/admin/api/keys/{key}/undo-revoke.json")
    ask("DELETE", f"/admin/api/keys/{key}.json")


def of_webhooks(_site: Site, ask: Ask) -> None:
    hook = {"payload_url": "http://127.0.0.1:9/hook", "content_type": 1, "secret": "s" * 20}
    kinds = ask("GET", "/admin/api/web_hooks.json")["extras"]["grouped_event_types"]
    ids = [kind["id"] for kind in kinds["group_user"]]
    body = {"web_hook": {**hook, "web_hook_event_type_ids": ids, "active": True}}
    made = ask("POST", "/admin/api/web_hooks.json", body)["web_hook"]["id"]
    ask("GET", f"/admin/api/web_hooks/{made}.json")
    ask("PUT", f"/admin/api/web_hooks/{made}.json", body)
    ask("POST", f"/admin/api/web_hooks/{made}/ping.json")
    ask("GET", f"/admin/api/web_hook_events/{made}.json")
    events = ask("GET", f"/admin/api/web_hook_events/{made}.json")["web_hook_events"]
    ask("POST", f"/admin/api/web_hooks/{made}/events/{events[0]['id']}/redeliver.json")
    ask("DELETE", f"/admin/api/web_hooks/{made}.json")


def of_the_site(site: Site, ask: Ask) -> None:
    for place in ("/about.json", "/site.json", "/site/basic-info.json", "/manifest.webmanifest"):
        ask("GET", place)
    ask("GET", "/srv/status")
    ask("GET", "/stylesheets/color_definitions_light.css")
    ask("GET", "/admin/site_settings.json")
    ask("PUT", "/admin/site_settings/title.json", {"title": "Kiln & Lathe"})
    bundle = {"bundle": (io.BytesIO(component()), "probe.zip")}
    theme = site.call("POST", "/admin/themes/import.json", data=bundle).get_json()["theme"]["id"]
    ask("GET", "/admin/themes.json")
    ask("GET", f"/admin/themes/{theme}.json")
    ask("PUT", f"/admin/themes/{theme}.json", {"theme": {"parent_theme_ids": [-1]}})
    body = {"name": "bridge_url", "value": "http://localhost:8000"}
    ask("PUT", f"/admin/themes/{theme}/setting.json", body)
    ask("DELETE", f"/admin/themes/{theme}.json")
    ask("PUT", "/admin/backups/readonly.json", {"enable": True})
    ask("PUT", "/admin/backups/readonly.json", {"enable": False})


def component() -> bytes:
    """A small theme component as a zip."""
    raw = io.BytesIO()
    with zipfile.ZipFile(raw, "w") as bundle:
        bundle.writestr("about.json", json.dumps({"name": "Probe", "component": True}))
        bundle.writestr("settings.yml", "bridge_url:\n  default: ''\n")
    return raw.getvalue()


def of_a_browser(site: Site) -> None:
    """Requests with a cookie instead of a key."""
    browser = site.browser()
    csrf = {"X-CSRF-Token": browser.get("/session/csrf.json").get_json()["csrf"]}
    assert browser.get("/session/hp.json").status_code == 200
    login = {"login": "ada", "password": PASSWORD}
    assert browser.post("/session.json", json=login, headers=csrf).status_code == 200
    assert browser.get("/session/current.json").status_code == 200
    assert browser.get(asked()).status_code == 302
    csrf = {"X-CSRF-Token": browser.get("/session/csrf.json").get_json()["csrf"]}
    assert browser.delete("/session/ada.json", headers=csrf).status_code < 400
