"""Events from webhooks, and what the bridge reads because of them."""
