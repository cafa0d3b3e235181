"""The one place that asks the machine for the time."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path


class Clock:
    """The time now, moved by the number of seconds in a file when a rehearsal gives one."""

    def __init__(self, offset_file: Path | None = None) -> None:
        self._file = offset_file
        self._read_at: tuple[int, int] | None = None
        self._offset = timedelta()

    def now(self) -> datetime:
        """Aware, in UTC."""
        return datetime.now(UTC) + self._moved_by()  # noqa: TID251 - this is the clock

    def _moved_by(self) -> timedelta:
        if self._file is None:
            return self._offset
        try:
            stat = self._file.stat()
            # The inode as well: the file is replaced, and two replacements may share one tick.
            stamp = (stat.st_mtime_ns, stat.st_ino)
            if stamp != self._read_at:
                self._offset = timedelta(seconds=float(self._file.read_text()))
                self._read_at = stamp
        except FileNotFoundError:
            self._offset, self._read_at = timedelta(), None
        return self._offset
