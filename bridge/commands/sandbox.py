"""`bridge sandbox`: only the two simulated servers. It loads nothing else, so it starts at once."""

from bridge.sandbox.__main__ import main as sandbox

__all__ = ["sandbox"]
