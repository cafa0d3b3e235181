"""`bridge sandbox`: the two simulated servers alone. Loads nothing else, so it is up at once."""

from bridge.sandbox.__main__ import main as sandbox

__all__ = ["sandbox"]
