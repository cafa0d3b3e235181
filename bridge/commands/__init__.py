"""What can be typed after `bridge`; `bridge.cli` finds the commands here."""
