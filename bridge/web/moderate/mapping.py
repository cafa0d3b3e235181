"""The mapping: the page that shows it, and the action that changes it."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import UTC, datetime, time

from flask import render_template, request

from bridge.answers.mapping import mapping as the_mapping
from bridge.answers.simulator import simulate
from bridge.core.memberships.effects import Effect
from bridge.core.model.actor import Actor
from bridge.core.model.days import day_of
from bridge.core.model.stripe import Price, Product
from bridge.core.rules.amending import said_there, words_for
from bridge.core.rules.values import KEYS
from bridge.core.telling.settings import RULES
from bridge.core.telling.words import LOCALE, price_words
from bridge.errors import Permanent
from bridge.operations import mapping as operation
from bridge.operations.mapping import Proposed
from bridge.store import catalogue, groups
from bridge.texts import gettext, ngettext
from bridge.web.addresses import forum_address
from bridge.web.context import reader, the_bridge
from bridge.web.limiting import asks_stripe
from bridge.web.moderate.access import actor_of, blueprint, rights
from bridge.web.moderate.act import Act, Form, Ground, Seen, told
from bridge.wiring import Bridge

MOST_TOLD = 20
NOTHING = gettext("nothing")


@blueprint.get("/mapping")
def mapping() -> str:
    """Each price's groups, where they are set, and problems; `post`: where its link will be."""
    post = request.args.get("post", "").strip()
    back = forum_address(post, the_bridge().settings.discourse_url)
    return render_template(
        "moderate/mapping.jinja",
        mapping=the_mapping(the_bridge(), back),
        post=post,
        is_post=back is not None,
        may_change="decide" in rights(),
    )


def _proposed(bridge: Bridge, form: Form) -> Proposed:
    asks_stripe()
    return operation.propose(bridge, form["thing"].strip(), form["key"], form["value"])


def _see(bridge: Bridge, _user_id: int, form: Form) -> Seen:
    """Who gains and loses a group; with the whole metadata, to notice any other change."""
    proposed = _proposed(bridge, form)
    if known := reader():
        operation.refuse_rights(bridge, actor_of(known), proposed)
    effects = operation.preview_mapping(bridge, proposed)
    now = proposed.in_force
    facts = {
        gettext("Holds now"): f"{proposed.amendment.key} = {now.value} ({now.said_in})",
        gettext("New"): f"{proposed.amendment.key} = {proposed.amendment.value or NOTHING}",
        gettext("Set in the metadata of"): proposed.thing.id,
        gettext("Current value"): said_there(proposed.thing) or NOTHING,
        gettext("Has no effect, because this overrides it"): proposed.overruled_by or "",
        gettext("Overridden at these prices"): ", ".join(proposed.differing),
        gettext("Doubtful afterwards"): " ".join(
            f"{one.subject}: {one.message} {one.hint}" for one in proposed.problems
        ),
    }
    past = _past(bridge, proposed, form) if form.get("since", "").strip() else {}
    words = {"key": proposed.amendment.key, "what": operation.name_of(bridge, proposed.thing)}
    return Seen(effects, facts | past, typed=_typed(effects), words=words)


def _typed(effects: Collection[Effect]) -> str | None:
    """The words that confirm it: how many lose a group, and how many then wait for a decision."""
    losing = len({one.user_id for one in effects if one.turn == "loses"})
    held = len({one.user_id for one in effects if one.hold})
    if losing and held:
        return gettext("remove %(losing)d, hold %(held)d") % {"losing": losing, "held": held}
    if losing:
        return gettext("remove %(count)s") % {"count": losing}
    return gettext("hold %(count)s") % {"count": held} if held else None


def _past(bridge: Bridge, proposed: Proposed, form: Form) -> dict[str, str]:
    """Whose time in a group would differ if it had applied since a day."""
    since = datetime.combine(day_of(form["since"].strip()), time.min, tzinfo=UTC)
    found = simulate(bridge, proposed.proposal, since, proposed.user_ids).treated
    told: dict[str, str] = {}
    for one in found[:MOST_TOLD]:
        days = {
            "from_day": f"{one.from_at:%-d %B %Y}",
            "until": f"{one.until_at:%-d %B %Y}" if one.until_at else gettext("today"),
        }
        turn = (
            gettext("in from %(from_day)s until %(until)s")
            if one.change == "in"
            else gettext("out from %(from_day)s until %(until)s")
        )
        whom = f"{one.username or one.user_id}, {one.group}"
        told[whom] = "; ".join(filter(None, (told.get(whom), turn % days)))
    count = gettext("If it had applied since %(day)s") % {"day": f"{since:%-d %B %Y}"}
    people = len({one.user_id for one in found})
    how_many = ngettext(
        "%(num)d person would have been treated differently",
        "%(num)d people would have been treated differently",
        people,
    )
    return {count: how_many % {"num": people}, **told}


def _do(bridge: Bridge, actor: Actor, _user_id: int, form: Form) -> str:
    proposed = _proposed(bridge, form)
    outcome = operation.set_mapping(bridge, actor, proposed, reason=form["reason"])
    saved = gettext("Saved at Stripe: %(key)s of %(thing)s.")
    name = operation.name_of(bridge, proposed.thing)
    return told(outcome, saved % {"key": proposed.amendment.key, "thing": name})


def _ground(bridge: Bridge, _user_id: int, form: Form) -> Ground:
    """Which price, what the key takes, where it can be said, and the words to choose from."""
    key = KEYS.get(form["key"])
    with bridge.store.read() as connection:
        _, prices = catalogue.load_of(connection, [form["price"]])
        products, _ = catalogue.load_of(connection, [one.product_id for one in prices])
        known = groups.load_groups(connection).values()
    if key is None or not prices:
        raise Permanent(gettext("choose a value on the page of the mapping"))
    choices: dict[str, dict[str, str]] = {}
    facts = {gettext("Key"): key.name, gettext("What it means"): RULES[key.name]}
    if products:
        (price,), (product,) = prices, products
        words = price_words(price, LOCALE)
        facts = {gettext("Price"): f"{product.name}, {words}", **facts}
        choices["thing"] = {
            product.id: gettext("%(product)s, at every price") % {"product": product.name},
            price.id: gettext("only at %(price)s") % {"price": words},
        }
    facts[gettext("Takes")] = key.values.replace("`", "")
    facts[gettext("If left empty")] = key.default.replace("`", "")
    if key.name in ("groups", "buyers"):
        names = sorted(one.name for one in known if not one.automatic)
        facts[gettext("Groups of the forum")] = ", ".join(names)
    if accepted := words_for(key):
        choices["value"] = {"": gettext("Say nothing"), **{word: word for word in accepted}}
    return Ground(facts, choices, notes={"value": _stronger(bridge, products, prices, key.name)})


def _stronger(
    bridge: Bridge, products: Sequence[Product], prices: Sequence[Price], key: str
) -> str:
    """Who says the value in force, where that is stronger than Stripe's metadata of the product."""
    found = operation.in_force(bridge, products[0], prices[0], key) if products else None
    if found is None or not found.is_said or found.said_in == f"product {products[0].id}":
        return ""
    words = (
        gettext("%(where)s says %(key)s = %(value)s. It wins over the product.")
        if found.in_metadata
        else gettext("%(where)s says %(key)s = %(value)s. It wins over what Stripe says.")
    )
    return words % {"where": found.said_in, "key": key, "value": found.value}


CHANGE = Act(
    "map",
    gettext("Change the mapping"),
    gettext("Save %(key)s of %(what)s at Stripe"),
    ("price", "key", "thing", "value", "since", "reason"),
    "decide",
    lambda _bridge, _user_id, _form: (),
    _do,
    given=("price", "key"),
    optional=("price", "value", "since"),
    told=("thing", "value", "since"),
    ground=_ground,
    see=_see,
    page="moderate.mapping",
)
