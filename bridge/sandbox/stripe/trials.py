"""The end of a trial without a payment method, and status `paused`."""

from __future__ import annotations

from bridge.sandbox.stripe.account import Account
from bridge.sandbox.stripe.customers import default_method
from bridge.sandbox.stripe.events import changing
from bridge.sandbox.stripe.shapes import Obj
from bridge.sandbox.stripe.subscriptions import end


def trial_may_end(account: Account, subscription: Obj) -> bool:
    """End a trial without a payment method as its settings say."""
    customer = account.tables["customer"][subscription["customer"]]
    method = default_method(account, customer, subscription["default_payment_method"])
    wanted = subscription["trial_settings"]["end_behavior"]["missing_payment_method"]
    sent = subscription["collection_method"] == "send_invoice"
    if method or sent or wanted == "create_invoice":
        return True
    if wanted == "cancel":
        end(account, subscription, "cancellation_requested")
    else:
        pause(account, subscription, "trial_end_without_payment_method")
    return False


def pause(account: Account, subscription: Obj, why: str) -> None:
    """Status `paused`: no invoices until it is resumed."""
    told = ("customer.subscription.updated", "customer.subscription.paused")
    with changing(account, subscription, *told):
        subscription["status"] = "paused"
        subscription["status_details"] = {
            "paused": {
                "subscription": {"type": why},
                "transitioned_at": account.now,
                "type": "subscription",
            }
        }
