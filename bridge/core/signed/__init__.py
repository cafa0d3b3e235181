"""Statements signed by the bridge and the forum, so that others can carry them."""
