"""The console: what moderators see and decide, in a browser, signed in by the forum."""
