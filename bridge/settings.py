"""The settings of one installation, read once from the environment; policy is in bridge.toml."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from bridge.errors import WrongConfig
from bridge.setting_values import (
    HIGHEST_PORT,
    LOG_LEVELS,
    MOST_PROXIES,
    SHORTEST_CONNECT_SECRET,
    SHORTEST_KEY,
    SHORTEST_SECRET,
    SHORTEST_WEBHOOK_SECRET,
    YES_OR_NO,
    Files,
    Values,
    is_live,
)

_FILES = Files(
    read=lambda name: Path(name).read_text(encoding="utf-8"),
    exists=lambda name: Path(name).is_file(),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """The validated settings. Their representation leaves out the secrets."""

    stripe_api_key: str = field(repr=False)
    stripe_webhook_secrets: tuple[str, ...] = field(repr=False)
    stripe_api_base: str | None = None
    discourse_url: str
    discourse_api_key: str = field(repr=False)
    discourse_api_username: str = "system"
    discourse_connect_secret: str = field(repr=False)
    discourse_webhook_secret: str | None = field(default=None, repr=False)
    discourse_requests_per_minute: int = 50
    bridge_url: str
    secret_key: str = field(repr=False)
    database_url: str = field(repr=False)
    redis_url: str | None = field(default=None, repr=False)
    redis_private_network: bool = False
    bridge_data: Path = Path("data")
    bridge_config: Path | None = None
    clock_file: Path | None = None
    web_port: int = 8000
    web_proxies: int = 0
    metrics_token: str | None = field(default=None, repr=False)
    standing_tokens: tuple[str, ...] = field(default=(), repr=False)
    log_level: str = "INFO"

    @property
    def livemode(self) -> bool:
        """Whether the Stripe key moves real money."""
        return is_live(self.stripe_api_key)

    @property
    def uses_sqlite(self) -> bool:
        """A file instead of a database server: one web process, and writers take turns."""
        return self.database_url.startswith("sqlite")

    @classmethod
    def from_env(cls, env: Mapping[str, str]) -> Settings:
        """Read and validate.

        Raises: WrongConfig with every problem there is, not only the first.
        """
        read = Values(env, _FILES)
        data = Path(read.text("BRIDGE_DATA"))
        settings = cls(
            stripe_api_key=read.stripe_key("STRIPE_API_KEY"),
            stripe_webhook_secrets=read.webhook_secrets("STRIPE_WEBHOOK_SECRET"),
            stripe_api_base=read.url("STRIPE_API_BASE") or None,
            discourse_url=read.url("DISCOURSE_URL"),
            discourse_api_key=read.long_secret("DISCOURSE_API_KEY", SHORTEST_KEY),
            discourse_api_username=read.text("DISCOURSE_API_USERNAME"),
            discourse_connect_secret=read.long_secret(
                "DISCOURSE_CONNECT_SECRET", SHORTEST_CONNECT_SECRET
            ),
            discourse_webhook_secret=read.long_secret(
                "DISCOURSE_WEBHOOK_SECRET", SHORTEST_WEBHOOK_SECRET
            )
            or None,
            discourse_requests_per_minute=read.number("DISCOURSE_REQUESTS_PER_MINUTE", 1, 100_000),
            bridge_url=read.root_url("BRIDGE_URL"),
            secret_key=read.long_secret("SECRET_KEY", SHORTEST_SECRET),
            database_url=read.database_url("DATABASE_URL", data),
            redis_url=read.redis_url("REDIS_URL"),
            redis_private_network=read.choice("REDIS_PRIVATE_NETWORK", YES_OR_NO) == "YES",
            bridge_data=data,
            bridge_config=read.existing_file("BRIDGE_CONFIG"),
            clock_file=Path(name) if (name := read.text("BRIDGE_CLOCK_FILE")) else None,
            web_port=read.number("WEB_PORT", 1, HIGHEST_PORT),
            web_proxies=read.number("WEB_PROXIES", 0, MOST_PROXIES),
            metrics_token=read.long_secret("METRICS_TOKEN", SHORTEST_SECRET) or None,
            standing_tokens=read.long_secrets("STANDING_TOKEN", SHORTEST_SECRET),
            log_level=read.choice("LOG_LEVEL", LOG_LEVELS),
        )
        read.contradictions(
            redis_url=settings.redis_url,
            redis_private=settings.redis_private_network,
            stripe_key=settings.stripe_api_key,
            stripe_base=settings.stripe_api_base or "",
        )
        if read.problems:
            raise WrongConfig(read.problems)
        return settings
