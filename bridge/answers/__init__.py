"""What is asked of the bridge: what would change, why, how it stood. Nothing is changed here."""
