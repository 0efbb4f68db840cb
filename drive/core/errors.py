"""Errors that a user can mend."""


class UserError(Exception):
    """Bad input: one line that says what, where and how to mend it.

    The command line prints the message after `error: ` and exits with status 2, without a traceback.
    """


def nearest(word: str, known: list[str]) -> str:
    """Say which known names come closest to a mistyped word, as the end of an error message."""
    import difflib

    close = difflib.get_close_matches(word, known, n=3, cutoff=0.4)
    return f"did you mean {' or '.join(close)}? " * bool(close) + f"known: {', '.join(known)}"
