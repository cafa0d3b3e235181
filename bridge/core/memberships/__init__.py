"""Who is in a group, should be in it, and was in it."""
