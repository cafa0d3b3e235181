"""Customer portal: configurations, sessions, and what the customer may do on its page."""

from __future__ import annotations

from bridge.sandbox.stripe.account import Account
from bridge.sandbox.stripe.crud import (
    Handler,
    copy_named,
    deep_update,
    equals,
    listing,
    merge_metadata,
    retrieving,
)
from bridge.sandbox.stripe.customers import find_customer
from bridge.sandbox.stripe.errors import check_url, invalid
from bridge.sandbox.stripe.events import changing, emit
from bridge.sandbox.stripe.shapes import Obj
from bridge.sandbox.stripe.views import items_of


def _create_configuration(account: Account, params: Obj) -> Obj:
    made = account.new("billing_portal.configuration", updated=account.now)
    for feature in made["features"].values():
        feature["enabled"] = False
    _take_over(made, params)
    emit(account, "billing_portal.configuration.created", made)
    return made


def _take_over(configuration: Obj, params: Obj) -> None:
    copy_named(configuration, params, "active", "default_return_url", "name")
    deep_update(configuration["business_profile"], params.get("business_profile") or {})
    deep_update(configuration["features"], params.get("features") or {})
    deep_update(configuration["login_page"], params.get("login_page") or {})
    merge_metadata(configuration, params)


def _update_configuration(account: Account, params: Obj, id_: str) -> Obj:
    configuration = account.find("billing_portal.configuration", id_)
    with changing(account, configuration, "billing_portal.configuration.updated"):
        _take_over(configuration, params)
        configuration["updated"] = account.now
    return configuration


def default_configuration(account: Account) -> Obj:
    """The default configuration of sessions; created on first use."""
    for configuration in account.rows("billing_portal.configuration"):
        if configuration["is_default"]:
            return configuration
    return account.new("billing_portal.configuration", is_default=True, updated=account.now)


def _list_configurations(account: Account, params: Obj) -> Obj:
    default_configuration(account)
    return _LIST(account, params)


def create_session(account: Account, params: Obj) -> Obj:
    """POST /v1/billing_portal/sessions."""
    customer = find_customer(account, params.get("customer"))
    check_url(params.get("return_url"), "return_url")
    after = (params.get("flow_data") or {}).get("after_completion") or {}
    check_url((after.get("redirect") or {}).get("return_url"), "flow_data")
    named = params.get("configuration")
    configuration = (
        account.find("billing_portal.configuration", named, "configuration")
        if named
        else default_configuration(account)
    )
    session = account.new(
        "billing_portal.session",
        customer=customer["id"],
        configuration=configuration["id"],
        return_url=params.get("return_url") or configuration["default_return_url"],
        locale=params.get("locale"),
    )
    secret = account.ids.new("", 32)[1:]
    session["url"] = f"{account.base_url}/p/session/test_{secret}"
    session["flow"] = _flow(account, params.get("flow_data"), customer, configuration)
    account.tables["portal_secret"][f"test_{secret}"] = {"session": session["id"]}
    emit(account, "billing_portal.session.created", session)
    return session


# The subject of a deep link -> what the page shows of it.
FLOWS: dict[str, Obj] = {
    "customer_update": {},
    "subscription_cancel": {"retention": None},
    "subscription_pause": {},
    "subscription_update": {},
    "subscription_update_confirm": {"discounts": None},
}


def _flow(account: Account, data: Obj | None, customer: Obj, configuration: Obj) -> Obj | None:
    if not data:
        return None
    kind = data["type"]
    flow: Obj = {
        "type": kind,
        "after_completion": {
            "type": "portal_homepage",
            "hosted_confirmation": None,
            "redirect": None,
            **(data.get("after_completion") or {}),
        },
        **dict.fromkeys(FLOWS),
    }
    if kind in FLOWS:
        flow[kind] = {**FLOWS[kind], **(data.get(kind) or {})}
    if kind == "subscription_update_confirm":
        flow[kind]["items"] = [{"price": None, "quantity": None, **i} for i in flow[kind]["items"]]
    if kind.startswith("subscription"):
        if not flow[kind].get("subscription"):
            param = f"flow_data[{kind}]"
            raise invalid(f"Missing required param: {param}.", param, "parameter_missing")
        subscription = account.find("subscription", flow[kind]["subscription"], "subscription")
        if subscription["customer"] != customer["id"]:
            raise invalid("The subscription does not belong to the customer.", "flow_data")
    feature = {"subscription_update_confirm": "subscription_update"}.get(kind, kind)
    if feature in configuration["features"] and not configuration["features"][feature]["enabled"]:
        raise invalid(
            f"This action cannot be completed because the `{feature}` feature is disabled in the "
            "portal configuration.",
            "flow_data",
        )
    _check_offered(account, configuration, flow["subscription_update_confirm"])
    return flow


def _check_offered(account: Account, configuration: Obj, wanted: Obj | None) -> None:
    """A deep link leads only to prices that the configuration lists."""
    if not wanted:
        return
    subscription = account.find("subscription", wanted["subscription"], "subscription")
    allowed = {p["id"] for p in _offered(account, configuration, subscription)}
    allowed |= {item["price"] for item in items_of(account, subscription)} | {None}
    for item in wanted["items"]:
        if item["price"] not in allowed:
            raise invalid(
                f"The price {item['price']} is not in the portal configuration's products.",
                "flow_data",
            )


def session_of(account: Account, secret: str) -> Obj:
    """The session behind the secret of an address."""
    kept = account.find("portal_secret", secret)
    return account.tables["billing_portal.session"][kept["session"]]


def features_of(account: Account, session: Obj) -> Obj:
    """The features of the portal."""
    configuration = account.tables["billing_portal.configuration"][session["configuration"]]
    features: Obj = configuration["features"]
    return features


def offered_pauses(features: Obj) -> list[tuple[str, str]] | None:
    """The allowed lengths of a pause, each with its words; None if pausing is off."""
    feature = features["subscription_pause"]
    if not feature["enabled"]:
        return None
    if feature["duration"]["type"] == "indefinite":
        return [("", "until you resume it")]
    lengths = [
        f"{option.get('interval_count') or 1} {option['interval']}"
        for option in feature["duration"]["interval_options"]
    ]
    return [(length, f"for {length}{'' if length.startswith('1 ') else 's'}") for length in lengths]


def reasons(features: Obj) -> list[str]:
    """The reasons for cancelling that the customer may choose from."""
    asked = features["subscription_cancel"]["cancellation_reason"]
    return list(asked["options"]) if asked["enabled"] else []


def offered_prices(account: Account, session: Obj, subscription: Obj) -> list[Obj]:
    """The prices that a subscription may be switched to; none if it has several items."""
    configuration = account.tables["billing_portal.configuration"][session["configuration"]]
    return _offered(account, configuration, subscription)


def _offered(account: Account, configuration: Obj, subscription: Obj) -> list[Obj]:
    if len(subscription["_items"]) != 1:
        return []
    current = items_of(account, subscription)[0]["price"]
    products = configuration["features"]["subscription_update"]["products"]
    offered = [p for each in products or () for p in each["prices"]]
    return [
        price
        for price in account.rows("price")
        if price["id"] != current
        and price["active"]
        and price["recurring"]
        and price["currency"] == subscription["currency"]
        and (not products or price["id"] in offered)
    ]


_LIST = listing(
    "billing_portal.configuration",
    "/v1/billing_portal/configurations",
    {"active": equals("active"), "is_default": equals("is_default")},
)
ROUTES: dict[str, Handler] = {
    "POST /v1/billing_portal/configurations": _create_configuration,
    "GET /v1/billing_portal/configurations": _list_configurations,
    "GET /v1/billing_portal/configurations/{}": retrieving("billing_portal.configuration"),
    "POST /v1/billing_portal/configurations/{}": _update_configuration,
    "POST /v1/billing_portal/sessions": create_session,
}
