"""Stripe's own test clocks: customers with a time of their own."""

from __future__ import annotations

from bridge.sandbox.stripe.account import DAY, Account
from bridge.sandbox.stripe.crud import Handler, listing, retrieving
from bridge.sandbox.stripe.customers import delete_customer
from bridge.sandbox.stripe.errors import invalid
from bridge.sandbox.stripe.events import emit
from bridge.sandbox.stripe.shapes import Obj
from bridge.sandbox.stripe.timeline import run_until

KEPT_DAYS = 30


def _create(account: Account, params: Obj) -> Obj:
    clock = account.new(
        "test_helpers.test_clock",
        frozen_time=params["frozen_time"],
        name=params.get("name"),
        deletes_after=account.now + KEPT_DAYS * DAY,
    )
    emit(account, "test_helpers.test_clock.created", clock)
    return clock


def _advance(account: Account, params: Obj, id_: str) -> Obj:
    """Answers as still advancing, as Stripe does; by then all has happened."""
    clock = account.find("test_helpers.test_clock", id_)
    if params["frozen_time"] <= clock["frozen_time"]:
        raise invalid(
            "A test clock can only be advanced to a time after its current frozen time.",
            "frozen_time",
        )
    clock["status"] = "advancing"
    clock["status_details"] = {"advancing": {"target_frozen_time": params["frozen_time"]}}
    emit(account, "test_helpers.test_clock.advancing", clock)
    shown = dict(clock)
    now = account.now
    run_until(account, params["frozen_time"], id_)
    account.now = now
    clock.update(frozen_time=params["frozen_time"], status="ready", status_details={})
    emit(account, "test_helpers.test_clock.ready", clock)
    return shown


def _delete(account: Account, _params: Obj, id_: str) -> Obj:
    """Deleting the clock deletes its customers."""
    clock = account.find("test_helpers.test_clock", id_)
    for customer in account.rows("customer"):
        if customer.get("test_clock") == id_:
            account.now = clock["frozen_time"]
            delete_customer(account, {}, customer["id"])
    account.drop(clock)
    account.agenda.pop(id_, None)
    emit(account, "test_helpers.test_clock.deleted", clock)
    return {"id": id_, "object": "test_helpers.test_clock", "deleted": True}


ROUTES: dict[str, Handler] = {
    "POST /v1/test_helpers/test_clocks": _create,
    "GET /v1/test_helpers/test_clocks": listing(
        "test_helpers.test_clock", "/v1/test_helpers/test_clocks"
    ),
    "GET /v1/test_helpers/test_clocks/{}": retrieving("test_helpers.test_clock"),
    "POST /v1/test_helpers/test_clocks/{}/advance": _advance,
    "DELETE /v1/test_helpers/test_clocks/{}": _delete,
}
