"""The mapping changed by a moderator: seen before, saved at Stripe, followed, undone."""

from __future__ import annotations

import html
import re
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from bridge.answers.mapping import mapping as the_mapping
from bridge.answers.simulator import simulate
from bridge.core.model.actor import moderator
from bridge.errors import Forbidden, NotFound, Permanent
from bridge.operations import undoing
from bridge.operations.mapping import MOST_PEOPLE, preview_mapping, propose, set_mapping
from bridge.sandbox.stripe import fail_payments, restrict
from bridge.store import changes, registers
from tests.harness import DAY, System, system
from tests.system.acts import account, confirm, console_of
from tests.system.dying import Killed, Moment, dying
from tests.system.test_gifts import give
from tests.system.typing_commands import asked, typed

MIA = moderator(7, "console")


@pytest.fixture
def world(tmp_path: Path) -> Iterator[System]:
    with system(tmp_path, per_minute=500) as it:
        it.group("patrons")
        yield it


def product_of(world: System, price: str) -> str:
    return str(world.sdk.v1.prices.retrieve(price).product)


def metadata_of(world: System, kind: str, thing: str) -> dict[str, str]:
    found = account(world).get(kind, thing)
    assert found
    metadata: dict[str, str] = found["metadata"]
    return metadata


def said(world: System, product: str) -> dict[str, str]:
    return metadata_of(world, "product", product)


def told(world: System, product: str, key: str, value: str) -> set[tuple[str, str, str]]:
    names = {user_id: name for name, user_id in world.users.items()}
    proposed = propose(world.bridge, product, key, value)
    found = preview_mapping(world.bridge, proposed)
    return {(names[one.user_id], one.turn, one.group) for one in found}


def save(world: System, product: str, key: str, value: str) -> None:
    proposed = propose(world.bridge, product, key, value)
    set_mapping(world.bridge, MIA, proposed, reason="Decided at the meeting")


def test_A33_a_changed_mapping_is_shown_before_saved_at_stripe_followed_and_undone(
    world: System,
) -> None:
    price = world.price("supporters")
    product = product_of(world, price)
    world.subscribe(world.customer("alice"), price)
    give(world, world.customer("bob"), price, "carol")
    world.subscribe(world.customer("dora"), world.price("readers"))
    confirm(world)
    moved = {
        (name, turn, group)
        for name in ("alice", "carol")
        for turn, group in (("loses", "supporters"), ("gains", "patrons"))
    }
    assert told(world, product, "groups", "patrons") == moved
    assert said(world, product)["discourse_groups"] == "supporters", "nothing was written"
    save(world, product, "groups", "patrons")
    assert said(world, product)["discourse_groups"] == "patrons"
    confirm(world)
    assert (world.members("patrons"), world.members("supporters")) == ({"alice", "carol"}, set())
    with world.bridge.store.read() as connection:
        (line,) = changes.page(connection, action="mapping_changed")
    assert (line.cause, line.outcome) == ("moderator:7 via console", "Decided at the meeting")
    detail = undoing.reverse_of(world.bridge, line.id).change.detail
    assert detail == {
        "about": product,
        "thing": product,
        "name": "Membership supporters",
        "key": "groups",
        "before": "supporters",
        "after": "patrons",
    }
    back = undoing.reverse_of(world.bridge, line.id)
    assert {one.turn for one in back.preview()} == {"gains", "loses"}
    back.do(MIA, None)
    confirm(world)
    assert (world.members("patrons"), world.members("supporters")) == (set(), {"alice", "carol"})
    with pytest.raises(Permanent, match="already"):
        undoing.reverse_of(world.bridge, line.id)


def waiting(world: System, product: str, key: str, value: str) -> set[tuple[str, str, str | None]]:
    names = {user_id: name for name, user_id in world.users.items()}
    found = preview_mapping(world.bridge, propose(world.bridge, product, key, value))
    return {(names[one.user_id], one.turn, one.hold) for one in found}


def test_A33_A62_a_preview_of_approval_names_those_it_makes_applicants_and_their_way_back(
    world: System,
) -> None:
    price = world.price("supporters")
    product = product_of(world, price)
    world.subscribe(world.customer("alice"), price)
    give(world, world.customer("bob"), price, "carol")
    confirm(world)
    began, later = "2020-01-01", f"{world.bridge.clock.now() + timedelta(days=9):%Y-%m-%d}"
    assert waiting(world, product, "approval", later) == set(), "they are members already"
    applicants = {(name, "stays in", "approval_waits") for name in ("alice", "carol")}
    assert waiting(world, product, "approval", began) == applicants
    client = console_of(world)
    fields = {
        "price": price,
        "key": "approval",
        "thing": product,
        "value": began,
        "reason": "The board admits members from now on",
    }
    preview = client.post("/moderate/act/map", data=fields)
    assert preview.text.count("Becomes an applicant: nothing changes until a moderator") == 2
    assert "alice" in preview.text
    assert "carol" in preview.text
    assert "Type “hold 2” to confirm" in preview.text
    words = ("mapping", "set", product, "approval", began, "--by", "mia", "--preview")
    assert "Becomes an applicant" in typed(world, *words)
    save(world, product, "approval", began)
    confirm(world)
    assert world.members("supporters") == {"alice", "carol"}
    with world.bridge.store.read() as connection:
        listed = registers.applicants(connection, "application", None, 9)
    assert {one.user_id for one in listed} == {world.user("alice"), world.user("carol")}
    back = {(name, "stays in", None) for name in ("alice", "carol")}
    assert waiting(world, product, "approval", "") == back, "they no longer wait"


def test_A33_A62_an_applicant_whose_groups_stay_as_they_are_is_named_too(
    world: System,
) -> None:
    """A lower step of a ladder gives nothing beside the higher one, and is an application still."""
    low = world.price("supporters", discourse_ladder="members", discourse_rank="1")
    high = world.price("patrons", discourse_ladder="members", discourse_rank="2")
    customer = world.customer("alice")
    world.subscribe(customer, low)
    world.subscribe(customer, high)
    confirm(world)
    assert world.members("patrons") == {"alice"}
    found = waiting(world, product_of(world, low), "approval", "2020-01-01")
    assert found == {("alice", "stays out", "approval_waits")}


def test_A33_a_preview_names_those_whose_membership_would_wait_for_a_decision(
    world: System,
) -> None:
    price = world.price("supporters")
    product = product_of(world, price)
    world.subscribe(world.customer("alice"), price)
    confirm(world)
    assert waiting(world, product, "groups", "") == {("alice", "stays in", "no_rule")}


def test_A33_a_key_that_nobody_said_is_said_and_unsaid_again(world: System) -> None:
    price = world.price("supporters")
    product = product_of(world, price)
    world.settle()
    save(world, product, "grace", "30d")
    assert said(world, product)["discourse_grace"] == "30d"
    save(world, product, "grace", "")
    assert "discourse_grace" not in said(world, product)
    save(world, price, "discourse_grace", "1d")
    assert metadata_of(world, "price", price) == {"discourse_grace": "1d"}
    assert propose(world.bridge, product, "grace", "3d").differing == (price,)


def test_A33_what_moved_since_it_was_looked_at_is_not_saved(world: System) -> None:
    product = product_of(world, world.price("supporters"))
    world.settle()
    at_stripe = propose(world.bridge, product, "grace", "30d")
    world.sdk.v1.products.update(product, {"metadata": {"note": "of the treasurer"}})
    with pytest.raises(Permanent, match="changed since you looked"):
        set_mapping(world.bridge, MIA, at_stripe, reason="x")
    world.settle()
    elsewhere = propose(world.bridge, product, "grace", "30d")
    world.price("readers")
    world.settle()
    with pytest.raises(Permanent, match="changed since you looked"):
        set_mapping(world.bridge, MIA, elsewhere, reason="x")
    one, other = (propose(world.bridge, product, "grace", days) for days in ("10d", "20d"))
    set_mapping(world.bridge, MIA, one, reason="first")
    with pytest.raises(Permanent, match="changed since you looked"):
        set_mapping(world.bridge, MIA, other, reason="second")
    assert said(world, product)["discourse_grace"] == "10d"


REFUSED = (
    ("groups", "nowhere", r"correct the name \(M101, product prod_\w+\)$"),
    ("groups", "nowhere", "nowhere"),
    ("groups", "admins", "automatic"),
    ("groups", "supporters", "already"),
    ("grace", "", "already"),
    ("grace", "soon", "it takes"),
)


def test_A33_what_would_halt_a_rule_or_changes_nothing_is_refused(world: System) -> None:
    product = product_of(world, world.price("supporters"))
    world.settle()
    before = dict(said(world, product))
    for key, value, says in REFUSED:
        with pytest.raises(Permanent, match=says):
            propose(world.bridge, product, key, value)
    for nothing in ("cus_1", "prod_unknown", "price_unknown"):
        with pytest.raises(NotFound):
            propose(world.bridge, nothing, "grace", "1d")
    assert said(world, product) == before


def test_A33_without_the_right_at_stripe_nothing_is_saved_and_the_right_is_named(
    world: System,
) -> None:
    product = product_of(world, world.price("supporters"))
    world.settle()
    proposed = propose(world.bridge, product, "grace", "30d")
    restrict(
        world.sandbox.world, {"products:read", "prices:read"}, world.sandbox.info["stripe_key"]
    )
    with pytest.raises(Forbidden, match="product"):
        set_mapping(world.bridge, MIA, proposed, reason="x")
    with world.bridge.store.read() as connection:
        assert changes.page(connection, action="mapping_changed") == []


def die_saving(world: System, product: str, step: int) -> None:
    """A process that dies at this step of saving a value."""
    proposed = propose(world.bridge, product, "grace", "30d")
    with pytest.raises(Killed):
        set_mapping(dying(world.bridge, Moment(step)), MIA, proposed, reason="Agreed")


def test_A33_a_change_is_saved_and_logged_once_wherever_its_process_dies(world: System) -> None:
    """What somebody else wrote into the metadata meanwhile is not overwritten, and logged."""
    steps = range(1, 9)
    products = {n: product_of(world, world.price(f"group{n}")) for n in steps}
    other = product_of(world, world.price("other"))
    world.settle()
    for number, product in products.items():
        die_saving(world, product, number)
    die_saving(world, other, 2)
    world.sdk.v1.products.update(other, {"metadata": {"discourse_grace": "5d"}})
    world.settle()
    world.advance(130)
    world.settle()
    with world.bridge.store.read() as connection:
        lines = changes.page(connection, action="mapping_changed")
        (refused,) = changes.page(connection, action="mapping_changed_refused")
    logged = [(one.detail or {})["thing"] for one in lines]
    assert {one.outcome for one in lines} == {"Agreed"}
    assert (refused.detail or {})["why"] == f"grace of {other} is 5d by now"
    for number, product in products.items():
        is_so = said(world, product).get("discourse_grace") == "30d"
        assert is_so is (number > 1), number
        assert logged.count(product) == is_so, number


def test_A33_whom_it_would_have_treated_differently_is_told_from_the_record(
    world: System,
) -> None:
    account(world).settings.dunning_end = "past_due"
    price = world.price("supporters", interval="week")
    product = product_of(world, price)
    customer = world.customer("alice")
    world.subscribe(customer, price)
    began = world.bridge.clock.now()
    world.settle()
    fail_payments(world.sandbox.world, customer, times=9)
    for days in (7.1, 4):  # the notice of a failed payment takes two
        world.advance(days * DAY)
        world.settle()
    proposed = propose(world.bridge, product, "grace", "0d")
    found = simulate(world.bridge, proposed.proposal, began, proposed.user_ids).treated
    assert [(one.user_id, one.change, one.now.reason) for one in found] == [
        (world.user("alice"), "out", "grace")
    ]
    assert told(world, product, "grace", "0d") == {("alice", "loses", "supporters")}


def test_A33_more_people_than_a_page_can_look_at_are_left_to_the_command(world: System) -> None:
    product = product_of(world, world.price("supporters"))
    world.settle()
    proposed = propose(world.bridge, product, "grace", "30d")
    many = replace(proposed, user_ids=tuple(range(1, MOST_PEOPLE + 2)))
    with pytest.raises(Permanent, match="more than are checked here"):
        preview_mapping(world.bridge, many)


# --- in the browser and by command --------------------------------------------------------------


def test_A33_A36_the_mapping_is_changed_in_the_console_after_it_was_reviewed_and_typed(
    world: System,
) -> None:
    price = world.price("supporters")
    product = product_of(world, price)
    world.subscribe(world.customer("alice"), price)
    confirm(world)
    client = console_of(world)
    page = client.get("/moderate/mapping")
    (link,) = re.findall(r'href="([^"]*name=)?(/moderate/act/map[^"]*key=groups[^"]*)"', page.text)
    form = client.get(html.unescape(link[1]))
    assert "at every price" in form.text
    assert "patrons, supporters" in form.text
    fields = {
        "price": price,
        "key": "groups",
        "thing": product,
        "value": "patrons",
        "since": f"{world.bridge.clock.now():%Y-%m-%d}",
        "reason": "Decided at the meeting",
    }
    preview = client.post("/moderate/act/map", data=fields)
    assert "Loses" in preview.text
    assert f"groups = supporters (product {product})" in html.unescape(preview.text)
    assert "If it had applied since" in preview.text
    assert "1 person would have been treated differently" in preview.text
    (reviewed,) = re.findall(r'name="reviewed" value="(\w+)"', preview.text)
    again = {**fields, "reviewed": reviewed}
    assert client.post("/moderate/act/map", data=again).status_code == 400, "not typed"
    world.sdk.v1.products.update(product, {"metadata": {"discourse_rank": "3"}})
    moved = client.post("/moderate/act/map", data={**again, "typed": "remove 1"})
    assert "Something has changed since you looked" in moved.text
    assert said(world, product)["discourse_groups"] == "supporters"
    (reviewed,) = re.findall(r'name="reviewed" value="(\w+)"', moved.text)
    sure = {**fields, "reviewed": reviewed, "typed": "remove 1"}
    assert client.post("/moderate/act/map", data=sure).location == "/moderate/mapping"
    assert said(world, product)["discourse_groups"] == "patrons"
    confirm(world)
    assert world.members("patrons") == {"alice"}
    assert "Saved at Stripe" in client.get("/moderate/mapping").text


def test_A82_the_page_makes_links_that_lead_back_to_a_post(world: System) -> None:
    product = world.sdk.v1.products.create(
        {"name": "Friends [of] _ours_", "metadata": {"discourse_groups": "patrons"}}
    )
    price = world.sdk.v1.prices.create(
        {"product": product.id, "currency": "eur", "unit_amount": 500, "lookup_key": "friends"}
    )
    world.settle()
    client = console_of(world)
    post = f"{world.bridge.settings.discourse_url}/t/become-a-member/12/1"
    page = html.unescape(client.get("/moderate/mapping", query_string={"post": post}).text)
    link = f"{world.bridge.settings.bridge_url}/join/friends?from=http"
    assert link in page
    assert "%2Ft%2Fbecome-a-member%2F12%2F1" in page
    (snippet,) = re.findall(r'value="(\[Friends.*?)">', page)
    assert "\\[" in snippet
    assert snippet.endswith("%2F1)")
    wrong = client.get("/moderate/mapping", query_string={"post": "https://evil.example/t/1"})
    assert "not an address of the forum" in wrong.text
    assert "join/friends?from" not in wrong.text
    assert price.id in wrong.text


def test_A33_prices_off_sale_are_shown_while_their_mapping_counts(world: System) -> None:
    price = world.price("supporters")
    world.settle()
    world.sdk.v1.products.update(product_of(world, price), {"active": False})
    world.settle()
    (one,) = [one for one in the_mapping(world.bridge).prices if one.price_id == price]
    assert (one.on_sale, one.groups) == (False, ("supporters",))
    assert "No longer on sale" in console_of(world).get("/moderate/mapping").text


def test_A33_the_mapping_is_listed_and_changed_by_command(world: System) -> None:
    price = world.price("supporters")
    product = product_of(world, price)
    world.subscribe(world.customer("alice"), price)
    confirm(world)
    assert "supporters" in typed(world, "mapping")
    (row,) = [one for one in asked(world, "mapping")["prices"] if one["price_id"] == price]
    assert row["said"] == [
        {"key": "groups", "value": "supporters", "said_in": f"product {product}"}
    ]
    words = ("mapping", "set", product, "groups", "patrons", "--reason", "New", "--by", "mia")
    shown = typed(world, *words, "--preview", "--since", f"{world.bridge.clock.now():%Y-%m-%d}")
    assert "gains patrons" in shown
    assert "groups = supporters becomes patrons" in shown
    assert said(world, product)["discourse_groups"] == "supporters"
    answer = asked(world, *words)
    assert answer["before"] == "supporters"
    confirm(world)
    assert world.members("patrons") == {"alice"}
    with world.bridge.store.read() as connection:
        (line,) = changes.page(connection, action="mapping_changed")
    assert (line.cause or "").endswith("via command")
    typed(world, "undo", str(line.id), "--by", "mia", "--yes")
    confirm(world)
    assert world.members("supporters") == {"alice"}
