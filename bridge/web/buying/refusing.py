"""A friendly page that refuses something: why, and the ways on."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from flask import Response, render_template
from werkzeug.wrappers import Response as AnyResponse

from bridge.web.buying.coming import came_from


@dataclass(frozen=True, slots=True)
class Way:
    """The ways on from a page that refuses something."""

    words: str
    url: str


class Refused(Exception):
    """This cannot be bought like this; a page says why, with ways on."""

    def __init__(self, title: str, sentence: str, ways: Sequence[Way] = ()) -> None:
        super().__init__(sentence)
        self.title, self.sentence, self.ways = title, sentence, ways


def show(refused: Refused) -> AnyResponse:
    """The page; Flask's handler of the exception."""
    page = render_template(
        "refused.jinja",
        title=refused.title,
        sentence=refused.sentence,
        ways=refused.ways,
        back=came_from(),
    )
    return Response(page, 409)
