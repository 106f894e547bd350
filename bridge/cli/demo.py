"""bridge demo: the whole walk-in on loopback, with a timeline."""

from __future__ import annotations

import asyncio
import contextlib
from typing import Annotated

import typer

from bridge.cli.context import out
from bridge.sandbox.demo import play


def demo(
    once: Annotated[bool, typer.Option("--once", help="Play it once and exit.")] = False,
) -> None:
    """Play a walk-in between a sandbox BAP and a sandbox CPO through a real bridge.

    Example: bridge demo --once
    """
    with contextlib.suppress(KeyboardInterrupt):
        asyncio.run(play(out, once=once))
