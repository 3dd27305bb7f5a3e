"""Errors that users can cause; each message is one line that says what to do."""


class InputError(ValueError):
    """An option, a file or a folder cannot be used. The command line exits with 2."""


class RunError(RuntimeError):
    """A run failed although its options are valid. The command line exits with 1."""


MAX_SHOWN = 400  # characters of a text from outside in a message


def shown(text: object) -> str:
    """Return a text from outside, such as a file's name, as a part of a one-line message.

    Control characters are escaped, so that it can neither break the line nor control the terminal,
    and the middle of a very long text is left out.
    """
    escaped = "".join(
        char if char.isprintable() else char.encode("unicode_escape").decode("ascii")
        for char in str(text)
    )
    if len(escaped) <= MAX_SHOWN:
        return escaped
    return f"{escaped[: MAX_SHOWN // 2]}…{escaped[-MAX_SHOWN // 2 :]}"
