"""The command ``bridge``. Exit codes: 0 done, 1 failed, 2 wrong use or configuration."""

from __future__ import annotations

import sys

import typer
from rich.console import Console
from rich.text import Text

from bridge.cli import (
    beckn,
    checks,
    cpo,
    demo,
    doctor,
    health,
    orders,
    price,
    sandbox,
    serve,
    unlock,
)
from bridge.errors import BridgeError, ConfigurationError, WrongUse

app = typer.Typer(
    name="bridge",
    help="A Beckn BPP on one side, an OCPI 2.2.1 eMSP on the other.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
app.command("serve")(serve.serve)
app.command("health")(health.health)
app.command("demo")(demo.demo)
app.command("price")(price.price)
app.command("trace")(orders.trace)
cpo.app.command("doctor")(doctor.doctor)
cpo.app.command("unlock")(unlock.unlock)
app.add_typer(cpo.app, name="cpo")
app.add_typer(beckn.app, name="beckn")
app.add_typer(sandbox.app, name="sandbox")
app.add_typer(orders.dead_letters, name="deadletters")
app.add_typer(checks.config_app, name="config")
app.add_typer(checks.mapping_app, name="mapping")


def main() -> None:
    """Run the command line; a fault of the configuration is shown, never a traceback."""
    errors = Console(stderr=True, highlight=False, soft_wrap=True)

    def tell(fault: object) -> None:
        errors.print(Text.assemble(("error", "red"), f" {fault}"))

    try:
        app()
    except ConfigurationError as error:
        for fault in error.faults:
            tell(fault)
        sys.exit(2)
    except WrongUse as error:
        tell(error)
        sys.exit(2)
    except BridgeError as error:
        tell(error)
        sys.exit(1)
