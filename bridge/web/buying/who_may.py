"""Whether the reader may buy something, by their groups and by their country."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import replace

from flask import request, url_for

from bridge.core.rights.buyers import Whereabouts, allowed_countries, closed_to, sold_elsewhere
from bridge.core.rights.offers import Offer
from bridge.core.rights.orders import paying_of
from bridge.core.rules.paying import country_name, is_country
from bridge.core.telling.words import group_names, listed
from bridge.store import countries, groups, links
from bridge.texts import gettext
from bridge.web.buying.coming import with_origin
from bridge.web.buying.refusing import Refused, Way
from bridge.web.buying.sale import all_offers
from bridge.web.context import Reader, the_bridge

ELSEWHERE = "elsewhere"


def refuse_strangers_to(offers: Sequence[Offer], known: Reader) -> None:
    """End the request if something is sold only to members of groups that the reader is not in."""
    offer = closed_to(offers, known.group_ids)
    if offer is None:
        return
    names = {"product": offer.product.name, "groups": buyers_of([offer])}
    raise Refused(
        gettext("%(product)s is only for members of %(groups)s") % names,
        gettext("If you have just joined the group, check again."),
        [Way(gettext("Check again"), _sign_in_again()), Way(*all_offers())],
    )


def _sign_in_again() -> str:
    return url_for("login.silent", next=with_origin(), again="yes")


def buyers_of(offers: Sequence[Offer]) -> str:
    """The names of the groups whose members may buy these; empty where everybody may."""
    return names_of_groups({id_ for one in offers for id_ in paying_of(one).buyer_ids})


def names_of_groups(ids: Collection[int]) -> str:
    """`Crew`, `Crew and Staff`; empty for no groups."""
    if not ids:
        return ""
    with the_bridge().store.read() as connection:
        found = groups.groups_by_id(connection, ids)
    return group_names([found[id_] for id_ in sorted(found)])


# --- countries -----------------------------------------------------------------------------------


def refuse_who_may_not(offers: Sequence[Offer], known: Reader) -> Whereabouts:
    """The evidence of the reader's country; ends the request if they may not buy these."""
    refuse_strangers_to(offers, known)
    where = whereabouts(known)
    refuse_elsewhere(offers, where)
    return where


def whereabouts(known: Reader) -> Whereabouts:
    """Evidence of the reader's country: their last sale, their connection, what they say."""
    with the_bridge().store.read() as connection:
        theirs = links.customers_of(connection, known.user_id)
        last = countries.latest(connection, theirs) if theirs else None
    return replace(here_and_said(), billing=last)


def here_and_said() -> Whereabouts:
    """This request's evidence of the reader's country."""
    return Whereabouts(ip=_by_header(), said=_said())


def _by_header() -> str | None:
    """The country that the site's own proxy determined, if the policy names its header."""
    header = the_bridge().policy.country_header
    found = request.headers.get(header, "").upper() if header else ""
    return found if is_country(found) else None


def _said() -> str | None:
    said = request.values.get("country", "")
    return said if is_country(said) or said == ELSEWHERE else None


def refuse_elsewhere(offers: Sequence[Offer], where: Whereabouts) -> None:
    """End the request if any evidence names a country to which something is not sold."""
    for country in where.known:
        offer = sold_elsewhere(offers, country)
        if offer is None:
            continue
        names = {"product": offer.product.name, "country": country_name(country)}
        sold_to = gettext("It is sold to people in %(countries)s.") % {
            "countries": countries_of([offer])
        }
        raise Refused(
            gettext("You can’t buy %(product)s in your country") % names,
            f"{sold_to} {_because(where, country) % names}",
        )


def _because(where: Whereabouts, country: str) -> str:
    """Why we think so, and what to do if it is wrong."""
    if country == where.billing:
        return gettext(
            "Your last payment was from %(country)s. If you have moved, write to the moderators."
        )
    if country == where.ip:
        return gettext("You seem to be in %(country)s. If you are travelling, try again at home.")
    if country == ELSEWHERE:
        return gettext("You said that you live elsewhere.")
    return gettext("You said that you live in %(country)s.")


def countries_of(offers: Sequence[Offer]) -> str:
    """The names of the countries to which all of these are sold; empty: to all."""
    allowed = allowed_countries(map(paying_of, offers))
    if allowed is None:
        return ""
    names = sorted(map(country_name, allowed)) or [gettext("no country")]
    return listed(names)


def to_choose_from(offers: Sequence[Offer], where: Whereabouts) -> tuple[tuple[str, str], ...]:
    """The countries to ask for, where nothing says yet where the reader is."""
    allowed = allowed_countries(map(paying_of, offers))
    if allowed is None or where.billing or where.ip:
        return ()
    return by_name(allowed)


def by_name(codes: Collection[str]) -> tuple[tuple[str, str], ...]:
    """Each country with its name, in the order of the names."""
    return tuple(sorted(((code, country_name(code)) for code in codes), key=lambda one: one[1]))
