import json
import re
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


def all_commands() -> Iterator[tuple[tuple[str, ...], click.Command]]:
    """Each command that does something when it is typed, with its words."""
    pending: list[tuple[click.Command, tuple[str, ...]]] = [(main, ())]
    while pending:
        command, words = pending.pop()
        if isinstance(command, click.Group):
            context = click.Context(command)
            named = ((command.get_command(context, n), n) for n in command.list_commands(context))
            pending += [(found, (*words, name)) for found, name in named if found]
        if not isinstance(command, click.Group) or (words and command.invoke_without_command):
            yield words, command


def every_command() -> Iterator[tuple[str, ...]]:
    """The words of each command that has `--json`."""
    for words, command in all_commands():
        is_group = isinstance(command, click.Group)
        if not is_group and any("--json" in one.opts for one in command.params):
            yield words


@pytest.mark.parametrize("words", sorted(every_command()), ids=" ".join)
def test_A126_with_json_each_command_answers_in_json_whatever_is_wrong(
    run: Run, words: tuple[str, ...]
) -> None:
    for arguments in ((), ("x",), ("x", "y"), ("--no-such-option",)):
        told = run(*words, *arguments, "--json")
        assert told.exit_code in {2, 3}, arguments
        said = json.loads(told.stdout)
        assert all(one["message"] for one in said.get("errors") or said["findings"]), arguments


def test_F22_a_key_of_the_other_mode_is_refused_by_a_database_in_use(run: Run) -> None:
    assert run("migrate", **GOOD).exit_code == 0
    live = {name: value for name, value in GOOD.items() if name != "STRIPE_API_BASE"}
    live["STRIPE_API_KEY"] = "rk_live_abc1234567"
    told = run("migrate", **live)
    assert told.exit_code == 3
    assert "B123" in told.output


BY = ("--by", "ada")
CHANGING: tuple[tuple[str, ...], ...] = (
    ("adopt",),
    ("archive", "write", "everything.zip"),
    ("bank", "assign", "row", "ada", *BY),
    ("bank", "ignore", "row"),
    ("campaign", "new", "A", "--price", "p", "--for-ending-before", "2027-01-01", "--out", "a.csv"),
    ("campaign", "revoke", "A"),
    ("change", "ada", "price_1", "--apply", *BY),
    ("export", "csv"),
    ("grant", "ada", "guests", *BY),
    ("keep", "ada", "guests", *BY),
    ("let-go", "ada", "guests", *BY),
    ("lift", "ada", "guests", *BY),
    ("link", "cus_1", "ada"),
    ("mapping", "set", "price_1", "grace", "14d", *BY),
    ("refund", "in_1", *BY),
    ("register", "approve", "ada", *BY),
    ("register", "correct", "act:1", *BY),
    ("register", "decline", "ada", *BY),
    ("register", "issue", "ada", "--count", "1", "--price", "5", "--currency", "eur", *BY),
    ("register", "step", "ada", "approved", *BY),
    ("register", "transfer", "1-2", "ada", *BY),
    ("register", "withdraw", "1-2", *BY),
    ("release", "guests"),
    ("relink", "id:7", "ada", *BY),
    ("reverse-payment", "hand:1", *BY),
    ("revoke", "grant:1", *BY),
    *(("seats", "sub_1", action, "ada", *BY) for action in ("assign", "take-back", "unassign")),
    *(("subscription", act, "sub_1", *BY) for act in ("cancel", "keep", "pause", "resume")),
    ("token", "--revoke", "token:1"),
    ("undo", "1", *BY),
    ("unlink", "cus_1"),
    ("unrelink", "id:7", *BY),
)
NO_REASON = {
    "runs the bridge": "up web worker sweep migrate demo sandbox",
    "changes nothing": "doctor plan explain mapping alerts reference bank archive.read "
    "campaign.list bank.reference campaign.show ledger.check ledger.lines "
    "ledger.verify register.members register.shares",
    "reads again what Stripe says": "sync replay",
    "makes the same lines of the same facts": "ledger.update ledger.rebuild",
    "sends a message that is theirs": "statements",
    "says in --what what it was for": "record-payment",
    "each transfer names its member": "bank.import",
    "each line of the file has its reason": "import",
    "is itself what somebody writes": "ledger.note",
}


@pytest.mark.parametrize("words", CHANGING, ids=" ".join)
def test_A48_a_command_that_changes_something_needs_a_reason(
    run: Run, words: tuple[str, ...]
) -> None:
    told = run(*words)
    assert told.exit_code == 2, told.output
    assert "--reason" in told.output


def test_A48_each_command_either_needs_a_reason_or_says_here_why_it_needs_none() -> None:
    every = {".".join(words) for words, _ in all_commands()}
    typed = {".".join(words) for words in CHANGING}
    needs = {one for one in every if any(f"{words}.".startswith(f"{one}.") for words in typed)}
    spared = {one for names in NO_REASON.values() for one in names.split()}
    assert every == needs | spared
    assert needs & spared <= {"mapping", "bank"}, "which list what there is"


PREVIEWED = ("revoke", "link", "seats", "release", "adopt", "undo", "grant", "relink", "unrelink")


@pytest.mark.parametrize("command", PREVIEWED)
def test_a_preview_needs_no_reason(run: Run, command: str) -> None:
    (words, *_) = (one for one in CHANGING if one[0] == command)
    told = run(*words, "--preview", **GOOD)
    assert "--reason" not in told.output


def test_help_says_of_each_reason_and_moderator_that_a_change_requires_them(run: Run) -> None:
    seen = 0
    for words, _ in all_commands():
        told = run(*words, "--help").output
        for option in re.findall(r"^  (--reason .*?)(?=^  -)", told, re.MULTILINE | re.DOTALL):
            seen += 1
            assert "[required" in " ".join(option.split()), words
    assert seen > len(PREVIEWED)
    told = " ".join(run("grant", "--help").output.split())
    assert told.count("[required for a grant]") == len(("--reason", "--by"))


@pytest.mark.parametrize(
    "words",
    [
        ("record-payment", "eve", "--currency", "eur", "--method", "cash", *BY, "--date"),
        ("register", "issue", "eve", "--count", "1", *BY, "--date"),
        ("register", "shares", "--as-of"),
        ("explain", "eve", "--at"),
        ("export", "csv", "--from"),
        ("grant", "eve", "guests", "--until"),
        ("token", "--until"),
    ],
)
def test_A148_a_day_that_the_calendar_lacks_is_refused_in_the_same_words_everywhere(
    run: Run, words: tuple[str, ...]
) -> None:
    told = run(*words, "2027-02-29")
    assert told.exit_code == 2
    assert "the calendar has no day 2027-02-29: check month and day" in told.output
