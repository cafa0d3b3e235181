"""Statements that the bridge and the forum sign, so that others can carry them."""
