"""The project's mappings/, and a small tree of the same kind that tests change at will."""

from __future__ import annotations

from pathlib import Path

import pytest

from bridge.errors import MappingInvalid
from bridge.mapping import load

MAPPINGS = Path(__file__).parents[3] / "mappings"

SMALL = {
    "vocabulary.yaml": """\
words:
  deg:
    current: [AC, DC]
    plug: {open: true, words: [Cable, Socket]}
tables:
  deg: [power, format]
paths:
  deg:
    item: [id, descriptor.code, tags.specs.current, tags.specs.power]
""",
    "codes/power.yaml": """\
table: power
dialect: deg
left: {side: ocpi, type: locations.PowerType}
right: {side: beckn, type: current}
rows:
  - {ocpi: AC_1_PHASE, beckn: AC}
  - {ocpi: AC_2_PHASE, beckn: AC, way: to_beckn, why: phases do not show}
  - {ocpi: AC_2_PHASE_SPLIT, beckn: AC, way: to_beckn, why: phases do not show}
  - {ocpi: AC_3_PHASE, beckn: AC, way: to_beckn, why: phases do not show}
  - {ocpi: DC, beckn: DC, accepts: [direct_current]}
""",
    "codes/format.yaml": """\
table: format
dialect: deg
left: {side: ocpi, type: locations.ConnectorFormat}
right: {side: beckn, type: plug}
rows:
  - {ocpi: CABLE, beckn: Cable}
  - {ocpi: SOCKET, beckn: Socket}
""",
    "fields/item.yaml": """\
map: item
dialect: deg
facts: [power]
groups: {specs: Specifications}
rows:
  - {beckn: id, from: connector.id}
  - {beckn: descriptor.code, const: charger}
  - {beckn: tags.specs.current, from: connector.power_type, table: power, name: Current}
  - {beckn: tags.specs.power, from: facts.power, format: kilowatt}
""",
    "actions.yaml": (MAPPINGS / "actions.yaml").read_text().partition("---\n")[0],
}


def small_tree(folder: Path, **changed: str) -> Path:
    """Write the small tree; a changed file is named by its last part without ``.yaml``."""
    base = folder / "mappings"
    for name, text in SMALL.items():
        path = base / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(changed.get(path.stem, text))
    return base


def faults_of(base: Path, *overlays: Path) -> tuple[str, ...]:
    """Return why the tree cannot be loaded."""
    with pytest.raises(MappingInvalid) as caught:
        load(base, overlays)
    return caught.value.faults
