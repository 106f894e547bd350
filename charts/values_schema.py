"""Writes the chart's values.schema.json: python -m charts.values_schema

By hand is what belongs to Kubernetes (values-schema.yaml); the bridge's own keys come from its
settings, so a key that the bridge would refuse at its start is refused by ``helm install`` already.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, Final, TypeAlias

import yaml

from bridge.settings.commercial import CommercialFile
from bridge.settings.load import SECRETS
from bridge.settings.model import Settings

HERE: Final = Path(__file__).parent
TARGET: Final = HERE / "beckn-ocpi-bridge" / "values.schema.json"

Schema: TypeAlias = dict[str, Any]

SET_BY_THE_CHART: Final = (
    ("Settings", "listen"),
    ("Settings", "ops_listen"),
    ("Settings", "redis_url"),
    ("Settings", "data_dir"),
    ("Settings", "commercial"),
    ("Settings", "mapping_overlays"),
    ("Beckn", "layer2"),
)

MODELS: Final[dict[tuple[str, ...], str]] = {
    ("beckn",): "Beckn",
    ("otp",): "OtpSender",
    ("payment",): "Payment",
}
"""Where the secrets of ``SECRETS`` live; those at the top are of Settings itself."""

UNUSED: Final = ("title", "default", "description", "writeOnly", "format")


def values_schema() -> str:
    """Return the text of values.schema.json."""
    schema: Schema = yaml.safe_load((HERE / "values-schema.yaml").read_text("utf-8"))
    models: Schema = {}
    for model in (Settings, CommercialFile):
        generated = model.model_json_schema()
        models |= generated.pop("$defs")
        models[model.__name__] = generated
    for model_name, key in (*SET_BY_THE_CHART, *_secrets()):
        model_schema = models[model_name]
        del model_schema["properties"][key]
        if key in model_schema.get("required", ()):
            model_schema["required"].remove(key)
    schema["$defs"] |= _plain(_reached(models, "Settings") | _reached(models, "CommercialFile"))
    return json.dumps(schema, indent=2) + "\n"


def _secrets() -> list[tuple[str, str]]:
    """Return model and key of all that no values file may hold."""
    places = [(MODELS.get(where[:-1], "Settings"), where[-1]) for where in SECRETS]
    return [*places, ("Cpo", "token_a")]


def _reached(models: Schema, start: str) -> Schema:
    """Return the models that ``start`` is made of, itself among them."""
    found: Schema = {}
    ahead = [start]
    while ahead:
        name = ahead.pop()
        if name not in found:
            found[name] = models[name]
            text = json.dumps(models[name])
            ahead += [other for other in models if f'"#/$defs/{other}"' in text]
    return found


def _plain(node: Any, *, names: bool = False) -> Any:
    """Drop what checks nothing, and patterns that Helm's regular expressions (RE2) do not know.

    Args:
        names: the keys of ``node`` are names of properties, not words of JSON Schema.
    """
    match node:
        case dict():
            return {
                key: _plain(value, names=not names and key == "properties")
                for key, value in node.items()
                if names or not (key in UNUSED or (key == "pattern" and "(?" in value))
            }
        case list():
            return [_plain(item) for item in node]
        case _:
            return node


if __name__ == "__main__":
    TARGET.write_text(values_schema(), "utf-8")
