"""What happened, as webhooks tell it, and what is to be read because of it."""
