"""The screen that commands print to: as wide as the terminal, and wide enough for a table in a pipe."""

from rich.console import Console

_PIPE_WIDTH = 140


def screen(*, stderr: bool = False) -> Console:
    """Return a console for people; plain lines when it is no terminal."""
    console = Console(highlight=False, stderr=stderr)
    return console if console.is_terminal else Console(highlight=False, stderr=stderr, width=_PIPE_WIDTH)
