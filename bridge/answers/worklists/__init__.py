"""What waits for a moderator, list by list, with what can be done about each row."""
