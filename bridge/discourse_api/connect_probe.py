"""Lets the doctor ask the forum who is signed in, signed with the sign-in's secret.

By what Discourse 3.2 and 3.5 answer to a silent question: a redirect when the signature is right,
422 when it is not, 400 for a host without a secret, 404 while the provider is switched off.
"""

from __future__ import annotations

from typing import Literal

import requests

from bridge.discourse_api.http import PUBLIC_TIMEOUT, USER_AGENT, reply
from bridge.discourse_api.refusals import failure
from bridge.errors import Blocked, Transient

Said = Literal["accepted", "wrong", "no_secret", "off", "unclear"]
_SAID: dict[int, Said] = {302: "accepted", 422: "wrong", 400: "no_secret", 404: "off"}


def ask(address: str) -> Said:
    """The forum's answer to a silent question. Raises: Transient if it does not answer."""
    try:
        response = requests.get(
            address,
            headers={"User-Agent": USER_AGENT},
            timeout=PUBLIC_TIMEOUT,
            allow_redirects=False,
        )
    except requests.RequestException as error:
        name = type(error).__name__
        raise Transient(f"GET /session/sso_provider: Discourse was not reached ({name})") from error
    problem = failure("GET", "/session/sso_provider", reply(response))
    if isinstance(problem, Blocked):
        raise problem
    return _SAID.get(response.status_code, "unclear")
