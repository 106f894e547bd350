"""bridge beckn layer2: the file that says what messages of a network look like."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
import yaml

from bridge.beckn.layer2 import corrected
from bridge.cli.context import JsonOption, say
from bridge.errors import BridgeError
from bridge.settings.layer2 import document_of

app = typer.Typer(help="The Beckn side.", no_args_is_help=True)
layer2_app = typer.Typer(help="Layer-2 files.", no_args_is_help=True)
app.add_typer(layer2_app, name="layer2")


@layer2_app.command()
def fix(
    file: Annotated[Path, typer.Argument(help="A layer-2 file, YAML or JSON.")],
    to: Annotated[
        Path | None, typer.Option(help="Where the copy goes; else {name}.corrected.yaml.")
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Write a copy of a layer-2 file without what is known to make such files useless.

    Example: bridge beckn layer2 fix ev-charging_uei_1.1.0.yaml
    """
    document, mended = corrected(document_of(file), source=str(file))
    defects = [{"pointer": defect.pointer, "reason": defect.reason} for defect in mended]
    if not mended:
        say(as_json, f"{file}: nothing to mend", mended=defects, written=None)
        return
    target = to or file.with_suffix(".corrected.yaml")
    try:
        target.write_text(
            yaml.safe_dump(document, sort_keys=False, allow_unicode=True), encoding="utf-8"
        )
    except OSError as error:
        raise BridgeError(f"{target}: {error.strerror}") from error
    words = [f"mended {defect['pointer']}: {defect['reason']}" for defect in defects]
    say(as_json, "\n".join((*words, f"{target} written")), mended=defects, written=str(target))
