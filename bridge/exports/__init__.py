"""Files that leave the bridge: rows in, text out. Nothing here reads or writes anything else."""
