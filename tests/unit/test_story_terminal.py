"""The statement as the story shows it in a terminal."""

from io import StringIO

import pytest
from rich.console import Console
from rich.markdown import Markdown

from bridge.demo.terminal import readable

MESSAGE = """\
**You pay** <small>by card</small>

[details="2027 · €24.97"]
| Date | What for | Amount |
|---|---|--:|
| 30 Jan | Patron and 1 more<br><small>Patron: €15.00</small><br><small>5 \\| 3 < 8: -€4.99</small> | €24.97 |
| 28 Jan | Supporter | €5.00 |
[/details]

<small>As of [date=2027-02-28 time=14:55:00 timezone="Etc/UTC"].</small>
"""  # noqa: E501 - a row of a table is one line


def shown() -> list[list[str]]:
    out = StringIO()
    Console(file=out, width=80).print(Markdown(readable(MESSAGE)))
    return [line.split() for line in out.getvalue().splitlines() if line.strip()]


@pytest.mark.parametrize(
    "line",
    [
        "You pay by card",
        "2027 · €24.97",
        "30 Jan Patron and 1 more €24.97",
        "Patron: €15.00",
        "5 | 3 < 8: -€4.99",
        "28 Jan Supporter €5.00",
        "As of 2027-02-28, 14:55 UTC.",
    ],
)
def test_A128_each_part_of_a_payment_has_a_line_of_its_own(line: str) -> None:
    assert line.split() in shown()


def test_A128_lines_outside_a_table_break_too() -> None:
    assert readable("Paid<br>with credit").split() == ["Paid", "with", "credit"]
    assert readable("Paid<br/>with credit") == "Paid  \nwith credit"
