"""Exit codes: 0 done, 1 problems found or failed, 2 wrong usage, 3 wrong settings, 4 not now."""

FAILED, WRONG_SETTINGS, NOT_NOW = 1, 3, 4
