"""bridge demo: the whole walk-in on loopback, with a timeline."""

from __future__ import annotations

import asyncio
import contextlib
import signal
from typing import Annotated

import typer
from rich.console import Console

from bridge.sandbox.demo import play


def demo(
    once: Annotated[bool, typer.Option("--once", help="Play it once and exit.")] = False,
) -> None:
    """Play a walk-in between a sandbox BAP and a sandbox CPO through a real bridge.

    Example: bridge demo --once
    """
    # SIGTERM is taken as Ctrl-C, so that the bridge and its store end with the demo.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    with contextlib.suppress(KeyboardInterrupt):
        asyncio.run(play(Console(highlight=False, soft_wrap=True), once=once))
