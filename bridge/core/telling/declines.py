"""Why a card was declined or a payment disputed, in words that people can act on."""

from __future__ import annotations

from bridge.texts import gettext

# The codes that Stripe documents and members see. All others have Stripe's own message.
# Source: https://docs.stripe.com/declines/codes
_WORDS = {
    "insufficient_funds": gettext("The account has too little money."),
    "expired_card": gettext("The card has expired."),
    "authentication_required": gettext("The bank wants the member to confirm the payment."),
    "card_velocity_exceeded": gettext("The card has reached its limit."),
    "withdrawal_count_limit_exceeded": gettext("The card has reached its limit."),
    "lost_card": gettext("The bank has blocked the card."),
    "stolen_card": gettext("The bank has blocked the card."),
    "pickup_card": gettext("The bank has blocked the card."),
    "incorrect_number": gettext("The card’s number is wrong."),
    "incorrect_cvc": gettext("The card’s security code is wrong."),
    "currency_not_supported": gettext("The card cannot pay in this currency."),
    "processing_error": gettext("The bank could not process the payment."),
    "generic_decline": gettext("The bank declined the payment and gave no reason."),
    "do_not_honor": gettext("The bank declined the payment and gave no reason."),
    "transaction_not_allowed": gettext("The card does not allow this kind of payment."),
}
# Source: https://docs.stripe.com/disputes/categories
_DISPUTES = {
    "bank_cannot_process": gettext("The bank could not process the payment."),
    "check_returned": gettext("The cheque was returned."),
    "credit_not_processed": gettext("A promised refund did not arrive."),
    "customer_initiated": gettext("The member asked their bank for the money back."),
    "debit_not_authorized": gettext("The member says that they did not allow the debit."),
    "duplicate": gettext("The member says that they were charged twice."),
    "fraudulent": gettext("The member says that it was not them."),
    "general": gettext("The bank gives no category."),
    "incorrect_account_details": gettext("The account’s details were wrong."),
    "insufficient_funds": gettext("The account had too little money."),
    "noncompliant": gettext("The bank says that the payment broke a card network’s rules."),
    "product_not_received": gettext("The member says that they did not get what they bought."),
    "product_unacceptable": gettext("The member says that it was not as described."),
    "subscription_canceled": gettext("The member says that they had cancelled."),
    "unrecognized": gettext("The member does not recognise the payment."),
}


def dispute_words(reason: str) -> str:
    """Why a bank wants a payment back; an unknown reason as Stripe names it."""
    named = gettext("The bank’s reason: %(reason)s.") % {"reason": reason.replace("_", " ")}
    return _DISPUTES.get(reason, named)


def decline_words(code: str | None, message: str | None) -> str:
    """Why a payment was declined; for an unknown code, Stripe's own message."""
    return _WORDS.get(code or "") or message or gettext("Stripe gives no reason.")
