"""bridge demo: a use case on loopback, with a timeline and its bill."""

from __future__ import annotations

import asyncio
import contextlib
import enum
import json
import signal
from typing import Annotated

import typer
from rich.console import Console

from bridge.cli.context import out
from bridge.sandbox.bap import Message
from bridge.sandbox.demo import play, show_bill
from bridge.sandbox.stories import STORIES

PASSES = 4
"""The use case of loyalty passes."""


class Dialect(enum.StrEnum):
    """What a BAP may speak."""

    DEG = "deg"
    UEI = "uei"


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
    as_json: Annotated[
        bool,
        typer.Option("--json", help="Print the final messages as JSON; the timeline to stderr."),
    ] = False,
    dialect: Annotated[
        Dialect, typer.Option("--dialect", help="What the BAP speaks; uei sells no passes.")
    ] = Dialect.DEG,
) -> None:
    """Play a use case between a sandbox BAP and a sandbox CPO through a real bridge.

    Example: bridge demo --once --use-case 3
    """
    if dialect is Dialect.UEI and use_case == PASSES:
        raise typer.BadParameter("uei has no place for passes", param_hint="--use-case")
    # SIGTERM is taken as Ctrl-C, so that the bridge and its store end with the demo.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    console = Console(highlight=False, soft_wrap=True, stderr=as_json)

    def tell(bills: list[Message]) -> None:
        if as_json:
            out.print_json(json.dumps(bills))
            return
        for bill in bills:
            show_bill(console, bill)

    with contextlib.suppress(KeyboardInterrupt):
        story = STORIES[use_case]
        asyncio.run(play(console, story, tell, dialect=dialect.value, once=once))
