"""Decisions: pure functions of their arguments, `now` included.

No I/O, no clock, no environment, no logging.
"""
