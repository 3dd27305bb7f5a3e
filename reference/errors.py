"""Errors that users can cause; each message is one line that says what to do."""


class InputError(ValueError):
    """An option, a file or a folder cannot be used. The command line exits with 2."""


class RunError(RuntimeError):
    """A run failed although its options are valid. The command line exits with 1."""
