"""Everything that happens after the answer to a webhook: decide, apply, tell, sweep."""
