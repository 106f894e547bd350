"""Reads layer-2 files, for the bridge and its command line."""

from __future__ import annotations

from pathlib import Path

import yaml

from bridge.beckn.layer2 import Layer2, Layer2Files
from bridge.errors import Layer2Invalid
from bridge.settings.beckn import Beckn


def document_of(path: Path) -> object:
    """Return a YAML or JSON file as it is.

    Raises:
        Layer2Invalid: it cannot be read.
    """
    try:
        return yaml.load(path.read_text("utf-8"), Loader=_Loader)
    except OSError as error:
        raise Layer2Invalid([f"{path}: cannot be read: {error.strerror}"]) from error
    except (UnicodeDecodeError, yaml.YAMLError) as error:
        raise Layer2Invalid([f"{path}: neither YAML nor JSON: {error}"]) from error


def layer2_of(beckn: Beckn) -> Layer2Files:
    """Return the compiled files of the configuration.

    Raises:
        Layer2Invalid: naming all that is wrong with one of them, and how it is mended.
    """
    found = {}
    for entry in beckn.layer2:
        document = document_of(entry.file)
        try:
            layer2 = Layer2(
                document,
                source=str(entry.file),
                protocol_server=beckn.adapter == "protocol-server",
            )
        except Layer2Invalid as error:
            advice = f"what can be mended is, in a copy, by: bridge beckn layer2 fix {entry.file}"
            raise Layer2Invalid([*error.faults, advice]) from error
        found[entry.domain, entry.version] = layer2
    return found


class _Loader(yaml.CSafeLoader):
    """YAML as JSON has it: what looks like a date stays text."""


_Loader.yaml_implicit_resolvers = {
    first: [(tag, pattern) for tag, pattern in rules if tag != "tag:yaml.org,2002:timestamp"]
    for first, rules in yaml.CSafeLoader.yaml_implicit_resolvers.items()
}
