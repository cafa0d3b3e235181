"""The doctor's questions to Stripe: which rights has this key? Asking changes nothing.

A read is tried with one row. A write is tried on a customer that cannot exist, or without a
parameter it needs. Stripe checks the key first, so anything but 401 and 403 means that the key has
the right.
"""

from __future__ import annotations

from bridge.core.model.check import Check
from bridge.errors import Forbidden, Permanent
from bridge.stripe_api.http import StripeHttp
from bridge.stripe_api.scopes import ENTITLEMENTS, NOTES, REFUNDS, SCOPES, Scope


def probe_scopes(http: StripeHttp, *, features: bool = False, refunds: bool = False) -> list[Check]:
    """Try everything that the bridge does, in about twenty requests."""
    scopes = (*SCOPES, *([ENTITLEMENTS] if features else []), *((REFUNDS, NOTES) * refunds))
    checks = [_try(http, scope) for scope in scopes]
    if not any(check.ok for check in checks):
        return [
            Check(
                "key",
                ok=False,
                message="Stripe refuses everything: STRIPE_API_KEY is wrong, revoked or expired",
            )
        ]
    return [Check("key", ok=True, message="Stripe accepts the key"), *checks]


def _try(http: StripeHttp, scope: Scope) -> Check:
    try:
        if scope.sent is None:
            http.get(scope.path, limit=1)
        else:
            http.post(scope.path, scope.sent)
    except Forbidden:
        message = f"The key lacks {scope.name}: {scope.lost}"
        return Check(scope.name, ok=False, message=message, needed=scope.needed)
    except Permanent:
        pass  # the key is accepted and the request refused, as it should be
    return Check(scope.name, ok=True, message=f"The key has {scope.name}", needed=scope.needed)
