"""An act of the console: its form, its preview, and the act itself."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import asdict, dataclass, field
from datetime import datetime

from bridge.core.memberships.effects import Effect
from bridge.core.model.actor import Actor
from bridge.core.model.days import through
from bridge.core.model.roles import Right
from bridge.operations.errands import Outcome
from bridge.texts import gettext
from bridge.wiring import Bridge

Form = Mapping[str, str]
Facts = Mapping[str, str]
"""Further facts of a preview, label by label."""


Words = Mapping[str, str]
"""What the words of a button name: whom, which group, what amount."""


@dataclass(frozen=True, slots=True)
class Seen:
    """The preview of an act.

    `turn`: how many acts on the same thing were finished then. `typed`: the words that confirm it.
    """

    effects: tuple[Effect, ...]
    facts: Facts
    turn: int = 0
    typed: str | None = None
    words: Words = field(default_factory=dict)

    @property
    def checksum(self) -> str:
        """A hash of the reviewed effects, so that nothing else is done."""
        said = [[asdict(one) for one in self.effects], dict(self.facts), self.turn, self.typed]
        plain = json.dumps(said, sort_keys=True, default=str)
        return hashlib.sha256(plain.encode()).hexdigest()[:16]


@dataclass(frozen=True, slots=True)
class Ground:
    """The facts above the form; its fields' choices, first values, and notes below them."""

    facts: Facts = field(default_factory=dict)
    choices: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    filled: Form = field(default_factory=dict)
    notes: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Act:
    """Something that a moderator can do: its form, its preview, and the act itself."""

    name: str
    title: str
    does: str
    """The words of the button; `%(who)s`, the form's fields and `words` are put into them."""
    fields: tuple[str, ...]
    right: Right
    preview: Callable[[Bridge, int, Form], Iterable[Effect]]
    do: Callable[[Bridge, Actor, int, Form], str]
    given: tuple[str, ...] = ()
    """Fields that the link fills in and nobody edits."""
    optional: tuple[str, ...] = ("until", "date", "again")
    """Fields that may stay empty."""
    choosing: tuple[str, ...] = ()
    """Fields that are shown only if `ground` has several choices for them."""
    told: tuple[str, ...] = ()
    """Fields that the preview leaves out, because its facts name them."""
    ground: Callable[[Bridge, int, Form], Ground] = lambda _bridge, _user_id, _form: Ground()
    """What is known before the form is filled in."""
    see: Callable[[Bridge, int, Form], Seen] | None = None
    """Builds the whole preview, for acts that need only one reading of Stripe."""
    facts: Callable[[Bridge, int, Form], Facts] = lambda _bridge, _user_id, _form: {}
    """What the preview shows besides the effects."""
    typed: Callable[[Collection[Effect]], str] | None = None
    """The words to type as a confirmation where many people are concerned."""
    words: Callable[[Bridge, int, Form], Words] = lambda _bridge, _user_id, _form: {}
    whose: Callable[[Bridge, Form], int] = lambda _bridge, _form: 0
    """The person to go back to, if the act is about a line of a list."""
    list: str | None = None
    """The worklist to go back to, if there is no such person."""
    page: str = "moderate.today"
    """The page to go back to otherwise."""

    def look(self, bridge: Bridge, user_id: int, form: Form) -> Seen:
        """Its effects now."""
        if self.see is not None:
            return self.see(bridge, user_id, form)
        effects = tuple(self.preview(bridge, user_id, form))
        typed = self.typed(effects) if self.typed else None
        facts, words = self.facts(bridge, user_id, form), self.words(bridge, user_id, form)
        return Seen(effects, facts, typed=typed, words=words)


SEVERAL = "which"
"""The field that rows of a list are chosen with: its values are joined by commas."""
TURN = "turn"
"""The field in which `do` is told which turn was reviewed; the page that does an act adds it."""


def until_of(form: Form) -> datetime | None:
    """The last moment of the day in the form; None for no end."""
    text = form.get("until", "").strip()
    return through(text) if text else None


def told(outcome: Outcome, done: str) -> str:
    """What the page says about a request to Stripe."""
    if outcome == "done":
        return done
    return gettext(
        "Stripe does not answer at the moment. The bridge keeps trying, and the log says when it "
        "is done."
    )
