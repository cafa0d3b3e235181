"""Structured logs: one line per decision, with ids. E-mail addresses and secrets never get out.

On a terminal the lines are key=value, elsewhere JSON. Lines of libraries take the same form.
"""

from __future__ import annotations

import logging
import re
import sys
from collections.abc import Mapping, MutableMapping
from typing import Any

import structlog
from structlog.typing import Processor

# Words that someone may put into a log line by mistake; their values never belong there.
NEVER = frozenset({"email", "body", "payload", "raw", "secret", "api_key", "authorization"})
HIDDEN = "…"
_ADDRESS = re.compile(r"[^\s@<>\"'=:,;()\[\]]+@[^\s@<>\"'=:,;()\[\]]+\.[^\s@<>\"'=:,;()\[\]]+")
_SECRET = re.compile(r"\b(?:(?:sk|rk)_(?:live|test)|whsec)_\w+|(?<=://)[^\s/@]+:[^\s/@]+(?=@)")


_SHARED: list[Processor] = [
    structlog.contextvars.merge_contextvars,
    structlog.stdlib.add_logger_name,
    structlog.stdlib.add_log_level,
    structlog.processors.TimeStamper(fmt="iso", utc=True, key="at"),
]
# Always this very list: loggers keep the one that they met first.
_PROCESSORS: list[Processor] = [
    structlog.stdlib.filter_by_level,
    *_SHARED,
    structlog.stdlib.ProcessorFormatter.wrap_for_formatter,
]


def configure(level: str = "INFO", *, stream: Any = None) -> None:
    """Set up all logging of this process; to be called once, before a worker starts."""
    stream = stream or sys.stderr
    structlog.configure(
        processors=_PROCESSORS,
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=True,
    )
    handler = logging.StreamHandler(stream)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=[*_SHARED, structlog.stdlib.ExtraAdder()],
            processors=[
                structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                structlog.processors.format_exc_info,
                discreet,
                _renderer(on_terminal=stream.isatty()),
            ],
        )
    )
    root = logging.getLogger()
    root.handlers = [handler]
    root.setLevel(level)
    # RQ gives a logger without a handler of its own plain-text handlers and cuts it off from the
    # root (rq/logutils.py, 3.0.0), so its loggers are given ours first.
    rq = logging.getLogger("rq")
    rq.handlers, rq.propagate = [handler], False
    # These tell every request, with addresses in full; our own lines tell what matters.
    for noisy in ("urllib3", "stripe", "pydiscourse", "alembic"):
        logging.getLogger(noisy).setLevel(max(logging.WARNING, root.level))


def discreet(
    _logger: Any, _method: str, line: MutableMapping[str, Any]
) -> MutableMapping[str, Any]:
    """Hide what must never be logged, no matter which code logs it."""
    for key, value in line.items():
        line[key] = HIDDEN if key.lower() in NEVER else _hidden(value)
    return line


def _hidden(value: Any) -> Any:
    if value is None or isinstance(value, bool | int | float):
        return value
    if isinstance(value, Mapping):
        return {k: HIDDEN if str(k).lower() in NEVER else _hidden(v) for k, v in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [_hidden(one) for one in value]
    return _SECRET.sub(HIDDEN, _ADDRESS.sub(HIDDEN, str(value)))


def _renderer(*, on_terminal: bool) -> Processor:
    if on_terminal:
        return structlog.processors.KeyValueRenderer(
            key_order=["at", "level", "event"], drop_missing=True
        )
    return structlog.processors.JSONRenderer(ensure_ascii=False)
