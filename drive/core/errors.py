"""Errors that a user can mend, and words to tell them."""


class UserError(Exception):
    """Bad input: one line that says what, where and how to mend it.

    The command line prints the message after `error: ` and exits with status 2, without a traceback.
    """


def one_line(thing: object, most: int = 300) -> str:
    """A thing's text as one printable line, also where making the text raises."""
    try:
        text = str(thing)[:2000]
    except BaseException as worse:  # an agent's own class may raise anything here
        text = f"(its text raised {type(worse).__name__})"
    return "".join(c if c.isprintable() else "\ufffd" for c in " ".join(text.split()))[:most]


def described(error: BaseException) -> str:
    """An exception's type and text in one line."""
    text = one_line(error)
    return one_line(f"{type(error).__name__}: {text}" if text else type(error).__name__)


def plural(count: int, noun: str) -> str:
    """A count of things: "1 drive", "2 drives"."""
    return f"{count:,} {noun}" + "s" * (count != 1)


def nearest(word: str, known: list[str]) -> str:
    """Say which known names come closest to a mistyped word, as the end of an error message."""
    import difflib

    close = difflib.get_close_matches(word, known, n=3, cutoff=0.4)
    return f"did you mean {' or '.join(close)}? " * bool(close) + f"known: {', '.join(known)}"
