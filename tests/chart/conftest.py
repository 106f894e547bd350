"""What the chart's tests share: everything there is to render, rendered once."""

from __future__ import annotations

import pytest

from tests.chart import charts
from tests.chart.charts import EXAMPLES, WAYS, Manifest


@pytest.fixture(scope="session")
def rendered(tmp_path_factory: pytest.TempPathFactory) -> dict[str, list[Manifest]]:
    """Return the objects of each way, and of each example, by its name."""
    place = tmp_path_factory.mktemp("charts")
    ways = {path.name: charts.render(charts.values_of(path)) for path in WAYS}
    examples = {path.name: charts.render({}, charts.assembled(path, place)) for path in EXAMPLES}
    return ways | examples
