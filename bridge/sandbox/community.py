"""A demo community: a makerspace's forum, and what it sells on Stripe.

The forum is filled directly, Stripe through its own HTTP interface.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import requests

from bridge.sandbox.discourse.call import Call
from bridge.sandbox.discourse.membership import make_owner
from bridge.sandbox.discourse.people import add_group, add_user
from bridge.sandbox.discourse.posts import add_post
from bridge.sandbox.discourse.state import Forum, Topic
from bridge.sandbox.run import Sandbox

TITLE = "Kiln & Lathe"
DESCRIPTION = "The forum of a makerspace: two floors, one kiln, far too many clamps."
BOT = "membership_bot"

# username, name, moderator
PEOPLE = (
    ("ada", "Ada Brandt", False),
    ("bruno", "Bruno Keller", False),
    ("chiara", "Chiara Rossi", False),
    ("dmitri", "Dmitri Orlov", False),
    ("esther", "Esther Okafor", False),
    ("felix", "Felix Maurer", False),
    ("greta", "Greta Lindqvist", False),
    ("hugo", "Hugo Martin", False),
    ("mona", "Mona Weiss", True),
)
# name, full name, what is said about it
GROUPS = (
    ("supporters", "Supporters", "Keep the lights on."),
    ("patrons", "Patrons", "Keep the kiln warm."),
    ("lab-access", "Lab access", "May use the machines on the upper floor."),
)


@dataclass(frozen=True, slots=True)
class Offer:
    """A product with its prices, and the groups that it gives."""

    name: str
    description: str
    groups: str
    prices: tuple[tuple[str, int, str | None], ...]  # lookup key, cents, interval or once
    ladder: str = ""
    rank: int = 0
    term: str = ""


OFFERS = (
    Offer(
        "Supporter",
        "Support the space, and read the supporters' corner.",
        "supporters",
        (("supporter-monthly", 500, "month"), ("supporter-yearly", 5000, "year")),
        "standing",
        1,
    ),
    Offer(
        "Patron",
        "Your name on the wall, the patrons' corner, and first pick of the kiln.",
        # Not the supporters' group, too: on this ladder an upgrade swaps groups without a gap.
        "patrons",
        (("patron-monthly", 1500, "month"), ("patron-yearly", 15000, "year")),
        "standing",
        2,
    ),
    Offer(
        "Lab pass",
        "A year at the laser cutter and the lathe upstairs.",
        "lab-access",
        (("lab-pass", 6000, None),),
        term="1y",
    ),
)

WELCOME = """Welcome to {title}! The space is open from Tuesday to Saturday, ten to ten.

Say hello below, and tell us what you are making. If you want to stay, [become a member]({join}).
"""

BECOME_A_MEMBER = """The people who use the space pay its rent. Join as a supporter, or as a patron:

| | each month | each year |
|---|---:|---:|
| **Supporter** | [€5.00]({join}/supporter-monthly) | [€50.00]({join}/supporter-yearly) |
| **Patron** | [€15.00]({join}/patron-monthly) | [€150.00]({join}/patron-yearly) |

To use the machines upstairs, get a **lab pass**: €60.00 for a year, member or not.

{join}/lab-pass

Supporters meet in the supporters' corner, patrons in their own, and patrons choose their kiln slots
first. If you move from one to the other, you change corners at once.

You can stop at any time. You keep what you have paid for until it ends.

[details="What happens with the money?"]
Two thirds are rent, the rest is blades, glaze and electricity. Each member sees every payment of
their own, and what it was for, in their statement.
[/details]
"""

KILN = """The big kiln is back, thanks to @hugo and a weekend of swearing.

Patrons pick their slots first, everybody else from Thursday on.
"""


def open_community(sandbox: Sandbox, bridge_url: str = "http://localhost:8000") -> dict[str, Any]:
    """Fill both servers; returns the prices by lookup key."""
    with sandbox.world.lock:
        _fill_forum(sandbox, bridge_url.rstrip("/"))
    return _fill_stripe(sandbox)


def _fill_forum(sandbox: Sandbox, bridge_url: str) -> None:
    forum, now = sandbox.forum, sandbox.world.clock.now()
    forum.settings |= {"title": TITLE, "site_description": DESCRIPTION}
    for username, name, moderator in PEOPLE:
        add_user(
            forum,
            username,
            f"{username}@example.com",
            now,
            name=name,
            moderator=moderator,
            trust_level=1,
            password="correct-horse-battery-staple",  # noqa: S106 - nobody real
        )
    add_user(forum, BOT, f"{BOT}@example.com", now, name="Membership", admin=True, trust_level=4)
    for name, full_name, bio in GROUPS:
        group = add_group(forum, name, now, full_name=full_name, bio_raw=bio)
        if name == "lab-access":
            # Not by the administrator, who may be the bridge's own user here: the bridge would find
            # additions in the log that it does not know.
            mona = forum.users[forum.user_id_by_name["mona"]]
            make_owner(forum, group, mona, mona, now)
    forum.groups[forum.group_id_by_name["patrons"]].title = "Patron"
    offers = BECOME_A_MEMBER.format(join=f"{bridge_url}/join")
    joining = _write(sandbox, "siteadmin", "Become a member", offers)
    join = f"{forum.path}/t/become-a-member/{joining.id}"
    _write(sandbox, "hugo", "The kiln is back", KILN)
    _write(sandbox, "mona", f"Welcome to {TITLE}", WELCOME.format(title=TITLE, join=join))


def _write(sandbox: Sandbox, author: str, title: str, raw: str) -> Topic:
    """A public topic by one of the people."""
    forum: Forum = sandbox.forum
    now = sandbox.world.clock.now()
    user = forum.users[forum.user_id_by_name[author]]
    topic = Topic(forum.new_id(), title, user.id, now, now, category_id=4)
    forum.topics[topic.id] = topic
    add_post(Call(sandbox.world, forum, now, {}), topic, user, raw.strip())
    return topic


def _fill_stripe(sandbox: Sandbox) -> dict[str, Any]:
    """Create products and prices, each with its groups in its metadata."""
    prices: dict[str, Any] = {}
    for offer in OFFERS:
        given = {
            "discourse_groups": offer.groups,
            "discourse_ladder": offer.ladder,
            "discourse_rank": str(offer.rank or ""),
            "discourse_term": offer.term,
        }
        metadata = {f"metadata[{k}]": v for k, v in given.items() if v}
        head = {"name": offer.name, "description": offer.description}
        product = _call(sandbox, "POST", "/v1/products", {**head, **metadata})
        for lookup_key, cents, interval in offer.prices:
            terms = {"recurring[interval]": interval} if interval else {}
            price = {
                "product": product["id"],
                "currency": "eur",
                "unit_amount": str(cents),
                "lookup_key": lookup_key,
                **terms,
            }
            prices[lookup_key] = _call(sandbox, "POST", "/v1/prices", price)
    _bill_changes_at_once(sandbox)
    return prices


def _bill_changes_at_once(sandbox: Sandbox) -> None:
    """Set up Stripe's portal as the doctor advises: upgrades are billed immediately."""
    path = "/v1/billing_portal/configurations"
    (portal,) = _call(sandbox, "GET", path, {"is_default": "true"})["data"]
    behavior = "features[subscription_update][proration_behavior]"
    _call(sandbox, "POST", f"{path}/{portal['id']}", {behavior: "always_invoice"})


def _call(sandbox: Sandbox, method: str, path: str, given: dict[str, str]) -> dict[str, Any]:
    answer = requests.request(
        method,
        sandbox.stripe.url + path,
        params=given if method == "GET" else None,
        data=None if method == "GET" else given,
        headers={"Authorization": f"Bearer {sandbox.info['stripe_key']}"},
        timeout=10,
    )
    answer.raise_for_status()
    found: dict[str, Any] = answer.json()
    return found
