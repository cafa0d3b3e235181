"""Who may be in what, from when, until when, and why."""
