"""How the blank objects are written down: keys that are null, keys that are not."""

from __future__ import annotations

from typing import Any

Obj = dict[str, Any]
CONTAINERS = (dict, list)  # spelled out: a union would be made again for every value


def nulls(names: str) -> Obj:
    """Names separated by spaces, each null."""
    return dict.fromkeys(names.split())


def shape(kind: str, null_names: str = "", /, **values: Any) -> Obj:
    """An object with the keys that nearly every object has."""
    return {
        "id": None,
        "object": kind,
        "created": None,
        "livemode": False,
        "metadata": {},
        **nulls(null_names),
        **values,
    }


def without(full: Obj, *names: str) -> Obj:
    """A shape that lacks some of the usual keys."""
    return {k: v for k, v in full.items() if k not in names}


def copied(value: Any) -> Any:
    """A copy of plain data."""
    if isinstance(value, dict):
        return {k: copied(v) if isinstance(v, CONTAINERS) else v for k, v in value.items()}
    return [copied(v) for v in value] if isinstance(value, list) else value


def plain(value: Any) -> Any:
    """A copy without the sandbox's own keys; a person's metadata may begin with what it likes."""
    if isinstance(value, dict):
        is_object = "object" in value
        return {
            k: plain(v) if isinstance(v, CONTAINERS) else v
            for k, v in value.items()
            if not (is_object and k[:1] == "_")
        }
    return [plain(v) for v in value] if isinstance(value, list) else value


SELF = {"type": "self"}
NO_TAX = {"enabled": False, "liability": None, "disabled_reason": None}
NO_ADDRESS = nulls("city country line1 line2 postal_code state")
BILLING_DETAILS = {"address": NO_ADDRESS, **nulls("email name phone tax_id")}
CARD_CHECKS = {
    "address_line1_check": None,
    "address_postal_code_check": None,
    "cvc_check": "pass",
}
