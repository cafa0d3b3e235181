"""One member's life, told while it happens: each step through the pages that a person would use.

After each step everything is left to settle, and the groups on the forum must be as expected.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

import requests
from rich.console import Console
from rich.markdown import Markdown
from rich.panel import Panel

from bridge.core.telling import statement
from bridge.core.telling.of_member import statement_input
from bridge.core.telling.places import STATE_WORDS
from bridge.core.telling.reasons import sentence
from bridge.demo.browser import Browser, NotOnPage
from bridge.demo.rehearsal import Rehearsal
from bridge.demo.terminal import readable
from bridge.store import member
from bridge.store.statements import due_users

MEMBER = "ada"
SETTLE_SECONDS = 30.0
LOOK_SECONDS = 0.15
HOUR, DAY = 3600, 86_400
# Nothing waits any more when all of these are 0.
WAITING = ("dirty", "inbox_waiting", "adds_waiting", "removals_waiting")
TELLING = ("checkout", "customer.subscription", "invoice.paid", "invoice.payment_failed")


class WentWrong(Exception):
    """A step of the story did not end as it should."""


@dataclass(slots=True)
class Stage:
    """The member's browser, and a view behind the scenes."""

    rehearsal: Rehearsal
    browser: Browser = field(default_factory=Browser)
    user_id: int = 0
    events_told: set[str] = field(default_factory=set)

    @property
    def forum(self) -> str:
        """The forum's address."""
        return self.rehearsal.settings.discourse_url

    @property
    def bridge_url(self) -> str:
        """The bridge's address."""
        return self.rehearsal.settings.bridge_url

    def control(self, path: str, **what: Any) -> Any:
        """Use a switch of the sandbox."""
        url = self.rehearsal.sandbox.info["control_url"] + path
        answer = requests.post(url, json=what, timeout=60)
        answer.raise_for_status()
        return answer.json()

    def stripe(self, path: str, **query: Any) -> Any:
        """Read something from Stripe, as its dashboard does."""
        settings = self.rehearsal.settings
        answer = requests.get(
            f"{settings.stripe_api_base}{path}",
            params=query,
            headers={"Authorization": f"Bearer {settings.stripe_api_key}"},
            timeout=30,
        )
        answer.raise_for_status()
        return answer.json()


# --- what the member does -------------------------------------------------------------------------


def _reads_the_post(stage: Stage) -> None:
    stage.browser.open(f"{stage.forum}/")
    stage.browser.click("Become a member")
    stage.browser.click("/join/supporter-monthly")
    if "Supporter" not in stage.browser.text:
        raise WentWrong(f"the link led to {stage.browser.url}: {stage.browser.text[:200]}")


def _signs_in(stage: Stage) -> None:
    stage.browser.click("Log in to")
    stage.browser.send(MEMBER)
    if stage.bridge_url not in stage.browser.url:
        raise WentWrong(f"after the login the member is at {stage.browser.url}")
    stage.user_id = int(_me(stage)["id"])


def _pays(stage: Stage) -> None:
    stage.browser.send("Continue to payment")
    stage.browser.send("token", {"name": "Ada Brandt", "email": f"{MEMBER}@example.com"})
    if not stage.browser.url.startswith(stage.bridge_url):
        raise WentWrong(f"paying ended on {stage.browser.url}: {stage.browser.text[:300]}")


def _the_paid_month_passes(stage: Stage) -> None:
    """To the end of the period, and past the hour in which a renewal's invoice is a draft."""
    period_end = _subscription(stage)["items"]["data"][0]["current_period_end"]
    stage.control("/clock/advance", to=period_end + 2 * HOUR)


def _two_days_pass(stage: Stage) -> None:
    stage.control("/clock/advance", seconds=2 * DAY)


def _upgrades(stage: Stage) -> None:
    _opens_stripes_own_pages(stage)
    stage.browser.send("Switch", choose="Patron, €15.00 / month")


def _the_card_fails(stage: Stage) -> None:
    customer = _subscription(stage)["customer"]
    stage.control("/payments", customer=customer, outcome="fail", times=5)
    _the_paid_month_passes(stage)


def _pays_again(stage: Stage) -> None:
    stage.control("/payments", customer=_subscription(stage)["customer"], outcome="succeed")
    _opens_stripes_own_pages(stage)
    stage.browser.send("/pay")


def _cancels(stage: Stage) -> None:
    _opens_stripes_own_pages(stage)
    stage.browser.send("/cancel")


def _subscription(stage: Stage) -> Any:
    return stage.stripe("/v1/subscriptions", limit=1)["data"][0]


def _opens_stripes_own_pages(stage: Stage) -> None:
    stage.browser.open(f"{stage.bridge_url}/me")
    stage.browser.send("/me/billing")


# --- the story ------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Step:
    """What happens, who does it, and the groups in which the member must be afterwards."""

    happens: str
    act: Callable[[Stage], None]
    groups: frozenset[str] = frozenset()


def _in(*groups: str) -> frozenset[str]:
    return frozenset(groups)


STEPS = (
    Step("Ada reads “Become a member” on the forum and follows a link in it", _reads_the_post),
    Step("She signs in with her forum account", _signs_in),
    Step("She pays 5 euros a month on Stripe's page", _pays, _in("supporters")),
    Step("A month passes: the subscription renews", _the_paid_month_passes, _in("supporters")),
    Step("She upgrades to Patron", _upgrades, _in("patrons")),
    Step("Another month; this time her card fails", _the_card_fails, _in("patrons")),
    Step("Two days later she is still in: the grace period", _two_days_pass, _in("patrons")),
    Step("She pays the open invoice", _pays_again, _in("patrons")),
    Step("She cancels, and keeps what she has paid for", _cancels, _in("patrons")),
    Step("The paid month ends, and her membership with it", _the_paid_month_passes),
)


def tell(rehearsal: Rehearsal, console: Console) -> bool:
    """Tell all steps; False, after saying what was wrong, if one did not end as it should."""
    stage = Stage(rehearsal)
    began = time.monotonic()
    try:
        _settle(stage)
        _stripe_said(stage)
        for number, step in enumerate(STEPS, 1):
            _tell_step(stage, number, step, console)
        _check_that_there_was_no_gap(stage)
        _show_statement(stage, console)
    except (WentWrong, NotOnPage, requests.RequestException) as problem:
        console.print(f"   [bold red]✗ {type(problem).__name__}:[/] ", end="")
        console.print(str(problem), markup=False, soft_wrap=True)
        return False
    finally:
        stage.browser.close()
    seconds = time.monotonic() - began
    console.print(
        f"[bold green]All as expected:[/] {len(STEPS)} steps in {seconds:.0f} seconds, and at no "
        "moment between the first payment and the end was she out of the groups.",
        soft_wrap=True,
    )
    return True


def _tell_step(stage: Stage, number: int, step: Step, console: Console) -> None:
    step.act(stage)
    _settle(stage)
    now = stage.rehearsal.bridge.clock.now()
    console.print(
        f"\n[bold]{number:>2}. {step.happens}[/] [dim]({now:%-d %B %Y})[/]", soft_wrap=True
    )
    if said := _stripe_said(stage):
        console.print(f"    Stripe said  {said}", style="dim", soft_wrap=True)
    for words in _decided(stage) if stage.user_id else ():
        console.print(f"    the bridge   {words}", markup=False, soft_wrap=True)
    found = _groups(stage) if stage.user_id else frozenset()
    shown = ", ".join(sorted(found)) or "none of the paid groups"
    sign = "[green]✓[/]" if found == step.groups else "[red]✗[/]"
    console.print(f"    on the forum {sign} [cyan]{shown}[/]")
    if found != step.groups:
        wanted = ", ".join(sorted(step.groups)) or "none"
        raise WentWrong(f"after “{step.happens}” the groups are {shown}, and should be {wanted}")


def _settle(stage: Stage) -> None:
    """Wait until Stripe has delivered everything and the bridge has nothing left to do."""
    deadline = time.monotonic() + SETTLE_SECONDS
    quiet = 0
    while quiet < 2:  # noqa: PLR2004 - once could be the moment between two pieces of work
        stage.control("/flush")
        waiting = {name: value for name, value in _figures(stage) if name in WAITING and value}
        if _is_statement_due(stage):
            waiting["statement"] = 1
        quiet = 0 if waiting else quiet + 1
        if time.monotonic() > deadline:
            raise WentWrong(f"the bridge does not come to rest: {waiting}")
        time.sleep(LOOK_SECONDS)


def _figures(stage: Stage) -> Iterator[tuple[str, float]]:
    text = requests.get(f"{stage.bridge_url}/metrics", timeout=30).text
    for line in text.splitlines():
        if line.startswith("bridge_"):
            name, _, value = line.partition(" ")
            yield name.removeprefix("bridge_"), float(value)


def _is_statement_due(stage: Stage) -> bool:
    """A message is written some seconds after what it tells; no figure counts that."""
    bridge = stage.rehearsal.bridge
    soon = bridge.clock.now() + timedelta(minutes=1)
    with bridge.store.read() as connection:
        return bool(due_users(connection, soon, 1))


def _stripe_said(stage: Stage) -> str:
    """The events since the last step, the oldest first."""
    newest_first = stage.stripe("/v1/events", limit=100)["data"]
    events = [one for one in reversed(newest_first) if one["id"] not in stage.events_told]
    stage.events_told.update(event["id"] for event in events)
    types = list(dict.fromkeys(event["type"] for event in events))
    telling = [one for one in types if one.startswith(TELLING)]
    more = len(types) - len(telling)
    return ", ".join(telling) + (f" and {more} more" if telling and more else "")


def _decided(stage: Stage) -> Iterator[str]:
    """Who is in what, and why, in the words of the statement."""
    bridge = stage.rehearsal.bridge
    with bridge.store.read() as connection:
        known = member.load(connection, stage.user_id, with_money=True)
        law = bridge.rulebook.law(connection)
    given = statement_input(known, law, bridge.addresses, bridge.clock.now())
    made = statement.build(given)
    for place in made.places:
        names = ", ".join(group.name for group in place.groups) or "what was bought"
        cause = place.cause
        why = place.held or (sentence(cause.grant, cause.what) if cause else "")
        yield f"{STATE_WORDS[place.state] % {'group': names}}: {why}".rstrip(": ")
    if not made.places:
        yield "no purchase, so no groups"


def _me(stage: Stage) -> Any:
    return stage.browser.read(f"{stage.forum}/session/current.json")["current_user"]


def _groups(stage: Stage) -> frozenset[str]:
    """The member's groups as the forum has them, without those that it fills itself."""
    mine = {group["name"] for group in _me(stage)["groups"]}
    return frozenset(name for name in mine if not name.startswith("trust_level"))


def _check_that_there_was_no_gap(stage: Stage) -> None:
    """From the first payment to the end the member was in a paid group at every instant."""
    changes = [one for one in _membership_changes(stage) if one["user_id"] == stage.user_id]
    inside: set[int] = set()
    times_out = 0
    for change in changes:
        inside = inside | {change["group_id"]} if change["added"] else inside - {change["group_id"]}
        times_out += not inside
    if times_out != 1:
        raise WentWrong(f"the member was out {times_out} times, and should be once: {changes}")


def _membership_changes(stage: Stage) -> Any:
    url = stage.rehearsal.sandbox.info["control_url"] + "/memberships"
    return requests.get(url, timeout=30).json()


def _show_statement(stage: Stage, console: Console) -> None:
    """The message as it stands in the member's messages."""
    listed = stage.browser.read(f"{stage.forum}/topics/private-messages/{MEMBER}.json")
    topics = listed["topic_list"]["topics"]
    if len(topics) != 1:
        raise WentWrong(f"there are {len(topics)} messages, and should be one: the statement")
    topic = stage.browser.read(f"{stage.forum}/t/{topics[0]['id']}.json")
    post = stage.browser.read(f"{stage.forum}/posts/{topic['post_stream']['posts'][0]['id']}.json")
    title = f"{topic['title']}, from {post['username']}"
    console.print()
    console.print(Panel(Markdown(readable(post["raw"])), title=title, width=80, padding=(1, 2)))
