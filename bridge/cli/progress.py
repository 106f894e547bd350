"""How far long work has come, for whoever waits at a terminal."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import BarColumn, Progress, TaskID, TextColumn, TimeElapsedColumn

from bridge.clients.ocpi import Exchange


@contextmanager
def pages_shown(what: str) -> Iterator[Callable[[Exchange], None]]:
    """Show each list that is being read and its pages so far; nothing where nobody looks.

    It goes to stderr, so that stdout has the result and nothing else. How many pages there will
    be, a CPO need not say (OCPI 2.2.1 transport, X-Total-Count): the bar only moves.
    """
    console = Console(stderr=True)
    columns = (
        TextColumn("{task.description}"),
        BarColumn(bar_width=20),
        TextColumn("{task.completed:.0f} pages"),
        TimeElapsedColumn(),
    )
    with Progress(
        *columns, console=console, transient=True, disable=not console.is_terminal
    ) as progress:
        shown: dict[str, TaskID] = {}

        def heard(exchange: Exchange) -> None:
            if exchange.method != "GET":
                return
            if exchange.module not in shown:
                shown[exchange.module] = progress.add_task(f"{what} {exchange.module}", total=None)
            progress.advance(shown[exchange.module])

        yield heard
