"""bridge config check|docs, bridge mapping check|explain|docs: faults found before a start."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated

import msgspec
import typer

from bridge.cli.context import ConfigOption, JsonOption, out, say, settings_of, table_of
from bridge.errors import BridgeError
from bridge.mapping import Mappings, load
from bridge.mapping.docs import markdown as mapping_page
from bridge.mapping.explain import Explained
from bridge.mapping.explain import explain as explain_object
from bridge.settings import data_path, load_commercial
from bridge.settings import load as load_settings
from bridge.settings.layer2 import layer2_of
from bridge.settings.reference import markdown as configuration_page

config_app = typer.Typer(help="The configuration file.", no_args_is_help=True)
mapping_app = typer.Typer(help="The mapping between the two protocols.", no_args_is_help=True)

MAPPING_PAGE = Path("docs/mapping.md")
CONFIGURATION_PAGE = Path("docs/configuration.md")


@config_app.command("check")
def check_config(
    file: Annotated[Path | None, typer.Argument(help="Configuration file.")] = None,
    config: ConfigOption = None,
    as_json: JsonOption = False,
) -> None:
    """Check a configuration file, the mappings and commercial terms it names; print every fault.

    Example: bridge config check config/bridge.example.yaml
    """
    settings = load_settings(file or config, os.environ)
    load(data_path("mappings"), settings.mapping_overlays)
    layer2_of(settings.beckn)
    load_commercial(settings)
    cpos = [cpo.id for cpo in settings.cpos]
    adapter = settings.beckn.adapter
    words = f"ok: {settings.public_url}, CPOs: {', '.join(cpos) or 'none'}, adapter: {adapter}"
    say(as_json, words, public_url=settings.public_url, cpos=cpos, adapter=adapter)


def _mappings(config: Path | None) -> Mappings:
    """Return the mapping, with the overlays of a configuration when one is named."""
    named = config is not None or "BRIDGE_CONFIG" in os.environ
    overlays = settings_of(config).mapping_overlays if named else ()
    return load(data_path("mappings"), overlays)


@mapping_app.command("check")
def check_mapping(config: ConfigOption = None, as_json: JsonOption = False) -> None:
    """Check every row of every mapping file; print every fault at once.

    Example: bridge mapping check
    """
    fingerprint = _mappings(config).fingerprint
    say(as_json, f"ok: fingerprint {fingerprint}", fingerprint=fingerprint)


@mapping_app.command()
def explain(
    file: Annotated[Path, typer.Argument(help="An OCPI object as JSON.")],
    config: ConfigOption = None,
    as_json: JsonOption = False,
) -> None:
    """Show for each Beckn field made of an OCPI object the row it came from.

    A value in brackets is not in the object: the bridge works it out.

    Example: bridge mapping explain location.json
    """
    try:
        body = file.read_bytes()
    except OSError as error:
        raise BridgeError(f"{file}: {error.strerror}") from error
    explained = list(explain_object(_mappings(config), body, None))
    if as_json:
        out.print_json(msgspec.json.encode([_facts(found) for found in explained]).decode())
        return
    table = table_of("field", "of", "value", "row")
    for found in explained:
        value = f"({found.source})" if found.value is None else str(found.value)
        table.add_row(found.beckn_path, found.about, value, "\n".join(_rows(found)))
    out.print(table)


def _rows(found: Explained) -> list[str]:
    """Return the rows that a field was made by."""
    return [str(place) for place in (found.place, found.table_place) if place is not None]


def _facts(found: Explained) -> dict[str, object]:
    value = None if found.value is None else str(found.value)
    names = {"field": found.beckn_path, "of": found.about, "source": found.source, "value": value}
    return names | {"rows": _rows(found)}


CheckOption = Annotated[bool, typer.Option("--check", help="Fail when the page is stale.")]


@mapping_app.command()
def docs(
    check: CheckOption = False, config: ConfigOption = None, as_json: JsonOption = False
) -> None:
    """Write docs/mapping.md from the mapping files.

    Example: bridge mapping docs --check
    """
    _keep(MAPPING_PAGE, mapping_page(_mappings(config)), check, as_json)


@config_app.command("docs")
def config_docs(check: CheckOption = False, as_json: JsonOption = False) -> None:
    """Write docs/configuration.md from the settings and the example file.

    Example: bridge config docs --check
    """
    example = data_path("config") / "bridge.example.yaml"
    _keep(CONFIGURATION_PAGE, configuration_page(example.read_text("utf-8")), check, as_json)


def _keep(file: Path, page: str, check: bool, as_json: bool) -> None:
    """Write a generated page, or tell whether it is what it should be."""
    if not check:
        try:
            file.write_text(page, encoding="utf-8")
        except OSError as error:
            raise BridgeError(f"{file}: {error.strerror}") from error
        say(as_json, f"{file} written", page=str(file), written=True)
    elif not file.exists() or file.read_text(encoding="utf-8") != page:
        what = "mapping" if file == MAPPING_PAGE else "config"
        raise BridgeError(f"{file} is stale; run: bridge {what} docs")
    else:
        say(as_json, f"{file} is up to date", page=str(file), written=False)
