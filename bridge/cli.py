"""The `bridge` command. Each command is in `bridge.commands` and is loaded when it is asked for.

Exit codes: 0 done, 1 problems found or failed, 2 wrong usage, 3 wrong settings, 4 not possible now.
"""

from __future__ import annotations

import importlib
import json
import os
import sys
from keyword import iskeyword
from typing import Any

import click

from bridge import errors
from bridge.commands.exits import FAILED, NOT_NOW, WRONG_SETTINGS
from bridge.commands.hints import hint_of
from bridge.core.telling.visible import escaped, visible
from bridge.errors import WrongConfig

# Command -> its module in bridge.commands. Loading all of them for each would take half a second.
COMMANDS = {
    "up": "run",
    "web": "run",
    "worker": "run",
    "sweep": "run",
    "migrate": "run",
    "doctor": "doctor",
    "plan": "asking",
    "explain": "asking",
    "mapping": "mapping",
    "alerts": "asking",
    "link": "people",
    "unlink": "people",
    "sync": "again",
    "replay": "again",
    "release": "again",
    "statements": "again",
    "grant": "membership",
    "revoke": "membership",
    "lift": "membership",
    "undo": "undoing",
    "keep": "membership",
    "let-go": "membership",
    "adopt": "adopting",
    "relink": "people",
    "unrelink": "people",
    "record-payment": "payments",
    "reverse-payment": "payments",
    "reference": "people",
    "change": "changing",
    "subscription": "stopping",
    "refund": "refunding",
    "seats": "seats",
    "campaign": "campaigns",
    "import": "importing",
    "bank": "bank",
    "token": "tokens",
    "ledger": "ledger",
    "export": "ledger",
    "register": "register",
    "archive": "archive",
    "demo": "demo",
    "sandbox": "sandbox",
}


class Commands(click.Group):
    """Finds a command in its module, and turns the project's errors into words and exit codes."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """In the order of the table: running, checking, people, rehearsing."""
        del ctx
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Import the module and take the command of that name."""
        del ctx
        if cmd_name not in COMMANDS:
            return None
        module = importlib.import_module(f"bridge.commands.{COMMANDS[cmd_name]}")
        name = cmd_name.replace("-", "_")
        command: click.Command = getattr(module, f"{name}_" if iskeyword(name) else name)
        return command

    def invoke(self, ctx: click.Context) -> Any:
        """Run it. A wrong setting ends with 3, something out of reach with 4, a refusal with 1."""
        is_json = "--json" in ctx.args
        say = _say_as_json if is_json else _say
        try:
            return super().invoke(ctx)
        except click.UsageError as error:
            if not is_json:
                raise
            where = error.ctx.command_path if error.ctx else "bridge"
            say(("", error.format_message(), f"Try {where} --help."))
            sys.exit(error.exit_code)
        except WrongConfig as error:
            say(*((one.code, one.message, one.hint) for one in error.problems))
            sys.exit(WRONG_SETTINGS)
        except errors.Config as error:
            say((error.code, error.message, error.hint))
            sys.exit(WRONG_SETTINGS)
        except errors.Transient as error:
            say(("", str(error), "Try again later."))
            sys.exit(NOT_NOW)
        except errors.BridgeError as error:
            say(("", str(error), hint_of(error)))
            sys.exit(FAILED)


@click.command(cls=Commands, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="community-subscription-bridge", prog_name="bridge")
def main() -> None:
    """Keep Discourse groups in step with what people bought on Stripe."""
    # Databases, sockets, exports and logs tell who pays for what: only their owner may read them.
    os.umask(0o077)


def _say(*problems: tuple[str, str, str]) -> None:
    """Tell people: code, message and hint of each problem."""
    for code, message, hint in problems:
        click.secho(f"{code} " if code else "", fg="red", bold=True, nl=False, err=True)
        click.echo(visible(message), err=True)
        if hint:
            click.echo(f"     {visible(hint)}", err=True)


def _say_as_json(*problems: tuple[str, str, str]) -> None:
    """Tell a script: `--json` answers in JSON, whatever happens (A126)."""
    names = ("code", "message", "hint")
    told = {"errors": [dict(zip(names, one, strict=True)) for one in problems]}
    click.echo(escaped(json.dumps(told, indent=2, ensure_ascii=False)))
