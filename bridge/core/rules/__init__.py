"""Mapping rules, policy and ladders, from the text of products, prices and bridge.toml."""
