"""The command ``bridge``. Exit codes: 0 done, 1 failed, 2 wrong use or configuration."""

from __future__ import annotations

import sys
from typing import Final

import typer
from rich.console import Console
from rich.text import Text

from bridge.cli import (
    beckn,
    beckn_doctor,
    checks,
    cpo,
    demo,
    doctor,
    erase,
    health,
    orders,
    price,
    sandbox,
    serve,
    status,
    unlock,
)
from bridge.errors import (
    BridgeError,
    ConfigurationError,
    CpoUnavailable,
    Layer2Invalid,
    MappingInvalid,
    SettingsInvalid,
    StoreUnavailable,
    WrongUse,
)
from bridge.flows.failures import RegistrationFailed

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
app.command("status")(status.status)
app.command("trace")(orders.trace)
beckn.app.command("doctor")(beckn_doctor.doctor)
cpo.app.command("doctor")(doctor.doctor)
cpo.app.command("unlock")(unlock.unlock)
app.add_typer(cpo.app, name="cpo")
app.add_typer(beckn.app, name="beckn")
app.add_typer(sandbox.app, name="sandbox")
app.add_typer(erase.app, name="orders")
app.add_typer(orders.dead_letters, name="deadletters")
app.add_typer(checks.config_app, name="config")
app.add_typer(checks.mapping_app, name="mapping")


NEXT_STEPS: Final = (
    (
        SettingsInvalid,
        "mend it, then: bridge config check (config/bridge.example.yaml: every key)",
    ),
    (MappingInvalid, "mend it, then: bridge mapping check; mappings/README.md has the rules"),
    (Layer2Invalid, "bridge beckn layer2 fix FILE writes a copy that works"),
    (WrongUse, "--help shows what the command takes"),
    (StoreUnavailable, "is Redis up where redis_url says? bridge config check shows what is set"),
    (CpoUnavailable, "bridge cpo doctor CPO tells what is wrong there"),
    (RegistrationFailed, "bridge cpo doctor CPO tells what is wrong there"),
)
"""What to do about each kind of fault."""


def main() -> None:
    """Run the command line; a fault of the configuration is shown, never a traceback."""
    errors = Console(stderr=True, highlight=False, soft_wrap=True)

    try:
        app(prog_name="bridge")
    except BridgeError as error:
        faults = error.faults if isinstance(error, ConfigurationError) else (str(error),)
        step = next_step(error)
        if "--json" in sys.argv:
            errors.print_json(data={"errors": faults, "next": step})
        else:
            for fault in faults:
                errors.print(Text.assemble(("error", "red"), f" {fault}"))
            if step is not None:
                errors.print(Text.assemble(("next", "green"), f"  {step}"))
        sys.exit(2 if isinstance(error, ConfigurationError | WrongUse) else 1)


def next_step(error: BridgeError) -> str | None:
    """Return what to do about a fault; None where its own words say that."""
    return next((step for kind, step in NEXT_STEPS if isinstance(error, kind)), None)
