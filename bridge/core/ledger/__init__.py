"""Money: lines and amounts."""
