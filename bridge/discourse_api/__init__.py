"""The forum's API as the bridge uses it; the only place that knows Discourse's library."""
