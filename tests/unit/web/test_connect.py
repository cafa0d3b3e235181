"""The sign-in protocol: the request to the forum, and which answers are accepted."""

from __future__ import annotations

import base64
import hashlib
import hmac
from urllib.parse import parse_qs, urlencode, urlsplit

import pytest

from bridge.core.signed.connect import (
    BadAnswer,
    NotSignedIn,
    SignedIn,
    login_address,
    question,
    read_answer,
    silent_address,
)

SECRET = "a-secret-of-the-forum"
RETURN = "https://bridge.example.org/login/callback"


def answer(secret: str = SECRET, **fields: str) -> tuple[str, str]:
    payload = base64.b64encode(urlencode(fields).encode()).decode()
    return payload, hmac.new(secret.encode(), payload.encode(), hashlib.sha256).hexdigest()


def asked(query: str) -> dict[str, list[str]]:
    parameters = parse_qs(query)
    return parse_qs(base64.b64decode(parameters["sso"][0]).decode())


def test_the_question_is_signed_and_names_nonce_and_way_back() -> None:
    query = question("n1", RETURN, SECRET, silent=True)
    parameters = parse_qs(query)
    wanted = hmac.new(SECRET.encode(), parameters["sso"][0].encode(), hashlib.sha256).hexdigest()
    assert parameters["sig"] == [wanted]
    assert asked(query) == {"nonce": ["n1"], "return_sso_url": [RETURN], "prompt": ["none"]}


def test_only_the_silent_question_forbids_the_login_form() -> None:
    assert "prompt" not in asked(question("n1", RETURN, SECRET, silent=False))


def test_the_forum_s_word_is_taken_for_its_numeric_id() -> None:
    sso, sig = answer(nonce="n1", external_id="42", username="ada", email="ada@example.org")
    assert read_answer(sso, sig, SECRET) == SignedIn("n1", 42, "ada")


def test_a_failed_silent_question_is_nobody() -> None:
    sso, sig = answer(nonce="n1", failed="true")
    assert read_answer(sso, sig, SECRET) == NotSignedIn("n1")


def test_nobody_is_signed_in_by_a_failure_that_also_names_somebody() -> None:
    sso, sig = answer(nonce="n1", failed="true", external_id="1", username="ada")
    assert read_answer(sso, sig, SECRET) == NotSignedIn("n1")


def test_another_secret_s_signature_is_refused() -> None:
    sso, sig = answer("another secret", nonce="n1", external_id="42", username="ada")
    with pytest.raises(BadAnswer, match="signature"):
        read_answer(sso, sig, SECRET)


def test_a_changed_payload_is_refused() -> None:
    _, sig = answer(nonce="n1", external_id="42", username="ada")
    sso, _ = answer(nonce="n1", external_id="1", username="ada")
    with pytest.raises(BadAnswer, match="signature"):
        read_answer(sso, sig, SECRET)


@pytest.mark.parametrize("sig", ["", "é", "0" * 64])
def test_rubbish_for_a_signature_is_refused_without_a_crash(sig: str) -> None:
    sso, _ = answer(nonce="n1", external_id="42", username="ada")
    with pytest.raises(BadAnswer, match="signature"):
        read_answer(sso, sig, SECRET)


@pytest.mark.parametrize(
    "fields",
    [
        {"external_id": "42", "username": "ada"},
        {"nonce": "", "external_id": "42", "username": "ada"},
        {"nonce": "n1", "username": "ada"},
        {"nonce": "n1", "external_id": "42"},
        {"nonce": "n1", "external_id": "-1", "username": "ada"},
        {"nonce": "n1", "external_id": "0", "username": "ada"},
        {"nonce": "n1", "external_id": "٤٢", "username": "ada"},
        {"nonce": "n1", "external_id": "4" * 40, "username": "ada"},
    ],
)
def test_an_answer_that_names_nobody_is_refused(fields: dict[str, str]) -> None:
    with pytest.raises(BadAnswer):
        read_answer(*answer(**fields), SECRET)


@pytest.mark.parametrize("payload", [base64.b64encode(b"\xff\xfe\xff").decode(), "é", "A"])
def test_an_answer_that_is_not_text_is_refused(payload: str) -> None:
    sig = hmac.new(SECRET.encode(), payload.encode(), hashlib.sha256).hexdigest()
    with pytest.raises(BadAnswer, match="not readable"):
        read_answer(payload, sig, SECRET)


def test_an_endless_answer_is_refused_before_it_is_hashed() -> None:
    with pytest.raises(BadAnswer, match="longer"):
        read_answer("A" * 30_000, "0" * 64, SECRET)


def test_an_error_message_never_repeats_the_payload() -> None:
    sso, sig = answer("another secret", nonce="n1", external_id="42", username="ada")
    with pytest.raises(BadAnswer) as caught:
        read_answer(sso, sig, SECRET)
    assert sso not in str(caught.value)


@pytest.mark.parametrize("version", ["Discourse 3.5.0.beta9-dev", "Discourse 2026.1.0", None, "?"])
def test_A100_newer_forums_are_asked_through_their_login_page(version: str | None) -> None:
    address = login_address("https://forum.example.org", "sso=a%3D&sig=b", version)
    parts = urlsplit(address)
    assert (parts.netloc, parts.path) == ("forum.example.org", "/login")
    assert parse_qs(parts.query) == {"redirect": ["/session/sso_provider?sso=a%3D&sig=b"]}


@pytest.mark.parametrize("version", ["Discourse 3.2.0.beta4-dev", "Discourse 2.8.14", "3.4.7"])
def test_A100_older_forums_are_asked_straight(version: str) -> None:
    forum = "https://forum.example.org"
    assert login_address(forum, "sso=a", version) == silent_address(forum, "sso=a")


def test_A100_a_forum_in_a_folder_is_returned_to_in_its_folder() -> None:
    address = login_address("https://example.org/forum", "sso=a&sig=b", "3.5.0")
    assert address.startswith("https://example.org/forum/login?redirect=")
    assert parse_qs(urlsplit(address).query) == {
        "redirect": ["/forum/session/sso_provider?sso=a&sig=b"]
    }
