"""Child processes of tests that Ctrl-C shall reach, whoever started the tests.

A shell's background job (`make test &`) ignores SIGINT, its children inherit that, and Python leaves a signal
alone that is ignored when it starts.
"""

import sys
import time

import psutil

HEARS_CTRL_C = "import signal; signal.signal(signal.SIGINT, signal.default_int_handler)\n"
HANG_S = 180.0  # no test waits longer for anything: by then it hangs


def drive_command(*arguments: str) -> list[str]:
    """The `drive` command as a user starts it from a terminal."""
    code = f"{HEARS_CTRL_C}import sys; sys.argv[0] = 'drive'\nfrom drive.cli import main; main()"
    return [sys.executable, "-c", code, *arguments]


def gone(pids: set[int]) -> bool:
    """Wait until all processes have ended; whoever started them may not have noticed yet."""

    def ended(pid: int) -> bool:
        try:
            return bool(psutil.Process(pid).status() == psutil.STATUS_ZOMBIE)
        except psutil.NoSuchProcess:
            return True

    deadline = time.monotonic() + HANG_S
    while not all(ended(pid) for pid in pids):
        if time.monotonic() > deadline:
            return False
        time.sleep(0.02)
    return True
