"""Checks everything that the bridge needs, and changes nothing."""
