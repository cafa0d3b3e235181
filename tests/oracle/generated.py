"""How many histories are made, from which seed, and in which batches.

One example is a batch, because making an example costs more than judging a history.
"""

from __future__ import annotations

import os
from collections.abc import Callable

from hypothesis import HealthCheck, Phase, Verbosity, given, seed, settings
from hypothesis import strategies as st

HISTORIES = int(os.environ.get("HISTORIES", "10000"))
SEED = int(os.environ["SEED"])
BATCH = 50
SIZE = 56


def for_each_history(compare: Callable[[bytes], None]) -> None:
    """Compare all generated histories with the oracle; a failing one is made small first."""
    seen: set[bytes] = set()

    @seed(SEED)
    @settings(
        # Some come twice: a tenth more, so that there are enough different ones.
        max_examples=HISTORIES // BATCH * 11 // 10 + 1,
        deadline=None,
        database=None,
        phases=[Phase.generate, Phase.shrink],
        suppress_health_check=list(HealthCheck),
        report_multiple_bugs=False,
        verbosity=Verbosity.quiet,  # a whole batch says nothing; the assertion names the history
    )
    @given(st.binary(min_size=BATCH * SIZE, max_size=BATCH * SIZE))
    def judge(batch: bytes) -> None:
        histories = [batch[start : start + SIZE] for start in range(0, len(batch), SIZE)]
        for data in histories:
            compare(data)
        seen.update(histories)

    judge()
    print(f"seed {SEED}: {len(seen)} different histories")  # noqa: T201 - shown by -rP
    assert len(seen) >= HISTORIES
