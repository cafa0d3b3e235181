"""The effects of time on subscriptions: renewals, ends of trials, dunning, planned ends."""

from __future__ import annotations

from bridge.sandbox.stripe.account import DAY, HOUR, Account
from bridge.sandbox.stripe.discounts import use_up
from bridge.sandbox.stripe.events import changing, emit, when
from bridge.sandbox.stripe.invoice_drafts import draft
from bridge.sandbox.stripe.invoices import finalize, mark_uncollectible, void
from bridge.sandbox.stripe.previews import next_invoice
from bridge.sandbox.stripe.schedules import before_renewal
from bridge.sandbox.stripe.shapes import Obj
from bridge.sandbox.stripe.subscription_changes import set_items
from bridge.sandbox.stripe.subscription_items import end_of_period, period_lines
from bridge.sandbox.stripe.subscription_rules import ENDED
from bridge.sandbox.stripe.subscriptions import WILL_END_DAYS, end, plan_ahead
from bridge.sandbox.stripe.trials import trial_may_end
from bridge.sandbox.stripe.views import items_of

RENEWING = ("active", "trialing", "past_due", "unpaid")


def cycle(account: Account, id_: str) -> None:
    """A period has ended: the subscription ends with it, or the next period begins."""
    subscription = account.get("subscription", id_)
    if subscription is None or subscription["status"] not in RENEWING:
        return
    before_renewal(account, subscription)
    ended = [i for i in items_of(account, subscription) if i["current_period_end"] == account.now]
    if not ended or subscription["status"] in ENDED:
        return
    if subscription["cancel_at_period_end"] or subscription["cancel_at"] == account.now:
        end(account, subscription, "cancellation_requested")
        return
    if subscription["status"] == "trialing" and not trial_may_end(account, subscription):
        return
    _renew(account, subscription, ended)
    plan_ahead(account, subscription)


def _renew(account: Account, subscription: Obj, ended: list[Obj]) -> None:
    previous = min(i["current_period_start"] for i in ended)
    with changing(account, subscription, "customer.subscription.updated"):
        if subscription["status"] == "trialing":
            subscription["status"] = "active"
        for item in ended:
            item["current_period_start"] = account.now
            item["current_period_end"] = end_of_period(account, subscription, item, account.now)
        invoice = _cycle_invoice(account, subscription, ended, previous)
        subscription["latest_invoice"] = invoice["id"]
        use_up(account, subscription)


def _cycle_invoice(account: Account, subscription: Obj, items: list[Obj], previous: int) -> Obj:
    customer = account.tables["customer"][subscription["customer"]]
    paused = subscription["pause_collection"]
    stays_draft = subscription["status"] == "unpaid" or (
        paused is not None and paused["behavior"] == "keep_as_draft"
    )
    invoice = draft(
        account,
        customer,
        subscription["currency"],
        period_lines(account, subscription, items),
        reason="subscription_cycle",
        subscription=subscription,
        period_start=previous,
        auto_advance=not stays_draft,
        automatically_finalizes_at=None if stays_draft else account.now + HOUR,
        _days_until_due=subscription["days_until_due"],
    )
    if paused and not stays_draft:
        finalize(account, invoice)
        if invoice["status"] == "open":
            (void if paused["behavior"] == "void" else mark_uncollectible)(account, invoice)
    elif not stays_draft:
        account.plan(account.now + HOUR, "advance_invoice", invoice)
    return invoice


def cancel_at(account: Account, id_: str) -> None:
    """The time at which a subscription was to end."""
    subscription = account.get("subscription", id_)
    if subscription and subscription["cancel_at"] == account.now:
        end(account, subscription, "cancellation_requested")


def _tell_once(subscription: Obj, what: str, at: int) -> bool:
    told = subscription.setdefault("_told", [])
    if [what, at] in told:
        return False
    told.append([what, at])
    return True


def trial_will_end(account: Account, id_: str) -> None:
    """Three days before the end of a trial, or at once when it is shorter."""
    subscription = account.get("subscription", id_)
    if subscription is None or subscription["status"] != "trialing":
        return
    ends = subscription["trial_end"]
    if ends - account.now <= WILL_END_DAYS * DAY and _tell_once(subscription, "trial", ends):
        emit(account, "customer.subscription.trial_will_end", subscription)


def upcoming(account: Account, id_: str) -> None:
    """Some days before a renewal: the event that has an invoice without id."""
    subscription = account.get("subscription", id_)
    if subscription is None or subscription["status"] not in ("active", "trialing", "past_due"):
        return
    ends = min(i["current_period_end"] for i in items_of(account, subscription))
    days = account.settings.upcoming_days
    if subscription["cancel_at_period_end"] or ends - account.now != days * DAY:
        return
    if _tell_once(subscription, "upcoming", ends):
        invoice = next_invoice(account, subscription)
        if invoice["_lines"]:  # none when a schedule ends it there
            emit(account, "invoice.upcoming", invoice)


def resume_collection(account: Account, id_: str) -> None:
    """The automatic end of a pause of collection."""
    subscription = account.get("subscription", id_)
    paused = subscription and subscription["pause_collection"]
    if subscription and paused and paused["resumes_at"] == account.now:
        with changing(account, subscription, "customer.subscription.updated"):
            subscription["pause_collection"] = None


def incomplete_expires(account: Account, id_: str) -> None:
    """23 hours without a first payment; a debit that is still processing may take longer."""
    subscription = account.get("subscription", id_)
    if subscription is None or subscription["status"] != "incomplete":
        return
    invoice = account.tables["invoice"][subscription["latest_invoice"]]
    intent = account.get("payment_intent", invoice["_intent"])
    if intent and intent["status"] == "processing":
        return
    expire(account, subscription)


def expire(account: Account, subscription: Obj) -> None:
    """Its first payment never came."""
    with changing(account, subscription, "customer.subscription.updated"):
        subscription.update(status="incomplete_expired", ended_at=account.now)
    invoice = account.tables["invoice"][subscription["latest_invoice"]]
    if invoice["status"] == "open":
        void(account, invoice)


def pending_expires(account: Account, id_: str) -> None:
    """A change that was never paid is dropped."""
    subscription = account.get("subscription", id_)
    update = subscription and subscription["pending_update"]
    if not subscription or not update or update["expires_at"] != account.now:
        return
    with changing(account, subscription, "customer.subscription.updated"):
        subscription["pending_update"] = None
    emit(account, "customer.subscription.pending_update_expired", subscription)
    invoice = account.tables["invoice"][subscription["latest_invoice"]]
    if invoice["status"] == "open":
        void(account, invoice)


def _subscription_of(account: Account, invoice: Obj) -> Obj | None:
    found = account.get("subscription", invoice.get("_subscription"))
    return found if found and found["status"] not in ENDED else None


@when("invoice.paid")
def _paid(account: Account, invoice: Obj) -> None:
    subscription = _subscription_of(account, invoice)
    if subscription is None:
        return
    if invoice.get("_applies_update") and subscription["pending_update"]:
        with changing(account, subscription, "customer.subscription.updated"):
            set_items(account, subscription, subscription.pop("_pending_items"))
            subscription.update(subscription.pop("_pending_settings", {}))
            subscription["pending_update"] = None
        emit(account, "customer.subscription.pending_update_applied", subscription)
        plan_ahead(account, subscription)
    if subscription["latest_invoice"] == invoice["id"]:
        _in_good_standing(account, subscription)


def _in_good_standing(account: Account, subscription: Obj) -> None:
    if subscription["status"] in ("incomplete", "past_due", "unpaid"):
        with changing(account, subscription, "customer.subscription.updated"):
            subscription["status"] = "active"
    elif subscription["status"] == "paused" and subscription.get("_resuming"):
        with changing(
            account,
            subscription,
            "customer.subscription.updated",
            "customer.subscription.resumed",
        ):
            subscription.update(status="active", status_details=None, _resuming=False)


@when("invoice.marked_uncollectible")
def _given_up(account: Account, invoice: Obj) -> None:
    """Stripe counts the latest invoice as settled when it is written off."""
    subscription = _subscription_of(account, invoice)
    past_due = subscription is not None and subscription["status"] == "past_due"
    if subscription and past_due and subscription["latest_invoice"] == invoice["id"]:
        _in_good_standing(account, subscription)


@when("invoice.voided")
def _voided(account: Account, invoice: Obj) -> None:
    subscription = _subscription_of(account, invoice)
    if subscription is None or subscription["latest_invoice"] != invoice["id"]:
        return
    if subscription["status"] == "incomplete":
        expire(account, subscription)
    elif subscription["status"] == "past_due":
        _in_good_standing(account, subscription)


@when("invoice.payment_failed")
def _failed(account: Account, invoice: Obj) -> None:
    subscription = _subscription_of(account, invoice)
    if subscription is None or subscription["status"] not in ("active", "trialing", "past_due"):
        return
    if subscription["status"] != "past_due":
        with changing(account, subscription, "customer.subscription.updated"):
            subscription["status"] = "past_due"
    tried_all = invoice["attempt_count"] > len(account.settings.dunning_days)
    if invoice["billing_reason"] != "subscription_create" and tried_all:
        _end_of_dunning(account, subscription)


def _end_of_dunning(account: Account, subscription: Obj) -> None:
    wanted = account.settings.dunning_end
    if wanted == "cancel":
        end(account, subscription, "payment_failed")
    elif wanted == "unpaid":
        with changing(account, subscription, "customer.subscription.updated"):
            subscription["status"] = "unpaid"


@when("invoice.overdue")
def _overdue(account: Account, invoice: Obj) -> None:
    subscription = _subscription_of(account, invoice)
    if subscription and subscription["status"] == "active":
        with changing(account, subscription, "customer.subscription.updated"):
            subscription["status"] = "past_due"
