"""The endpoints of events and of webhook endpoints, in both API generations."""

from __future__ import annotations

from fnmatch import fnmatchcase

from bridge.sandbox.stripe.account import DAY, Account
from bridge.sandbox.stripe.courier import iso, thin
from bridge.sandbox.stripe.crud import (
    Handler,
    copy_named,
    in_range,
    listing,
    merge_metadata,
    page,
    retrieving,
)
from bridge.sandbox.stripe.delivery import is_delivered
from bridge.sandbox.stripe.errors import StripeError, invalid, missing_object
from bridge.sandbox.stripe.shapes import Obj

MAX_TYPES = 20


def create_endpoint(account: Account, params: Obj) -> Obj:
    """POST /v1/webhook_endpoints; only this answer shows the secret."""
    endpoint = add_endpoint(
        account, params["url"], params["enabled_events"], params.get("api_version")
    )
    copy_named(endpoint, params, "description")
    merge_metadata(endpoint, params)
    return {**endpoint, "secret": endpoint["_secret"]}


def add_endpoint(
    account: Account,
    url: str,
    enabled_events: list[str],
    api_version: str | None = None,
    *,
    secret: str | None = None,
    thin_events: bool = False,
) -> Obj:
    """Have events sent to an address from now on."""
    if not url.startswith(("http://", "https://")):
        raise invalid("Invalid URL: An explicit scheme (such as https) must be provided.", "url")
    endpoint = account.new(
        "webhook_endpoint", url=url, enabled_events=list(enabled_events), api_version=api_version
    )
    endpoint["_secret"] = secret or "whsec_" + account.ids.new("", 32)[1:]
    endpoint["_thin"] = thin_events
    return endpoint


def _update_endpoint(account: Account, params: Obj, id_: str) -> Obj:
    endpoint = account.find("webhook_endpoint", id_)
    copy_named(endpoint, params, "url", "enabled_events", "description")
    if params.get("disabled") is not None:
        endpoint["status"] = "disabled" if params["disabled"] else "enabled"
    merge_metadata(endpoint, params)
    return endpoint


def _delete_endpoint(account: Account, _params: Obj, id_: str) -> Obj:
    account.drop(account.find("webhook_endpoint", id_))
    return {"id": id_, "object": "webhook_endpoint", "deleted": True}


def _list_events(account: Account, params: Obj) -> Obj:
    """GET /v1/events: 30 days back; `delivery_success` tells delivered from undelivered."""
    types = params.get("types")
    if types and len(types) > MAX_TYPES:
        raise invalid(f"You can pass at most {MAX_TYPES} types.", "types")
    oldest = account.now - account.settings.events_kept_days * DAY
    rows = [e for e in account.rows("event") if e["created"] >= oldest]
    if types:
        rows = [e for e in rows if e["type"] in types]
    if pattern := params.get("type"):
        rows = [e for e in rows if fnmatchcase(e["type"], pattern)]
    if params.get("created") is not None:
        rows = [e for e in rows if in_range(e["created"], params["created"])]
    wanted = params.get("delivery_success")
    if wanted is not None:
        rows = [e for e in rows if is_delivered(e) == wanted]
    return page(rows, params, "/v1/events", "event")


def _destination(endpoint: Obj) -> Obj:
    return {
        "id": endpoint["id"],
        "object": "v2.core.event_destination",
        "created": iso(endpoint["created"]),
        "updated": iso(endpoint["created"]),
        "description": endpoint["description"] or "",
        "enabled_events": endpoint["enabled_events"],
        "event_payload": "thin" if endpoint.get("_thin") else "snapshot",
        "events_from": ["@self"],
        "livemode": False,
        "metadata": endpoint["metadata"],
        "name": endpoint.get("_name", ""),
        "snapshot_api_version": endpoint["api_version"],
        "status": endpoint["status"],
        "type": "webhook_endpoint",
        "webhook_endpoint": {"signing_secret": None, "url": endpoint["url"]},
    }


def _create_destination(account: Account, params: Obj) -> Obj:
    endpoint = add_endpoint(
        account,
        params["webhook_endpoint"]["url"],
        params["enabled_events"],
        params.get("snapshot_api_version"),
        thin_events=params["event_payload"] == "thin",
    )
    endpoint["_name"] = params.get("name", "")
    copy_named(endpoint, params, "description")
    merge_metadata(endpoint, params)
    shown = _destination(endpoint)
    if "webhook_endpoint.signing_secret" in (params.get("include") or ()):
        shown["webhook_endpoint"]["signing_secret"] = endpoint["_secret"]
    return shown


def _retrieve_destination(account: Account, _params: Obj, id_: str) -> Obj:
    return _destination(account.find("webhook_endpoint", id_))


def _delete_destination(account: Account, _params: Obj, id_: str) -> Obj:
    account.drop(account.find("webhook_endpoint", id_))
    return {"id": id_, "object": "v2.core.event_destination", "deleted": True}


def _list_destinations(account: Account, _params: Obj) -> Obj:
    data = [_destination(e) for e in account.rows("webhook_endpoint")]
    return {"data": data, "next_page_url": None, "previous_page_url": None}


def _retrieve_thin(account: Account, _params: Obj, id_: str) -> Obj:
    for delivery in reversed(account.deliveries):
        event = account.tables["event"].get(delivery["event"])
        if event and thin(event, delivery["type"])["id"] == id_:
            return thin(event, delivery["type"])
    event = account.tables["event"].get(id_)
    if event is None:
        raise StripeError(404, f"Event {id_} could not be found.", code="not_found")
    return thin(event, f"v1.{event['type']}")


def _retrieve_event(account: Account, _params: Obj, id_: str) -> Obj:
    event = account.tables["event"].get(id_)
    if event is None:
        raise missing_object("event", id_)
    return event


ROUTES: dict[str, Handler] = {
    "GET /v1/events": _list_events,
    "GET /v1/events/{}": _retrieve_event,
    "POST /v1/webhook_endpoints": create_endpoint,
    "GET /v1/webhook_endpoints": listing("webhook_endpoint", "/v1/webhook_endpoints"),
    "GET /v1/webhook_endpoints/{}": retrieving("webhook_endpoint"),
    "POST /v1/webhook_endpoints/{}": _update_endpoint,
    "DELETE /v1/webhook_endpoints/{}": _delete_endpoint,
    "GET /v2/core/events/{}": _retrieve_thin,
    "POST /v2/core/event_destinations": _create_destination,
    "GET /v2/core/event_destinations": _list_destinations,
    "GET /v2/core/event_destinations/{}": _retrieve_destination,
    "DELETE /v2/core/event_destinations/{}": _delete_destination,
}
