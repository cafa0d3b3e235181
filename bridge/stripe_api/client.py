"""The bridge's requests to Stripe: customers, what they have and have paid.

Every reading is complete or raises: a failed page, or an object that is not understood, leaves no
partial answer from which something could be decided.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from functools import partial
from typing import Any

from bridge.bulkhead import Bulkhead
from bridge.core.ledger.lines import MoneyLine
from bridge.core.ledger.news import Missing, ToRead
from bridge.core.ledger.objects import MoneyObject
from bridge.core.model.check import Check, WebhookEndpoint
from bridge.core.model.stripe import (
    Customer,
    FailedAttempt,
    FailedPayment,
    Feature,
    OpenDispute,
    Price,
    Product,
    Purchase,
    Subscription,
    is_guest,
)
from bridge.core.rights.refunding import Asked, Refundable
from bridge.core.rights.switch_costs import AT_ONCE, Changed, Preview
from bridge.core.rights.switching import Ending, Move, PortalTerms, Switch
from bridge.errors import Forbidden
from bridge.stripe_api import account, books, catalogue, changes, portal, refunds
from bridge.stripe_api.books import BookPage, read_page
from bridge.stripe_api.checkout import (
    PAID_WITH,
    CheckoutLink,
    CheckoutRequest,
    CheckoutState,
    buyer_metadata,
    checkout_params,
    read_checkout,
)
from bridge.stripe_api.events import read_events_since
from bridge.stripe_api.failures import (
    read_failed_attempts,
    read_failed_payment,
    read_open_disputes,
)
from bridge.stripe_api.http import PAGE, StripeHttp, path, reading, verify_signature
from bridge.stripe_api.movements import read_money
from bridge.stripe_api.order_reading import PurchaseReading
from bridge.stripe_api.owed import CustomerReading
from bridge.stripe_api.owners import read_owner
from bridge.stripe_api.payments import read_guests_order, read_orders
from bridge.stripe_api.portal_page import CancelTerms, Flow
from bridge.stripe_api.probe import probe_scopes
from bridge.stripe_api.reader import (
    read_customer,
)
from bridge.stripe_api.seen import Order, PaymentLink, SeenOrder, SeenReturn
from bridge.stripe_api.sold import read_order, read_payment_link
from bridge.stripe_api.subscriptions import read_customer_now, read_everybodys
from bridge.stripe_api.sweeps import read_everybodys_orders, read_everybodys_returns

MEANS_RIGHTS = ("payment_method_read", "payment_methods_read")


class StripeApi:
    """Stripe, as far as one key may see and change it."""

    def __init__(
        self, api_key: str, api_base: str | None = None, bulkhead: Bulkhead | None = None
    ) -> None:
        self._http = StripeHttp(api_key, api_base, bulkhead)
        self._shows_means = True
        self._may_refund = False

    @staticmethod
    def verify_signature(body: bytes, header: str, secrets: Sequence[str]) -> bool:
        """Whether a webhook is Stripe's: cheap, and before anything is parsed."""
        return verify_signature(body, header, secrets)

    # --- What a customer has, and paid ----------------------------------------------------------

    def customer_reading(
        self, customer_id: str, *, payments: bool = False, entitlements: bool = False
    ) -> CustomerReading:
        """All subscriptions of a customer: one request, or more if a list is cut off.

        `payments`: ask for refunds and disputes of their last payments too, which a subscription
        does not show. Needed for every customer who has had any. `entitlements`:
        list the features that they have too. A guest's order has none of both: nothing is asked.
        """
        if is_guest(customer_id):
            return CustomerReading(customer_id, (), entitlements=() if entitlements else None)
        read = partial(
            read_customer_now,
            self._http,
            customer_id,
            payments=payments,
            entitlements=entitlements,
        )
        if not self._shows_means:
            return read(means=False)
        try:
            return read()
        except Forbidden as error:
            if error.right not in MEANS_RIGHTS:
                raise
            # Members see everything else on their page.
            found = read(means=False)
            self._shows_means = False
            return found

    def all_subscriptions(self, after: str | None = None) -> Iterator[list[Subscription]]:
        """Every customer's subscriptions, ended ones too, in pages of 100.

        `after`: the subscription after which to go on. Raises: NotFound if Stripe has it no more.
        """
        return read_everybodys(self._http, after)

    def purchases(self, customer_id: str) -> PurchaseReading:
        """All paid one-off orders, with what became of their payments."""
        if is_guest(customer_id):
            return read_guests_order(self._http, customer_id)
        return read_orders(self._http, customer_id)

    def all_orders(self, since: datetime | None) -> Iterator[list[SeenOrder]]:
        """Everybody's paid orders in pages of 100; `since`: only those begun from then on."""
        return read_everybodys_orders(self._http, since)

    def all_returns(
        self, since: datetime | None, disputed_since: datetime | None
    ) -> Iterator[list[SeenReturn]]:
        """Everybody's refunds, then disputes, in pages of 100; only those begun from then on."""
        return read_everybodys_returns(self._http, since, disputed_since)

    def money(self, customer_id: str, since: datetime | None = None) -> tuple[MoneyLine, ...]:
        """Every movement of money of a customer, oldest first; `since`: only those from then on."""
        if is_guest(customer_id):
            lines = read_guests_order(self._http, customer_id).money
            return tuple(line for line in lines if since is None or line.at >= since)
        return read_money(self._http, customer_id, since)

    def open_disputes(self, limit: int, after: str | None) -> list[OpenDispute]:
        """Open disputes, newest first, from the last page's end on; one request."""
        return read_open_disputes(self._http, limit, after)

    def failed_payment(self, invoice_id: str) -> FailedPayment | None:
        """Why an invoice was not paid; None if it is no longer owed. Raises NotFound."""
        return read_failed_payment(self._http, invoice_id)

    def failed_attempts(
        self, since: datetime | None, until: datetime | None
    ) -> Iterator[FailedAttempt]:
        """Attempts to take money that failed in a period, newest first."""
        return read_failed_attempts(self._http, since, until)

    def customers_by_email(self, email: str) -> list[str]:
        """The ids of customers with an address, which is neither kept nor logged."""
        with reading("the customers of an address"):
            found = self._http.get("/v1/customers", email=email, limit=PAGE)["data"]
            return [str(raw["id"]) for raw in found]

    # --- Single objects -------------------------------------------------------------------------

    def customer(self, customer_id: str) -> Customer:
        """A customer, even a deleted one. A guest's order takes the place of a customer."""
        if is_guest(customer_id):
            read_guests_order(self._http, customer_id)
            return Customer(customer_id)
        with reading(customer_id):
            return read_customer(self._http.get(path("/v1/customers/{}", customer_id)))

    def customer_of(self, kind: str, object_id: str) -> str | None:
        """The customer of an object; None if it has none or was deleted."""
        return read_owner(self._http, kind, object_id)

    def events_since(
        self, cursor: str | None, types: Sequence[str] = ()
    ) -> Iterator[list[dict[str, Any]]]:
        """Events after the named one, oldest first, in batches. Raises: NotFound if it is too old.

        The cursor is an event of these types, such as the last one from here. Without a
        cursor only the newest batch is returned, because there is no place to continue from.
        """
        return read_events_since(self._http, cursor, types)

    # --- What is sold ---------------------------------------------------------------------------

    def product(self, product_id: str, *, features: bool = False) -> Product:
        """A product as it is now. `features`: and which of them it carries, a request more."""
        return catalogue.one_product(self._http, product_id, features=features)

    def price(self, price_id: str) -> Price:
        """A price as it is now."""
        return catalogue.one_price(self._http, price_id)

    def say(self, thing: Product | Price, words: Mapping[str, str]) -> Product | Price:
        """Write into the metadata of a product or price; an empty value removes a key."""
        return catalogue.say(self._http, thing, words)

    def features(self) -> tuple[Feature, ...]:
        """All features of Stripe's Entitlements, archived ones included."""
        return catalogue.all_features(self._http)

    def catalogue(self, *, features: bool = False) -> Iterator[tuple[list[Product], list[Price]]]:
        """All products, then all prices, page by page, archived ones included.

        `features`: with each product's features, which is a request for each product.
        """
        return catalogue.everything(self._http, features=features)

    # --- Buying ---------------------------------------------------------------------------------

    def create_customer(self, user_id: int, reference: str, idempotency_key: str) -> Customer:
        """A new customer, linked from the start; Stripe asks for the e-mail address itself."""
        params = {"metadata": buyer_metadata(user_id, reference)}
        return read_customer(self._http.post("/v1/customers", params, idempotency_key))

    def create_checkout(self, request: CheckoutRequest, idempotency_key: str) -> CheckoutLink:
        """A page of Stripe's to pay this order."""
        params = checkout_params(request)
        raw = self._http.post("/v1/checkout/sessions", params, idempotency_key)
        with reading("the new checkout"):
            return CheckoutLink(raw["id"], raw["url"])

    def checkout_session(self, session_id: str) -> CheckoutState:
        """The state of an order."""
        with reading(session_id):
            raw = self._http.get(
                path("/v1/checkout/sessions/{}", session_id), expand=list(PAID_WITH)
            )
            return read_checkout(raw)

    def order(self, session_id: str) -> Order:
        """An order that may have been made without the bridge, and whether it counts."""
        return read_order(self._http, session_id)

    def payment_link(self, link_id: str) -> PaymentLink:
        """A payment link that was made in the dashboard."""
        return read_payment_link(self._http, link_id)

    def expire_checkout(self, session_id: str) -> None:
        """Close the page of an order. Raises: Permanent where it is paid or closed already."""
        self._http.post(path("/v1/checkout/sessions/{}/expire", session_id), {})

    def portal(self, customer_id: str, return_url: str, flow: Flow | None = None) -> str:
        """An address, valid for minutes, where this customer manages cards and subscriptions.

        Raises: Permanent if the portal's settings do not allow the flow.
        """
        return portal.open_portal(self._http, customer_id, return_url, flow)

    def cancel_terms(self) -> CancelTerms:
        """Whether and when a cancellation on Stripe's page takes effect."""
        return portal.read_cancel_terms(self._http)

    def cancel_at_period_end(self, subscription_id: str) -> None:
        """Cancel it at the end of the paid period."""
        portal.cancel_at_period_end(self._http, subscription_id)

    def keep(self, subscription_id: str, *, is_by_period: bool) -> None:
        """Reverse its cancellation."""
        portal.keep(self._http, subscription_id, is_by_period=is_by_period)

    def invoice_page(self, invoice_id: str) -> str | None:
        """Stripe's page where an open invoice is paid; None if nothing is open on it."""
        return portal.invoice_page(self._http, invoice_id)

    # --- Changing what runs ---------------------------------------------------------------------

    def portal_terms(self) -> PortalTerms | None:
        """The changes that Stripe's page allows members, and how it bills them; None if none."""
        return changes.read_portal_terms(self._http)

    def preview_change(self, switch: Switch, terms: PortalTerms = AT_ONCE) -> Preview:
        """The cost of a change; asking changes nothing."""
        return changes.read_preview(self._http, switch, terms)

    def preview_resumed(self, subscription: Subscription) -> Preview:
        """The next charge once it resumes; asking changes nothing."""
        return changes.read_resumed(self._http, subscription)

    def portal_to_change(self, switch: Switch, *, back: str, done: str) -> str:
        """Stripe's page where the customer confirms this one change, and pays.

        Raises: Permanent where the portal's settings do not allow it.
        """
        return changes.portal_to_change(self._http, switch, back=back, done=done)

    def change(self, move: Move, idempotency_key: str) -> Changed:
        """Change a subscription now; without payment nothing changes."""
        return changes.change(self._http, move, idempotency_key)

    def end(self, ending: Ending) -> None:
        """End a replaced subscription."""
        changes.end(self._http, ending)

    def pause_collection(self, subscription_id: str, until_at: datetime | None) -> None:
        """Pause its payments until then, or until somebody resumes them."""
        changes.pause_collection(self._http, subscription_id, until_at)

    def go_on_collecting(self, subscription_id: str) -> None:
        """Resume its payments."""
        changes.go_on_collecting(self._http, subscription_id)

    def resume(self, subscription_id: str, idempotency_key: str) -> None:
        """Begin a new period of one with the status paused, and charge for it."""
        changes.resume(self._http, subscription_id, idempotency_key)

    def call_off(self, subscription_id: str) -> None:
        """Call off the change that its schedule has planned."""
        changes.call_off(self._http, subscription_id)

    # --- Money back -----------------------------------------------------------------------------

    def may_refund(self) -> bool:
        """Whether the key may refund. A yes is remembered in this process."""
        self._may_refund = self._may_refund or refunds.may_refund(self._http)
        return self._may_refund

    def refundable(self, payment_id: str) -> Refundable:
        """The refundable parts of a payment. Raises: NotFound, Permanent."""
        return refunds.read_refundable(self._http, payment_id)

    def after_refund(
        self, customer_id: str, asked: Asked, at: datetime
    ) -> tuple[tuple[Subscription, ...], tuple[Purchase, ...]]:
        """A customer's data after a refund; asking refunds nothing."""
        http = refunds.after_refund(self._http, asked, at)
        if is_guest(customer_id):
            return (), read_guests_order(http, customer_id).purchases
        found = read_customer_now(http, customer_id, payments=True, means=False)
        return found.subscriptions, read_orders(http, customer_id).purchases

    def refund(self, asked: Asked, idempotency_key: str) -> str:
        """Refund it; returns the refund's id. With the same key it is refunded once."""
        return refunds.refund(self._http, asked, idempotency_key)

    # --- The account ----------------------------------------------------------------------------

    def book_page(
        self, source: str, after: str | None, whose: books.Whose | None = None
    ) -> BookPage:
        """A page of objects that move money on the account; `source` is one of `books.SOURCES`.

        `whose`: ask only for the credit of customers with these balances; None: of all.
        """
        return read_page(self._http, source, after, whose)

    def moves_behind(self, to_read: ToRead) -> list[MoneyObject]:
        """Payouts, credit notes and credit that events named; deleted objects are left out."""
        return books.read_told(self._http, to_read)

    def what_is_missing(self, found: Missing) -> list[MoneyObject]:
        """The invoices and orders of charges, and the credit notes behind refunds."""
        return books.read_missing(self._http, found)

    def balance(self) -> dict[str, int]:
        """The Stripe account's balance by currency: available and pending."""
        return account.read_balance(self._http)

    def webhook_endpoints(self) -> list[WebhookEndpoint]:
        """The webhook endpoints of this account."""
        return account.read_webhook_endpoints(self._http)

    def probe_scopes(self, *, features: bool = False, refunds: bool = False) -> list[Check]:
        """The key's rights, found out without changing anything."""
        return probe_scopes(self._http, features=features, refunds=refunds)
