"""Why a card was declined, in words that a member can act on."""

from __future__ import annotations

from bridge.texts import gettext

# The codes that Stripe documents and members meet; any other has Stripe's own message.
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
    "incorrect_number": gettext("The card's number is wrong."),
    "incorrect_cvc": gettext("The card's security code is wrong."),
    "currency_not_supported": gettext("The card cannot pay in this currency."),
    "processing_error": gettext("The bank could not process the payment."),
    "generic_decline": gettext("The bank declined the payment and gave no reason."),
    "do_not_honor": gettext("The bank declined the payment and gave no reason."),
    "transaction_not_allowed": gettext("The card does not allow this kind of payment."),
}


def decline_words(code: str | None, message: str | None) -> str:
    """Why a payment was declined; Stripe's own message where the code is another one."""
    return _WORDS.get(code or "") or message or gettext("Stripe gives no reason.")
