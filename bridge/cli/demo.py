"""bridge demo: a use case on loopback, with a timeline and its bill."""

from __future__ import annotations

import asyncio
import contextlib
import signal
from typing import Annotated

import typer
from rich.console import Console

from bridge.sandbox.demo import play
from bridge.sandbox.stories import STORIES


def demo(
    once: Annotated[bool, typer.Option("--once", help="Play it once and exit.")] = False,
    use_case: Annotated[
        int,
        typer.Option(
            "--use-case",
            min=min(STORIES),
            max=max(STORIES),
            help="1 walk-in, 2 reservation, 3 overcharge, 4 loyalty, 5 B2B, 6 offer, 7 surcharge.",
        ),
    ] = 1,
) -> None:
    """Play a use case between a sandbox BAP and a sandbox CPO through a real bridge.

    Example: bridge demo --once --use-case 3
    """
    # SIGTERM is taken as Ctrl-C, so that the bridge and its store end with the demo.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    with contextlib.suppress(KeyboardInterrupt):
        asyncio.run(play(Console(highlight=False, soft_wrap=True), STORIES[use_case], once=once))
