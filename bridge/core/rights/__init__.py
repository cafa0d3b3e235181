"""Rights: who may be in which group, from when, until when, and why."""
