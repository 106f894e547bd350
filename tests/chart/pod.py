"""A folder that stands for what the bridge's container sees."""

from __future__ import annotations

import base64
from pathlib import Path

import trustme
import yaml

from tests.chart.charts import Manifest, bridge_of, mounted, one
from tests.pages import ROOT

HERE = "/etc/bridge"

KEY = base64.urlsafe_b64encode(bytes(32)).decode()

SECRETS = {"BRIDGE_REDIS_URL": "rediss+sentinel://:word@redis.example.org:26379/bridge/0"}
"""What Secrets hold that must look like something; for the others KEY will do."""

CONFIGMAPS = {
    "overlays": "mappings/overlays/example.yaml",
    "layer2": "config/layer2/deg_ev-charging_1.1.0.yaml",
    "commercial": "config/commercial.example.yaml",
}
"""What stands for the content of ConfigMaps that are not the chart's."""


def placed(manifests: list[Manifest], place: Path) -> dict[str, str]:
    """Put the files of the bridge's container into ``place``; return the variables it gets."""
    pod = one(manifests, "Deployment")["spec"]["template"]["spec"]
    files = mounted(pod, manifests)
    for path, content in files.items():
        target = Path(path.replace(HERE, str(place)))
        target.parent.mkdir(parents=True, exist_ok=True)
        if content is None and (kind := target.parent.name) in CONFIGMAPS:
            content = (ROOT / CONFIGMAPS[kind]).read_text("utf-8")
        if content is not None:
            target.write_text(content.replace(HERE, str(place)), "utf-8")
    if f"{HERE}/redis-tls" in files:
        (place / "redis-tls").mkdir()
        trustme.CA().cert_pem.write_to_path(place / "redis-tls" / "ca.crt")
    for path in secret_files(files["/etc/bridge/config/bridge.yaml"] or ""):
        assert str(Path(path).parent) in files, f"{path} lies in no Secret that is mounted"
        target = Path(path.replace(HERE, str(place)))
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(KEY, "utf-8")
    variables: dict[str, str] = {
        each["name"]: each.get("value", SECRETS.get(each["name"], KEY))
        for each in bridge_of(pod)["env"]
    }
    return variables | {"BRIDGE_CONFIG": variables["BRIDGE_CONFIG"].replace(HERE, str(place))}


def secret_files(text: str) -> list[str]:
    """Return the paths of all ``…_file`` keys of a configuration."""
    found: list[str] = []
    ahead: list[object] = [yaml.safe_load(text)]
    while ahead:
        match ahead.pop():
            case dict() as node:
                found += [value for key, value in node.items() if str(key).endswith("_file")]
                ahead += node.values()
            case list() as node:
                ahead += node
    return found
