"""Formats of exported files: rows in, text out. Nothing here reads or writes anything else."""
