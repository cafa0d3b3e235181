"""Reads a request's parameters as Stripe does: typed, complete, and nothing unknown.

`params.json` says for each operation which parameters it takes; `tests/contract` derives it from
the types of the official SDK. A type is one of: `s` text, `i` integer, `b` boolean, `n` decimal
number, `m` a map of texts, `*` anything, `=a|b` one of these words (also after `i` or `b`), a list
of one type, an object of named types (`name!` is required), `{"*": type}` for an object whose names
are anybody's, or `{"|": [types]}` alternatives.
"""

from __future__ import annotations

import json
import re
from decimal import Decimal, InvalidOperation
from functools import cache
from pathlib import Path
from typing import Any

from bridge.sandbox.stripe.errors import StripeError, invalid

Spec = Any
METADATA_KEYS = 50
# The lowest value of a number, wherever it is a parameter.
LEAST = {
    **dict.fromkeys(("days_until_due", "quantity", "trial_period_days", "unit_amount"), 0),
    **dict.fromkeys(("credit_amount", "refund_amount", "out_of_band_amount", "percentage"), 0),
    **dict.fromkeys(("amount_to_capture", "duration_in_months", "max_redemptions"), 1),
}
KNOWN_CODES = (
    "aed afn all amd ang aoa ars aud awg azn bam bbd bdt bgn bhd bif bmd bnd bob brl bsd btn "
    "bwp byn bzd cad cdf chf clp cny cop crc cve czk djf dkk dop dzd egp etb eur fjd fkp gbp "
    "gel ghs gip gmd gnf gtq gyd hkd hnl htg huf idr ils inr isk jmd jod jpy kes kgs khr kmf "
    "krw kwd kyd kzt lak lbp lkr lrd lsl mad mdl mga mkd mmk mnt mop mur mvr mwk mxn myr mzn "
    "nad ngn nio nok npr nzd omr pab pen pgk php pkr pln pyg qar ron rsd rub rwf sar sbd scr "
    "sek sgd shp sle sos srd std szl thb tjs tnd top try ttd twd tzs uah ugx usd uyu uzs vnd "
    "vuv wst xaf xcd xof xpf yer zar zmw"
)
CURRENCIES = frozenset(KNOWN_CODES.split())


@cache
def specs() -> dict[str, dict[str, Spec]]:
    """Operation, with `{}` for each id in its path -> its parameters."""
    table: dict[str, dict[str, Spec]] = json.loads(
        Path(__file__).with_name("params.json").read_text()
    )
    return table


def nest(pairs: list[tuple[str, str]]) -> dict[str, Any]:
    """Turn `a[b][0]=x` pairs into nested dicts; lists stay dicts by index until they are typed."""
    root: dict[str, Any] = {}
    for key, value in pairs:
        first, _, rest = key.partition("[")
        path = [first, *re.findall(r"([^\[\]]*)\]", rest)]
        node = root
        for part in path[:-1]:
            step = node.setdefault(part or str(len(node)), {})
            if not isinstance(step, dict):
                raise invalid(f"Invalid parameter {key}", param=first)
            node = step
        last = path[-1] or str(len(node))
        node[last] = value
    return root


def read(
    operation: str, given: dict[str, Any], more: dict[str, Spec] | None = None
) -> dict[str, Any]:
    """The parameters of an operation, typed. Raises Stripe's 400.

    `more`: parameters of older versions; those that the newest requires may then be missing.
    """
    spec = specs().get(operation, {})
    if more:
        spec = _merged({name.rstrip("!"): inner for name, inner in spec.items()}, more)
    result: dict[str, Any] = _object({**spec, "expand": ["s"]}, given, "")
    return result


def _merged(spec: Spec, more: Spec) -> Spec:
    if isinstance(spec, dict) and isinstance(more, dict):
        return {**spec, **{k: _merged(spec.get(k), v) for k, v in more.items()}}
    if isinstance(spec, list) and isinstance(more, list):
        return [_merged(spec[0], more[0])]
    return more


def _object(spec: dict[str, Spec], value: Any, path: str) -> Any:
    if value == "":
        return None
    if not isinstance(value, dict):
        raise invalid(f"Invalid object: {value}", param=path)
    names = {name.rstrip("!"): inner for name, inner in spec.items()}
    unknown = [_join(path, k) for k in value if k not in names]
    if unknown:
        plural = "s" if len(unknown) > 1 else ""
        raise invalid(
            f"Received unknown parameter{plural}: {', '.join(unknown)}",
            param=unknown[0],
            code="parameter_unknown",
        )
    for name in spec:
        if name.endswith("!") and name[:-1] not in value:
            full = _join(path, name[:-1])
            raise invalid(f"Missing required param: {full}.", param=full, code="parameter_missing")
    return {k: typed(names[k], v, _join(path, k)) for k, v in value.items()}


def _join(path: str, name: str) -> str:
    return f"{path}[{name}]" if path else name


def typed(spec: Spec, value: Any, path: str) -> Any:
    """One value in its type."""
    if isinstance(spec, list):
        return _list(spec[0], value, path)
    if isinstance(spec, dict) and "*" in spec:
        named = dict.fromkeys(value, spec["*"]) if isinstance(value, dict) else {}
        return _object(named, value, path)
    if isinstance(spec, dict):
        return _alternatives(spec["|"], value, path) if "|" in spec else _object(spec, value, path)
    if spec == "*":
        return _plain(value)
    if spec == "m":
        return _map(value, path)
    return _scalar(spec, value, path)


def _list(spec: Spec, value: Any, path: str) -> list[Any]:
    if value == "":
        return []
    if isinstance(value, dict):
        value = [value[k] for k in sorted(value, key=lambda k: int(k) if k.isdigit() else 0)]
    if not isinstance(value, list):
        raise invalid("Invalid array", param=path)
    return [typed(spec, v, f"{path}[{n}]") for n, v in enumerate(value)]


def _alternatives(specs_: list[Spec], value: Any, path: str) -> Any:
    structured = isinstance(value, dict)
    for spec in specs_:
        if structured != isinstance(spec, str):
            return typed(spec, value, path)
    return typed(specs_[0], value, path)


def _map(value: Any, path: str) -> Any:
    if value == "":
        return None
    if not isinstance(value, dict):
        raise invalid("Invalid object", param=path)
    if any(isinstance(v, dict) for v in value.values()):
        raise invalid("Metadata values must be strings", param=path)
    if len(value) > METADATA_KEYS:
        raise invalid(f"Metadata can have up to {METADATA_KEYS} keys.", param=path)
    for what, longest, texts in (("key", 40, value), ("value", 500, value.values())):
        if long := next((text for text in map(str, texts) if len(text) > longest), None):
            raise invalid(
                f"Metadata {what}s can have up to {longest} characters, but you passed in a "
                f"{what} that is {len(long)} characters. Invalid {what}: {long}",
                param=path,
            )
    return {k: str(v) for k, v in value.items()}


def _plain(value: Any) -> Any:
    """Untyped values: indexes become lists, words of booleans and whole numbers what they mean."""
    if isinstance(value, dict):
        if value and all(k.isdigit() for k in value):
            return [_plain(v) for v in value.values()]
        return {k: _plain(v) for k, v in value.items()}
    if value in ("true", "false"):
        return value == "true"
    if isinstance(value, str) and re.fullmatch(r"-?\d{1,15}", value):
        return int(value)
    return value


def _scalar(spec: str, value: Any, path: str) -> Any:
    if isinstance(value, dict | list):
        raise invalid(f"Invalid {_kind(spec)}", param=path)
    if value == "":
        return "" if spec == "s" else None
    kind, _, words = spec.partition("=")
    if words and str(value) in words.split("|"):
        return value
    if not kind:
        raise _wrong_word(words.split("|"), path)
    read_ = [reader(value) for letter, reader in READERS.items() if letter in kind]
    known = [value for value in read_ if value is not None]
    _check_value(path.rpartition("[")[2].removesuffix("]"), known[0] if known else value, path)
    if known or "s" in kind:
        return known[0] if known else str(value)
    name = _kind(kind)
    raise invalid(f"Invalid {name}: {value}", param=path, code=f"parameter_invalid_{name}")


def _check_value(name: str, value: Any, path: str) -> None:
    """The rules for a name wherever it is a parameter."""
    if isinstance(value, int | float) and value < LEAST.get(name, value):
        raise invalid(f"This value must be greater than or equal to {LEAST[name]}.", path)
    if name == "currency" and str(value).lower() not in CURRENCIES:
        raise invalid(f"Invalid currency: {str(value).lower()}.", path)


def _kind(spec: str) -> str:
    return {"i": "integer", "b": "boolean", "n": "decimal"}.get(spec[:1], "string")


def _integer(value: Any) -> int | None:
    if isinstance(value, int) and not isinstance(value, bool):
        return value
    return int(value) if re.fullmatch(r"-?\d+", str(value)) else None


def _boolean(value: Any) -> bool | None:
    return {"true": True, "false": False}.get(str(value).lower())


def _number(value: Any) -> float | None:
    try:
        return float(Decimal(str(value)))
    except InvalidOperation:
        return None


READERS = {"i": _integer, "b": _boolean, "n": _number}


def _wrong_word(words: list[str], path: str) -> StripeError:
    listed = f"{', '.join(words[:-1])}, or {words[-1]}" if len(words) > 1 else words[0]
    return invalid(f"Invalid {path}: must be one of {listed}", param=path)
