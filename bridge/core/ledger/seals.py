"""A chain of hashes over the ledger's lines, so that nothing once shown can vanish unnoticed."""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict

from bridge.core.ledger.line import Line

START = "0" * 64
CODE_LENGTH = 12  # 48 bits: enough to find a place in the chain, and short enough to type


def digest(line: Line) -> str:
    """The hash of everything that a line says."""
    said = asdict(line) | {"at": line.at.isoformat()}
    return _sha256(json.dumps(said, sort_keys=True, ensure_ascii=False, separators=(",", ":")))


def link(chain: str, of_line: str) -> str:
    """The chain after one more line."""
    return _sha256(f"{chain}{of_line}")


def code(chain: str) -> str:
    """The code on a statement or report: the beginning of the chain's hash."""
    return chain[:CODE_LENGTH]


def _sha256(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()
