"""What each environment variable may be, and the error if it is something else.

Every problem is reported at once, each with a stable code (`docs/settings.md` explains them).
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from bridge.errors import Config

STRIPE_API = "https://api.stripe.com"
YES_OR_NO = ("YES", "NO")
LOG_LEVELS = ("DEBUG", "INFO", "WARNING", "ERROR")
SHORTEST_SECRET = 32
SHORTEST_CONNECT_SECRET = 10  # Discourse refuses a shorter one
SHORTEST_WEBHOOK_SECRET = 12  # Discourse refuses a shorter one
SHORTEST_KEY = 16  # those of Stripe and Discourse are much longer: a shorter one was cut off
MAKE_ANOTHER = "python3 -c 'import secrets; print(secrets.token_hex(32))'"
EXAMPLE_SECRETS = ("change-me", "changeme", "example", "xxxx")
HIGHEST_PORT = 65_535
MOST_PROXIES = 5


@dataclass(frozen=True, slots=True)
class Setting:
    """One variable of the environment; a secret one may also be given as a file, `NAME_FILE`."""

    name: str
    required: bool = False
    secret: bool = False
    default: str = ""


SETTINGS = (
    Setting("STRIPE_API_KEY", required=True, secret=True),
    Setting("STRIPE_WEBHOOK_SECRET", required=True, secret=True),
    Setting("STRIPE_API_BASE"),
    Setting("DISCOURSE_URL", required=True),
    Setting("DISCOURSE_API_KEY", required=True, secret=True),
    Setting("DISCOURSE_API_USERNAME", default="system"),
    Setting("DISCOURSE_CONNECT_SECRET", required=True, secret=True),
    Setting("DISCOURSE_WEBHOOK_SECRET", secret=True),
    Setting("DISCOURSE_REQUESTS_PER_MINUTE", default="50"),
    Setting("BRIDGE_URL", required=True),
    Setting("SECRET_KEY", required=True, secret=True),
    Setting("DATABASE_URL", secret=True),
    Setting("REDIS_URL", secret=True),
    Setting("REDIS_PRIVATE_NETWORK", default="no"),
    Setting("BRIDGE_DATA", default="data"),
    Setting("BRIDGE_CONFIG"),
    Setting("BRIDGE_CLOCK_FILE"),
    Setting("WEB_PORT", default="8000"),
    Setting("WEB_PROXIES", default="0"),
    Setting("METRICS_TOKEN", secret=True),
    Setting("STANDING_TOKEN", secret=True),
    Setting("LOG_LEVEL", default="INFO"),
)


@dataclass(frozen=True, slots=True)
class Files:
    """How files are reached: `read` raises OSError or UnicodeDecodeError."""

    read: Callable[[str], str]
    exists: Callable[[str], bool]


class Values:
    """Reads values from the environment and collects what is wrong with them."""

    def __init__(self, env: Mapping[str, str], files: Files) -> None:
        self.env = env
        self.problems: list[Config] = []
        self._files = files
        self._known = {setting.name: setting for setting in SETTINGS}

    def text(self, name: str) -> str:
        """The value as it stands, or its file's; the default if there is none."""
        setting = self._known[name]
        value = self.env.get(name, "").strip()
        file = self.env.get(f"{name}_FILE", "").strip() if setting.secret else ""
        if value and file:
            self._problem(
                "B102",
                f"{name} and {name}_FILE are both set.",
                "Remove one of them.",
            )
        elif file:
            value = self._secret_file(name, file)
        elif not value and setting.required:
            also = f" or {name}_FILE" if setting.secret else ""
            self._problem(
                "B101",
                f"{name} is not set.",
                f"Set {name}{also}. docs/settings.md explains it.",
            )
        return value or setting.default

    def url(self, name: str) -> str:
        """An address without its trailing slash; it may have a path (a forum in a subfolder)."""
        value = self.text(name).rstrip("/")
        if not value:
            return ""
        try:
            parts = urlsplit(value)
            host, _ = parts.hostname, parts.port
        except ValueError:
            parts, host = urlsplit(""), None
        if parts.scheme not in ("http", "https") or not host or parts.query or parts.fragment:
            self._problem(
                "B103", f"{name} is {value!r}.", "Write it like https://forum.example.org."
            )
        elif parts.username or parts.password:
            self._problem("B103", f"{name} contains a user name.", "Remove everything up to the @.")
        elif parts.scheme == "http" and not _is_loopback(host):
            self._problem(
                "B104",
                f"{name} is {value!r}, which is not encrypted.",
                "Use https. Plain http is only allowed on this machine.",
            )
        return value

    def root_url(self, name: str) -> str:
        """An address without a path: the bridge's pages are at the root of their host."""
        value = self.url(name)
        if value and urlsplit(value).path:
            self._problem(
                "B103",
                f"{name} is {value!r}, which has a path.",
                "Give the bridge its own host name.",
            )
        return value

    def number(self, name: str, lowest: int, highest: int) -> int:
        """A whole number within limits."""
        value = self.text(name)
        if value.isascii() and value.isdigit() and lowest <= int(value) <= highest:
            return int(value)
        self._problem("B105", f"{name} is {value!r}.", f"Use a number from {lowest} to {highest}.")
        return int(self._known[name].default)

    def choice(self, name: str, choices: tuple[str, ...]) -> str:
        """One of a few words, in upper case."""
        value = self.text(name).upper()
        if value not in choices:
            self._problem("B111", f"{name} is {value!r}.", f"Use one of {', '.join(choices)}.")
        return value

    def stripe_key(self, name: str) -> str:
        """A secret or restricted key; a public one can read nothing."""
        value = self.text(name)
        if value and not re.fullmatch(r"(sk|rk)_(live|test)_\w+", value, re.ASCII):
            self._problem(
                "B106",
                f"{name} is not a secret or restricted key.",
                "Use a key that begins with rk_live_, sk_live_, rk_test_ or sk_test_ (never pk_).",
            )
        else:
            self._refuse_weak(name, value, SHORTEST_KEY)
        return value

    def webhook_secrets(self, name: str) -> tuple[str, ...]:
        """Signing secrets: several while one replaces another."""
        secrets = tuple(filter(None, (part.strip() for part in self.text(name).split(","))))
        if any(not secret.startswith("whsec_") for secret in secrets):
            self._problem(
                "B107",
                f"{name} contains a value that is not a signing secret.",
                "A signing secret begins with whsec_. While you replace one, separate the old and "
                "the new with a comma.",
            )
        else:
            for secret in secrets:
                self._refuse_weak(name, secret, SHORTEST_KEY)
        return secrets

    def long_secret(self, name: str, shortest: int) -> str:
        """A secret that cannot be guessed."""
        value = self.text(name)
        self._refuse_weak(name, value, shortest)
        return value

    def long_secrets(self, name: str, shortest: int) -> tuple[str, ...]:
        """Several, separated by commas, while one replaces another."""
        values = tuple(filter(None, (part.strip() for part in self.text(name).split(","))))
        for value in values:
            self._refuse_weak(name, value, shortest)
        return values

    def _refuse_weak(self, name: str, value: str, shortest: int) -> None:
        """Refuse secrets that can be guessed or were not copied completely."""
        if not value:
            return
        if len(value) < shortest or value.lower().startswith(EXAMPLE_SECRETS):
            self._problem(
                "B110",
                f"{name} is an example or shorter than {shortest} characters.",
                f"Copy it again completely. To make a new secret: {MAKE_ANOTHER}",
            )
        elif not (value.isascii() and value.isprintable()) or " " in value:
            self._problem(
                "B110",
                f"{name} contains a space, a line break or a character that is not ASCII.",
                "Copy it again, without anything around it.",
            )

    def database_url(self, name: str, data: Path) -> str:
        """An address for SQLAlchemy; without one, a file in the data folder."""
        value = self.text(name) or f"sqlite:///{data / 'bridge.sqlite3'}"
        scheme, _, rest = value.partition("://")
        if not _has_port_or_none(value):
            self._problem(
                "B108", f"The port in {name} is not a number.", "Correct the part after the colon."
            )
        if scheme in ("postgres", "postgresql", "postgresql+psycopg"):
            return f"postgresql+psycopg://{rest}"
        if scheme != "sqlite" or not rest.startswith("/") or not rest.strip("/"):
            self._problem(
                "B108",
                f"{name} begins with {scheme!r}.",
                "Use postgresql://user:password@host/name or sqlite:///path/to/file.",
            )
        return value

    def redis_url(self, name: str) -> str | None:
        """An address of Redis; None to start one."""
        value = self.text(name)
        if value and not value.startswith(("redis://", "rediss://", "unix://")):
            self._problem(
                "B109",
                f"{name} does not begin with redis://, rediss:// or unix://.",
                "Correct it or remove it. Without it, `bridge up` starts its own Redis.",
            )
        elif not _has_port_or_none(value):
            self._problem(
                "B109", f"The port in {name} is not a number.", "Correct the part after the colon."
            )
        return value or None

    def existing_file(self, name: str) -> Path | None:
        """The path of a file that is there."""
        value = self.text(name)
        if value and not self._files.exists(value):
            self._problem(
                "B112",
                f"{name} is {value!r}, but there is no such file.",
                "Correct the path or remove the setting.",
            )
        return Path(value) if value else None

    def _secret_file(self, name: str, file: str) -> str:
        try:
            value = self._files.read(file).strip()
        except (OSError, UnicodeDecodeError) as error:
            why = error.strerror if isinstance(error, OSError) else "is not text"
            self._problem(
                "B102",
                f"{name}_FILE is {file!r}: {why}.",
                "Give the path of a file that this user can read.",
            )
            return ""
        if not value:
            self._problem(
                "B102", f"{name}_FILE is {file!r}: it is empty.", "Write the value into it."
            )
        return value

    def _problem(self, code: str, message: str, hint: str) -> None:
        self.problems.append(Config(code, message, hint))

    def contradictions(
        self, *, redis_url: str | None, redis_private: bool, stripe_key: str, stripe_base: str
    ) -> None:
        """Find values that are valid each but dangerous together: a rehearsal with real money."""
        if (host := _open_redis(redis_url)) and not redis_private:
            self._problem(
                "B113",
                f"REDIS_URL leads to {host} without encryption or without a password.",
                f"Use rediss://:password@{host}, or set REDIS_PRIVATE_NETWORK=yes if only your own "
                "machines can reach it.",
            )
        if is_live(stripe_key) and stripe_base not in ("", STRIPE_API):
            self._problem(
                "B114",
                f"STRIPE_API_KEY is a live key and STRIPE_API_BASE is {stripe_base}.",
                "Use a test key with the sandbox; remove STRIPE_API_BASE to use a live key.",
            )
        if is_live(stripe_key) and (clock_file := self.text("BRIDGE_CLOCK_FILE")):
            self._problem(
                "B115",
                f"STRIPE_API_KEY is a live key and BRIDGE_CLOCK_FILE is {clock_file}.",
                "Only rehearsals may move the clock: remove BRIDGE_CLOCK_FILE.",
            )


def _open_redis(address: str | None) -> str | None:
    """The host of a Redis elsewhere that anybody on the way could read or write."""
    if address is None or not _has_port_or_none(address):
        return None
    parts = urlsplit(address)
    if parts.scheme == "unix" or not parts.hostname or _is_loopback(parts.hostname):
        return None
    return None if parts.scheme == "rediss" and parts.password else parts.hostname


def _has_port_or_none(address: str) -> bool:
    try:
        urlsplit(address).port  # noqa: B018 - reading it is what validates it
    except ValueError:
        return False
    return True


def is_live(key: str) -> bool:
    """Whether a key of Stripe's moves real money."""
    return key.startswith(("sk_live_", "rk_live_"))


def _is_loopback(host: str) -> bool:
    if host == "localhost" or host.endswith(".localhost"):
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
