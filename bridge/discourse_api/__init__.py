"""The forum, as far as the bridge reads and changes it; nobody else knows its library."""
