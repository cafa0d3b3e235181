import json
import logging
import os
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from io import StringIO
from pathlib import Path

import pytest
import structlog

from bridge import logs
from bridge.clock import Clock
from bridge.errors import WrongConfig
from bridge.settings import Settings

GOOD = {
    "STRIPE_API_KEY": "rk_test_abc1234567",
    "STRIPE_WEBHOOK_SECRET": "whsec_one4567890, whsec_two4567890",
    "DISCOURSE_URL": "https://example.org/forum/",
    "DISCOURSE_API_KEY": "0123456789abcdef",
    "DISCOURSE_CONNECT_SECRET": "a-long-connect-secret",
    "BRIDGE_URL": "https://members.example.org",
    "SECRET_KEY": "k" * 40,
}


def problems(**changes: str) -> dict[str, str]:
    with pytest.raises(WrongConfig) as caught:
        Settings.from_env({**GOOD, **changes})
    return {problem.code: problem.message for problem in caught.value.problems}


def test_A18_a_token_may_be_two_while_one_is_replaced_and_is_no_part_of_what_is_shown() -> None:
    settings = Settings.from_env({**GOOD, "STANDING_TOKEN": f"{'t' * 32}, {'u' * 32}"})
    assert settings.standing_tokens == ("t" * 32, "u" * 32)
    assert "tttt" not in repr(settings)
    assert Settings.from_env(GOOD).standing_tokens == ()


def test_good_settings_are_read_with_their_defaults() -> None:
    settings = Settings.from_env(GOOD)
    assert settings.stripe_webhook_secrets == ("whsec_one4567890", "whsec_two4567890")
    assert settings.discourse_url == "https://example.org/forum"
    assert settings.discourse_requests_per_minute == 50
    assert settings.database_url == "sqlite:///data/bridge.sqlite3"
    assert settings.redis_url is None
    assert not settings.livemode


@pytest.mark.parametrize("key", ["sk_live_12345678", "rk_live_12345678"])
def test_E50_a_live_key_is_told_from_a_test_key(key: str) -> None:
    assert Settings.from_env({**GOOD, "STRIPE_API_KEY": key}).livemode


def test_every_problem_is_reported_at_once() -> None:
    with pytest.raises(WrongConfig) as caught:
        Settings.from_env({"LOG_LEVEL": "loud", "WEB_PORT": "0"})
    codes = [problem.code for problem in caught.value.problems]
    assert codes.count("B101") == 7
    assert {"B105", "B111"} <= set(codes)
    assert all(problem.hint for problem in caught.value.problems)


@pytest.mark.parametrize(
    ("name", "value", "code"),
    [
        ("STRIPE_API_KEY", "pk_test_abc", "B106"),
        ("STRIPE_WEBHOOK_SECRET", "whsec_a,abc", "B107"),
        ("STANDING_TOKEN", f"{'t' * 32},short", "B110"),
        ("DISCOURSE_URL", "forum.example.org", "B103"),
        ("DISCOURSE_URL", "https://user:word@forum.example.org", "B103"),
        ("DISCOURSE_URL", "https://[", "B103"),
        ("DISCOURSE_URL", "https://forum.example.org:port", "B103"),
        ("DISCOURSE_URL", "http://forum.example.org", "B104"),
        ("BRIDGE_URL", "http://127.0.0.1.example.org", "B104"),
        ("DISCOURSE_REQUESTS_PER_MINUTE", "0", "B105"),
        ("DISCOURSE_REQUESTS_PER_MINUTE", "²", "B105"),
        ("DATABASE_URL", "mysql://host/name", "B108"),
        ("DATABASE_URL", "sqlite://", "B108"),
        ("DATABASE_URL", "postgresql://user:word@host:port/name", "B108"),
        ("REDIS_URL", "localhost:6379", "B109"),
        ("REDIS_URL", "redis://localhost:port", "B109"),
        ("REDIS_URL", "redis://redis.example.org:6379/0", "B113"),
        ("REDIS_URL", "redis://:word@redis.example.org", "B113"),
        ("REDIS_URL", "rediss://redis.example.org", "B113"),
        ("REDIS_URL", "redis://:word@10.0.0.7", "B113"),
        ("SECRET_KEY", "short", "B110"),
        ("STRIPE_API_KEY", "sk_test_cutoff", "B110"),
        ("STRIPE_WEBHOOK_SECRET", "whsec_one4567890,whsec_cutoff", "B110"),
        ("STRIPE_WEBHOOK_SECRET", "whsec_one45678 90", "B110"),
        ("DISCOURSE_API_KEY", "cutoff", "B110"),
        ("DISCOURSE_API_KEY", "0123456789\nabcdef", "B110"),
        ("DISCOURSE_API_KEY", "0123456789\u200babcdef", "B110"),
        ("DISCOURSE_WEBHOOK_SECRET", "elevenchars", "B110"),
        ("METRICS_TOKEN", "m" * 31, "B110"),
        ("SECRET_KEY", "change-me-change-me-change-me-change-me", "B110"),
        ("REDIS_PRIVATE_NETWORK", "perhaps", "B111"),
        ("LOG_LEVEL", "loud", "B111"),
        ("BRIDGE_CONFIG", "/nowhere/bridge.toml", "B112"),
    ],
)
def test_A132_A137_a_wrong_value_has_a_code_and_is_named(name: str, value: str, code: str) -> None:
    found = problems(**{name: value})
    assert list(found) == [code]
    assert name in found[code]


@pytest.mark.parametrize(
    ("address", "private_network"),
    [
        ("redis://127.0.0.1:6379", "no"),
        ("redis://[::1]", "no"),
        ("redis://localhost/1", "no"),
        ("unix:///run/redis.sock", "no"),
        ("rediss://:word@redis.example.org", "no"),
        ("redis://redis:6379", "yes"),
    ],
)
def test_A132_a_redis_that_no_stranger_reaches_is_accepted(
    address: str, private_network: str
) -> None:
    changes = {"REDIS_URL": address, "REDIS_PRIVATE_NETWORK": private_network}
    assert Settings.from_env({**GOOD, **changes}).redis_url == address


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "[::1]", "forum.localhost"])
def test_plain_http_is_for_this_machine_only(host: str) -> None:
    address = f"http://{host}:4000"
    assert Settings.from_env({**GOOD, "DISCOURSE_URL": address}).discourse_url == address


@pytest.mark.parametrize("scheme", ["postgres", "postgresql", "postgresql+psycopg"])
def test_every_way_to_write_a_postgresql_address_is_understood(scheme: str) -> None:
    settings = Settings.from_env({**GOOD, "DATABASE_URL": f"{scheme}://u:p@host/name"})
    assert settings.database_url == "postgresql+psycopg://u:p@host/name"
    assert not settings.uses_sqlite


def test_F22_live_keys_are_refused_by_a_sandbox_and_by_a_moved_clock() -> None:
    found = problems(
        STRIPE_API_KEY="sk_live_12345678",
        STRIPE_API_BASE="http://127.0.0.1:9000",
        BRIDGE_CLOCK_FILE="/nowhere/clock",
    )
    assert set(found) == {"B114", "B115"}


def test_a_secret_may_be_given_as_a_file(tmp_path: Path) -> None:
    file = tmp_path / "key"
    file.write_text("sk_test_from_a_file\n")
    env = {**GOOD, "STRIPE_API_KEY_FILE": str(file)}
    del env["STRIPE_API_KEY"]
    assert Settings.from_env(env).stripe_api_key == "sk_test_from_a_file"


def test_a_secret_given_twice_or_in_no_file_is_refused(tmp_path: Path) -> None:
    assert "B102" in problems(SECRET_KEY_FILE=str(tmp_path / "there"))
    assert "B102" in problems(SECRET_KEY="", SECRET_KEY_FILE=str(tmp_path / "missing"))


def test_no_secret_is_in_what_settings_print_or_complain_about() -> None:
    secrets = (
        "rk_test_abc1234567",
        "whsec_one4567890",
        "0123456789abcdef",
        "a-long-connect",
        "kkkkk",
    )
    shown = repr(Settings.from_env(GOOD))
    with pytest.raises(WrongConfig) as caught:
        Settings.from_env({**GOOD, "REDIS_URL": "x:hunter2@y", "SECRET_KEY": "hunter2"})
    assert not [secret for secret in secrets if secret in shown]
    assert "hunter2" not in str(caught.value)


def test_the_clock_follows_the_file_that_a_rehearsal_moves(tmp_path: Path) -> None:
    file = tmp_path / "clock"
    clock = Clock(file)
    assert abs(clock.now() - datetime.now(UTC)) < timedelta(seconds=5)
    file.write_text("86400.0\n")
    assert clock.now() - datetime.now(UTC) > timedelta(hours=23)
    beside = tmp_path / "clock.new"
    beside.write_text("864000.0\n")
    os.utime(beside, ns=(file.stat().st_mtime_ns,) * 2)
    beside.replace(file)
    assert clock.now() - datetime.now(UTC) > timedelta(days=9)


@pytest.fixture
def lines() -> Iterator[StringIO]:
    written = StringIO()
    root, rq = logging.getLogger(), logging.getLogger("rq")
    before = root.handlers, root.level
    yield written
    root.handlers, root.level = before
    rq.handlers, rq.propagate = [], True
    structlog.reset_defaults()


def test_log_lines_are_json_with_ids_and_never_with_addresses_or_secrets(lines: StringIO) -> None:
    logs.configure("INFO", stream=lines)
    structlog.get_logger("bridge").info(
        "customer.synced",
        customer="cus_1",
        groups=[3, 4],
        email="anna@example.org",
        note="anna@example.org left",
        told={"body": "dear", "to": ["anna@example.org"]},
    )
    logging.getLogger("other").warning(
        "key %s at %s", "sk_test_abc", "postgresql://user:word@host/name"
    )
    first, second = (json.loads(line) for line in lines.getvalue().splitlines())
    assert (first["event"], first["customer"], first["level"]) == (
        "customer.synced",
        "cus_1",
        "info",
    )
    assert "example.org" not in json.dumps(first)
    assert "abc" not in second["event"]
    assert "word" not in second["event"]


def test_lines_of_rq_take_our_form_even_after_rq_set_up_its_own(lines: StringIO) -> None:
    from rq.logutils import setup_loghandlers  # noqa: PLC0415 - after our own is configured

    logs.configure("INFO", stream=lines)
    setup_loghandlers("INFO", name="rq.worker")
    logging.getLogger("rq.worker").info("Worker started")
    assert [json.loads(line)["event"] for line in lines.getvalue().splitlines()] == [
        "Worker started"
    ]


def test_an_exception_with_an_address_in_it_is_logged_without_the_address(lines: StringIO) -> None:
    logs.configure("INFO", stream=lines)
    try:
        int("anna@example.org")
    except ValueError:
        structlog.get_logger("bridge").exception("task.failed", event_id="evt_1")
    assert "anna" not in lines.getvalue()
    assert "ValueError" in lines.getvalue()
