"""What webhooks report, and what is to be read because of it."""
