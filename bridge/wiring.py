"""The only composition root: settings in, a working bridge out."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from pathlib import Path

from bridge.bulkhead import Bulkhead
from bridge.clock import Clock
from bridge.core.rules.policy import Policy, parse_policy
from bridge.core.telling.of_member import Addresses
from bridge.discourse_api.client import DiscourseApi
from bridge.errors import Config
from bridge.limiter import Limiter
from bridge.process_name import own_name
from bridge.queue import Hints
from bridge.rulebook import Rulebook
from bridge.settings import Settings
from bridge.store import Store
from bridge.stripe_api.client import StripeApi


@dataclass(frozen=True, slots=True)
class Bridge:
    """Everything a process needs. `name` tells this process from all others, for leases."""

    settings: Settings
    policy: Policy
    clock: Clock
    store: Store
    limiter: Limiter
    stripe: StripeApi
    discourse: DiscourseApi
    hints: Hints
    rulebook: Rulebook
    name: str

    @property
    def addresses(self) -> Addresses:
        """Where the forum is, and where members find their own page."""
        own = self.settings.bridge_url
        return Addresses(self.settings.discourse_url, f"{own}/me", f"{own}/join")

    def hint(self, kind: str, key: str) -> bool:
        """Try to wake a worker; the sweeper finds what a lost hint was about."""
        return self.hints.send(kind, key)


def read_policy(path: Path | None) -> Policy:
    """The site's policy from bridge.toml; all defaults without a file.

    Raises: WrongConfig with everything that is wrong in it, Config when it cannot be read.
    """
    if path is None:
        return Policy()
    try:
        return parse_policy(tomllib.loads(path.read_text(encoding="utf-8-sig")))
    except OSError as error:
        raise Config(
            "B140", f"BRIDGE_CONFIG={path} cannot be read ({error.strerror}).", "Give its path."
        ) from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise Config("B141", f"{path} is not TOML: {error}.", "Correct that line.") from error


# Of the eight threads of the web process: two are left for webhooks when both servers hang.
PAGES_AT_STRIPE = 3
PAGES_AT_FORUM = 3


def build(settings: Settings, *, patient: bool = False, for_pages: bool = False) -> Bridge:
    """Put all parts together. Nothing is read from Stripe or Discourse yet.

    `patient`: wait where the forum's requests of this minute are used up; see Limiter.
    `for_pages`: only a few requests to Stripe and to the forum at once, and shorter waits.
    """
    policy = read_policy(settings.bridge_config)
    clock = Clock(settings.clock_file)
    store = Store(settings.database_url)
    limiter = Limiter(store, clock, settings.discourse_requests_per_minute, patient=patient)
    return Bridge(
        settings=settings,
        policy=policy,
        clock=clock,
        store=store,
        limiter=limiter,
        stripe=StripeApi(
            settings.stripe_api_key,
            settings.stripe_api_base,
            Bulkhead("Stripe", PAGES_AT_STRIPE) if for_pages else None,
        ),
        discourse=DiscourseApi(
            settings.discourse_url,
            settings.discourse_api_key,
            settings.discourse_api_username,
            limiter.gate,
            Bulkhead("the forum", PAGES_AT_FORUM) if for_pages else None,
        ),
        hints=Hints(settings.redis_url),
        rulebook=Rulebook(policy),
        name=own_name(),
    )
