"""Child processes of tests that Ctrl-C shall reach, whoever started the tests.

A shell's background job (`make test &`) ignores SIGINT, its children inherit that, and Python leaves a signal
alone that is ignored when it starts.
"""

import sys

HEARS_CTRL_C = "import signal; signal.signal(signal.SIGINT, signal.default_int_handler)\n"
HANG_S = 180.0  # no test waits longer for anything: by then it hangs


def drive_command(*arguments: str) -> list[str]:
    """The `drive` command as a user starts it from a terminal."""
    code = f"{HEARS_CTRL_C}import sys; sys.argv[0] = 'drive'\nfrom drive.cli import main; main()"
    return [sys.executable, "-c", code, *arguments]
