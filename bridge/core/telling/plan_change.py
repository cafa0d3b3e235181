"""What a moderator's change of plan brings, in words: what is collected or credited, and when."""

from __future__ import annotations

from bridge.core.ledger.amounts import format_minor
from bridge.core.rights.switch_costs import AT_ONCE, Preview
from bridge.core.rights.switching import Switch, billed
from bridge.core.telling.words import LOCALE, day_words, price_words
from bridge.texts import gettext


def what_follows(switch: Switch, preview: Preview) -> str:
    """What happens now, and what is paid from when on."""
    return f"{_now(switch, preview)} {_later(switch)}"


def amounts(switch: Switch, preview: Preview) -> dict[str, str]:
    """Stripe's amounts by what each is."""

    def money(amount_minor: int) -> str:
        return format_minor(amount_minor, preview.currency)

    due = money(preview.due_minor)
    is_now = billed(switch, AT_ONCE) == "now"
    from_credit, total = preview.from_credit_minor, preview.total_minor
    known = {
        gettext("Due now") if is_now else gettext("Next payment"): due,
        gettext("From their credit"): money(from_credit) if from_credit else "",
        gettext("Credited"): money(-total) if total < 0 else "",
    }
    return {what: amount for what, amount in known.items() if amount}


def _now(switch: Switch, preview: Preview) -> str:
    if billed(switch, AT_ONCE) != "now":
        return gettext("The plan changes at once. Nothing is due during the trial.")
    if preview.total_minor < 0:
        credit = format_minor(-preview.total_minor, preview.currency)
        return gettext(
            "The plan changes at once. Stripe credits %(amount)s to the next payments; nothing is "
            "paid out."
        ) % {"amount": credit}
    if preview.due_minor > 0:
        due = format_minor(preview.due_minor, preview.currency)
        return gettext(
            "Stripe collects %(amount)s at once. If that payment fails, nothing changes until it "
            "is paid."
        ) % {"amount": due}
    return gettext("The plan changes at once. Nothing is due now.")


def _later(switch: Switch) -> str:
    price = price_words(switch.target, LOCALE)
    if switch.item.quantity > 1:
        price = gettext("%(count)d times %(price)s") % {
            "count": switch.item.quantity,
            "price": price,
        }
    trial_ends_at = switch.subscription.trial_end_at
    if switch.subscription.status == "trialing" and trial_ends_at:
        day = day_words(trial_ends_at)
        return gettext("From %(day)s, %(price)s.") % {"day": day, "price": price}
    if switch.is_new_period:
        return gettext("A new period begins now: %(price)s.") % {"price": price}
    day = day_words(switch.item.period_end_at)
    return gettext("From the renewal on %(day)s, %(price)s.") % {"day": day, "price": price}
