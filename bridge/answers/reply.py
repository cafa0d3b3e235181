"""A moderator's answer to a member, ready to paste, and the links to what is on offer."""

from __future__ import annotations

from dataclasses import dataclass

from bridge.answers.mapping import mapping
from bridge.core.telling.of_member import statement_input
from bridge.core.telling.places import places
from bridge.core.telling.replies import Situation, reply
from bridge.core.telling.subscription_cards import subscription_cards
from bridge.errors import NotFound
from bridge.render import ReplyPages, reply_markdown
from bridge.store import member as members
from bridge.store import users
from bridge.texts import gettext
from bridge.wiring import Bridge


@dataclass(frozen=True, slots=True)
class Offered:
    """Something on offer: what it is called, what it costs, and the link to paste."""

    name: str
    price: str
    link: str


@dataclass(frozen=True, slots=True)
class Answer:
    """The text to paste, the situation that it is about, and what else can be pasted."""

    username: str
    situation: Situation
    text: str
    offers: tuple[Offered, ...]


def answer(bridge: Bridge, user_id: int) -> Answer:
    """What to answer somebody. Raises NotFound for a user the bridge never had to do with."""
    now = bridge.clock.now()
    with bridge.store.read() as connection:
        known = users.known(connection, user_id)
        member = members.load(connection, user_id)
        law = bridge.rulebook.law(connection)
    if known is None or known[0] is None:
        raise NotFound(gettext("the bridge has never seen id:%(user_id)s") % {"user_id": user_id})
    given = statement_input(member, law, bridge.addresses, now)
    found = reply(places(given), subscription_cards(member, law, given, now))
    pages = ReplyPages(bridge.addresses.own_page, bridge.addresses.offers)
    return Answer(
        username=known[0],
        situation=found.situation,
        text=reply_markdown(found, known[0], pages),
        offers=tuple(
            Offered(one.product, one.price, one.link)
            for one in mapping(bridge).prices
            if one.groups and not one.is_halted
        ),
    )
