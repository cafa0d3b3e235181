"""Runs a program that ends when its parent ends, however that happened (kill -9 included).

`python -I …/die_with_parent.py PARENT_PID program argument…`: asks the kernel for a SIGTERM at the
parent's death, then becomes the program. A start hook between fork and exec would be unsafe beside
threads; this runs after the exec, and imports nothing of ours so that it is quick.
"""

import ctypes
import os
import signal
import sys

PR_SET_PDEATHSIG = 1  # linux/prctl.h


def main(arguments: list[str]) -> None:
    """Make the kernel end this process with its parent, then become the program."""
    parent, *program = arguments
    if sys.platform == "linux":
        ctypes.CDLL(None, use_errno=True).prctl(PR_SET_PDEATHSIG, signal.SIGTERM)
    if os.getppid() != int(parent):
        return  # the parent died before this was in force
    os.execvp(program[0], program)  # noqa: S606 - the supervisor's own command lines


if __name__ == "__main__":
    main(sys.argv[1:])
