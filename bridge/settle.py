"""How long several events of one customer are gathered into one round of work."""

SETTLE_SECONDS = 1.0
