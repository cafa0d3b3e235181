import json
from collections.abc import Callable, Iterator
from pathlib import Path

import click
import pytest
from click.testing import CliRunner, Result

from bridge import errors
from bridge.cli import COMMANDS, Commands, main
from bridge.setting_values import SETTINGS

GOOD = {
    "STRIPE_API_KEY": "rk_test_abc1234567",
    "STRIPE_WEBHOOK_SECRET": "whsec_one4567890",
    "STRIPE_API_BASE": "http://127.0.0.1:1",
    "DISCOURSE_URL": "http://127.0.0.1:1",
    "DISCOURSE_API_KEY": "0123456789abcdef",
    "DISCOURSE_CONNECT_SECRET": "a-long-connect-secret",
    "BRIDGE_URL": "http://127.0.0.1:8000",
    "SECRET_KEY": "k" * 40,
}
Run = Callable[..., Result]


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    monkeypatch.chdir(tmp_path)
    for setting in SETTINGS:
        monkeypatch.delenv(setting.name, raising=False)

    def invoke(*words: str, **env: str) -> Result:
        return CliRunner().invoke(main, words, env=env)

    return invoke


@pytest.mark.parametrize("command", COMMANDS)
def test_each_command_explains_itself(run: Run, command: str) -> None:
    told = run(command, "--help")
    assert told.exit_code == 0
    assert "Usage" in told.output


def test_wrong_usage_is_2(run: Run) -> None:
    assert run("dance").exit_code == 2
    assert run("web", "--port", "many").exit_code == 2


def test_wrong_settings_are_3_and_all_are_named(run: Run) -> None:
    told = run("migrate")
    assert told.exit_code == 3
    assert told.output.count("B101") == sum(setting.required for setting in SETTINGS)


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (errors.Config("B116", "Port 8000 is in use.", "Take another."), 3),
        (errors.Transient("the forum does not answer"), 4),
        (errors.Permanent("there is no customer cus_1"), 1),
        (errors.NotFound("there is no group patrons"), 1),
    ],
)
def test_what_failed_decides_the_exit_code(error: errors.BridgeError, code: int) -> None:
    @click.command(cls=Commands)
    def group() -> None:
        raise error

    class Only(Commands):
        def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command:
            del ctx
            return click.Command(cmd_name, callback=group.callback)

    told = CliRunner().invoke(Only("bridge"), ["go"])
    assert told.exit_code == code
    assert str(error).split()[-1] in told.output


def test_the_file_env_is_read_and_the_environment_wins(run: Run, tmp_path: Path) -> None:
    lines = [f"{name}={value}" for name, value in GOOD.items()]
    (tmp_path / ".env").write_text("\n".join([*lines, "LOG_LEVEL=loud", "WEB_PORT="]))
    assert "B111" in run("migrate").output
    told = run("migrate", LOG_LEVEL="ERROR")
    assert told.exit_code == 0, told.output
    assert (tmp_path / "data" / "bridge.sqlite3").exists()


def test_doctor_tells_scripts_what_is_wrong_with_the_settings(run: Run) -> None:
    told = run("doctor", "--json", **{**GOOD, "SECRET_KEY": "short"})
    assert told.exit_code == 3
    said = json.loads(told.stdout)
    assert said["ok"] is False
    assert [finding["code"] for finding in said["findings"]] == ["B110"]
    assert all(finding["hint"] for finding in said["findings"])


def test_doctor_goes_on_when_one_side_is_out_of_reach(run: Run) -> None:
    told = run("doctor", "--json", **GOOD, REDIS_URL="redis://127.0.0.1:1")
    assert told.exit_code == 1
    codes = {finding["code"] for finding in json.loads(told.stdout)["findings"]}
    assert {"B122", "B131", "B161"} <= codes


def test_doctor_makes_no_tables(run: Run) -> None:
    for _ in range(2):
        told = json.loads(run("doctor", "--json", **GOOD).stdout)
        [database] = [one for one in told["findings"] if one["subject"] == "Database"]
        assert (database["level"], "empty" in database["message"]) == ("note", True)


def every_command() -> Iterator[tuple[str, ...]]:
    """The words of each command that has `--json`."""
    pending: list[tuple[click.Command, tuple[str, ...]]] = [(main, ())]
    while pending:
        command, words = pending.pop()
        if isinstance(command, click.Group):
            context = click.Context(command)
            named = ((command.get_command(context, n), n) for n in command.list_commands(context))
            pending += [(found, (*words, name)) for found, name in named if found]
        elif any("--json" in one.opts for one in command.params):
            yield words


@pytest.mark.parametrize("words", sorted(every_command()), ids=" ".join)
@pytest.mark.parametrize("arguments", [(), ("x",), ("x", "y"), ("--no-such-option",)])
def test_A126_with_json_each_command_answers_in_json_whatever_is_wrong(
    run: Run, words: tuple[str, ...], arguments: tuple[str, ...]
) -> None:
    told = run(*words, *arguments, "--json")
    assert told.exit_code in {2, 3}
    said = json.loads(told.stdout)
    assert all(one["message"] for one in said.get("errors") or said["findings"])


def test_F22_a_key_of_the_other_mode_is_refused_by_a_database_in_use(run: Run) -> None:
    assert run("migrate", **GOOD).exit_code == 0
    live = {name: value for name, value in GOOD.items() if name != "STRIPE_API_BASE"}
    live["STRIPE_API_KEY"] = "rk_live_abc1234567"
    told = run("migrate", **live)
    assert told.exit_code == 3
    assert "B123" in told.output
