"""The meaning of each event: from an event to tasks, in one table for each sender.

To find out what an event causes, look up its type here and jump. Every type is listed with its
reason; docs/events.md says the same for people who set up the webhook.
"""

from __future__ import annotations

from collections.abc import Callable

from bridge.core.events.forum import ForumEvent
from bridge.core.events.stripe import Event
from bridge.core.events.tasks import Ignore, Task
from handlers import (
    catalogue,
    charge,
    checkout,
    customer,
    discourse,
    entitlements,
    invoice,
    schedule,
    subscription,
)
from handlers.common import Handler, ignored

ROUTES: dict[str, Handler] = {
    # Somebody bought: find out who the customer is on the forum, and give what was paid for.
    "checkout.session.completed": checkout.finished,
    # A bank debit arrived days later: the order counts from now on.
    "checkout.session.async_payment_succeeded": checkout.finished,
    # A bank debit failed days later: make sure that nothing was given for it.
    "checkout.session.async_payment_failed": checkout.finished,
    "checkout.session.expired": ignored("the buyer never finished: nothing was bought"),
    "customer.subscription.created": subscription.changed,
    # It renewed, was upgraded, failed, recovered or is to be cancelled: anything may be due.
    "customer.subscription.updated": subscription.changed,
    # It ended for good. The groups that nothing else gives end with it.
    "customer.subscription.deleted": subscription.changed,
    # A pause ends or keeps the groups, as the policy says.
    "customer.subscription.paused": subscription.changed,
    "customer.subscription.resumed": subscription.changed,
    # The statement announces the first payment.
    "customer.subscription.trial_will_end": subscription.changed,
    # A change that waited for its payment took effect, or was dropped.
    "customer.subscription.pending_update_applied": subscription.changed,
    "customer.subscription.pending_update_expired": subscription.changed,
    # Thin events say more precisely what happened; the reading is the same.
    "v1.customer.subscription.active": subscription.changed,
    "v1.customer.subscription.cancel_at_changed": subscription.changed,
    "v1.customer.subscription.incomplete": subscription.changed,
    "v1.customer.subscription.incomplete_expired": subscription.changed,
    "v1.customer.subscription.item_added": subscription.changed,
    "v1.customer.subscription.item_price_changed": subscription.changed,
    "v1.customer.subscription.item_quantity_changed": subscription.changed,
    "v1.customer.subscription.item_removed": subscription.changed,
    "v1.customer.subscription.past_due": subscription.changed,
    "v1.customer.subscription.trialing": subscription.changed,
    "v1.customer.subscription.unpaid": subscription.changed,
    # A subscription's schedule was made, changed, carried out or abandoned.
    "subscription_schedule.created": schedule.changed,
    "subscription_schedule.updated": schedule.changed,
    "subscription_schedule.expiring": schedule.changed,
    "subscription_schedule.completed": schedule.changed,
    "subscription_schedule.released": schedule.changed,
    "subscription_schedule.canceled": schedule.changed,
    "subscription_schedule.aborted": schedule.changed,
    # A customer's entitlements changed, because a subscription did.
    "entitlements.active_entitlement_summary.updated": entitlements.changed,
    "v1.entitlements.active_entitlement_summary.entitlement_added": entitlements.changed,
    "v1.entitlements.active_entitlement_summary.entitlement_removed": entitlements.changed,
    # A payment arrived, by card, by bank or by hand: a line on the statement, and grace ends.
    "invoice.paid": invoice.changed,
    # The older name for a payment by card or bank; an endpoint may have only this one.
    "invoice.payment_succeeded": invoice.changed,
    # A payment failed: the member is told, and the grace period runs from the due date.
    "invoice.payment_failed": invoice.changed,
    # The bank asks for the buyer's consent, so it is not paid yet.
    "invoice.payment_action_required": invoice.changed,
    # Something is owed from now on.
    "invoice.finalized": invoice.changed,
    "invoice.finalization_failed": invoice.changed,
    "invoice.overdue": invoice.changed,
    # It is no longer owed, though nobody paid it.
    "invoice.voided": invoice.changed,
    "invoice.marked_uncollectible": invoice.changed,
    # Something about it changed, such as the next attempt.
    "invoice.updated": invoice.changed,
    "invoice.created": ignored("a draft: nothing is owed yet"),
    "invoice.deleted": ignored("only drafts can be deleted: nothing was owed"),
    "invoice.upcoming": ignored("a forecast, days ahead, of an invoice that does not exist yet"),
    "invoice.sent": ignored("the invoice was mailed: what is owed stays the same"),
    "invoice_payment.paid": ignored("invoice.paid says the same, and whose it is"),
    # A credit note reduced an invoice: a line on the statement.
    "credit_note.created": invoice.credited,
    "credit_note.updated": invoice.credited,
    "credit_note.voided": invoice.credited,
    # Money was refunded: an order may have ended, and it is a line on the statement.
    "charge.refunded": charge.money_moved,
    "charge.refund.updated": charge.money_moved,
    "refund.created": charge.money_moved,
    "refund.updated": charge.money_moved,
    # Money held on a card was taken, or a part of it.
    "charge.captured": charge.money_moved,
    # The bank sent a refund back: the community has the money again.
    "refund.failed": charge.money_moved,
    # A buyer asked the bank for the money back. Moderators are told; the policy decides.
    "charge.dispute.created": charge.money_moved,
    "charge.dispute.updated": charge.money_moved,
    # The bank took the money, or gave it back.
    "charge.dispute.funds_withdrawn": charge.money_moved,
    "charge.dispute.funds_reinstated": charge.money_moved,
    # Won or lost: what was bought with the payment stays or ends.
    "charge.dispute.closed": charge.money_moved,
    "charge.succeeded": ignored("the invoice or checkout session that it pays has its own event"),
    "charge.failed": ignored("the invoice or checkout session that it should pay has its own"),
    "charge.updated": ignored("a note on a payment: the payment stays the same"),
    "charge.pending": ignored("not paid yet: the invoice or checkout session says when"),
    # The ledger reads these payouts and their parts once the events have stopped.
    "payout.created": ignored("it is nobody's in particular: only the ledger reads it"),
    "payout.updated": ignored("it is nobody's in particular: only the ledger reads it"),
    "payout.paid": ignored("it is nobody's in particular: only the ledger reads it"),
    "payout.failed": ignored("it is nobody's in particular: only the ledger reads it"),
    "payout.canceled": ignored("it is nobody's in particular: only the ledger reads it"),
    "payout.reconciliation_completed": ignored("only the ledger reads what a payout is made of"),
    "payment_intent.succeeded": ignored("the invoice or checkout session has its own event"),
    "payment_intent.payment_failed": ignored("the invoice or checkout session has its own event"),
    # The metadata may say who the customer is on the forum.
    "customer.created": customer.appeared,
    "customer.updated": customer.appeared,
    # Deleted at Stripe, with all subscriptions.
    "customer.deleted": customer.deleted,
    # A product's metadata say which groups it leads to.
    "product.created": catalogue.product_changed,
    "product.updated": catalogue.product_changed,
    "product.deleted": catalogue.product_changed,
    "v1.product.activated": catalogue.product_changed,
    "v1.product.deactivated": catalogue.product_changed,
    "price.created": catalogue.price_changed,
    "price.updated": catalogue.price_changed,
    "price.deleted": catalogue.price_changed,
    "v1.price.activated": catalogue.price_changed,
    "v1.price.deactivated": catalogue.price_changed,
    "v1.price.lookup_key_changed": catalogue.price_changed,
    # The older name for a recurring price, with the same id.
    "plan.created": catalogue.price_changed,
    "plan.updated": catalogue.price_changed,
    "plan.deleted": catalogue.price_changed,
}

FORUM_ROUTES: dict[str, Callable[[ForumEvent], list[Task]]] = {
    # Staff, the member or the bridge itself put somebody into a group.
    "user_added_to_group": discourse.joined,
    # Somebody was taken out, or left. A decision of staff is kept; an accident is corrected.
    "user_removed_from_group": discourse.left,
    # Suspended people keep what they paid for. Meanwhile, nothing is written for them.
    "user_suspended": discourse.user_changed,
    "user_unsuspended": discourse.user_changed,
    # People who log out of the forum are signed out here, too.
    "user_logged_out": discourse.logged_out,
    # The bridge no longer knows who it was, but what they pay for continues.
    "user_anonymized": discourse.user_changed,
    # The account is gone, or was merged into another one.
    "user_destroyed": discourse.user_changed,
    # A rule may name the new group, or a rule's group was renamed or deleted.
    "group_created": discourse.group_changed,
    "group_updated": discourse.group_changed,
    "group_destroyed": discourse.group_changed,
}

NOT_LISTENED_TO = Ignore("events of this type are not listened to")


def route(event: Event) -> list[Task]:
    """The tasks for an event of Stripe; an unknown type is ignored, with that reason.

    A thin event without its own route is treated like the snapshot event of the same name.
    """
    handler = ROUTES.get(event.type)
    if handler is None and event.thin:
        handler = ROUTES.get(event.type.removeprefix("v1."))
    return handler(event) if handler else [NOT_LISTENED_TO]


def route_forum(event: ForumEvent) -> list[Task]:
    """The tasks for an event of the forum's."""
    handler = FORUM_ROUTES.get(event.name)
    return handler(event) if handler else [NOT_LISTENED_TO]
