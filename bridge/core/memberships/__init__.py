"""Who is in a group, is to be in it, and was in it."""
