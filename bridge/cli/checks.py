"""bridge config check, bridge mapping check|explain|docs: faults found before a start."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated

import typer
from rich.table import Table

from bridge.cli.context import ConfigOption, out, settings_of
from bridge.errors import BridgeError
from bridge.mapping import Mappings, load
from bridge.mapping.docs import markdown
from bridge.mapping.explain import explain as explain_object
from bridge.settings import data_path, load_commercial
from bridge.settings import load as load_settings
from bridge.settings.layer2 import layer2_of

config_app = typer.Typer(help="The configuration file.", no_args_is_help=True)
mapping_app = typer.Typer(help="The mapping between the two protocols.", no_args_is_help=True)

MAPPING_PAGE = Path("docs/mapping.md")


@config_app.command("check")
def check_config(
    file: Annotated[Path | None, typer.Argument(help="Configuration file.")] = None,
    config: ConfigOption = None,
) -> None:
    """Check a configuration file, the mappings and commercial terms it names; print every fault.

    Example: bridge config check config/bridge.example.yaml
    """
    settings = load_settings(file or config, os.environ)
    load(data_path("mappings"), settings.mapping_overlays)
    layer2_of(settings.beckn)
    load_commercial(settings)
    cpos = ", ".join(cpo.id for cpo in settings.cpos) or "none"
    out.print(f"ok: {settings.public_url}, CPOs: {cpos}, adapter: {settings.beckn.adapter}")


def _mappings(config: Path | None) -> Mappings:
    """Return the mapping, with the overlays of a configuration when one is named."""
    named = config is not None or "BRIDGE_CONFIG" in os.environ
    overlays = settings_of(config).mapping_overlays if named else ()
    return load(data_path("mappings"), overlays)


@mapping_app.command("check")
def check_mapping(config: ConfigOption = None) -> None:
    """Check every row of every mapping file; print every fault at once.

    Example: bridge mapping check
    """
    out.print(f"ok: fingerprint {_mappings(config).fingerprint}")


@mapping_app.command()
def explain(
    file: Annotated[Path, typer.Argument(help="An OCPI object as JSON.")],
    config: ConfigOption = None,
) -> None:
    """Show for each Beckn field made of an OCPI object the row it came from.

    A value in brackets is not in the object: the bridge works it out.

    Example: bridge mapping explain location.json
    """
    try:
        body = file.read_bytes()
    except OSError as error:
        raise BridgeError(f"{file}: {error.strerror}") from error
    table = Table(box=None, padding=(0, 2, 0, 0))
    for name in ("field", "of", "value", "row"):
        table.add_column(name, overflow="fold")
    for found in explain_object(_mappings(config), body, None):
        value = f"({found.source})" if found.value is None else str(found.value)
        rows = [found.place] if found.table_place is None else [found.place, found.table_place]
        table.add_row(found.beckn_path, found.about, value, "\n".join(map(str, rows)))
    out.print(table)


@mapping_app.command()
def docs(
    check: Annotated[bool, typer.Option("--check", help="Fail when the page is stale.")] = False,
    config: ConfigOption = None,
) -> None:
    """Write docs/mapping.md from the mapping files.

    Example: bridge mapping docs --check
    """
    page = markdown(_mappings(config))
    if not check:
        try:
            MAPPING_PAGE.write_text(page, encoding="utf-8")
        except OSError as error:
            raise BridgeError(f"{MAPPING_PAGE}: {error.strerror}") from error
        out.print(f"{MAPPING_PAGE} written")
    elif not MAPPING_PAGE.exists() or MAPPING_PAGE.read_text(encoding="utf-8") != page:
        raise BridgeError(f"{MAPPING_PAGE} is stale; run: bridge mapping docs")
    else:
        out.print(f"{MAPPING_PAGE} is up to date")
