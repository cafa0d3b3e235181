"""The whole system on simulated servers, and a member's life told while it happens."""
