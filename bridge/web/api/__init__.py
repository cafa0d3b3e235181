"""Addresses for other machines."""
