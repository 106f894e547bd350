"""What commands print where no terminal is."""

from __future__ import annotations

import os
import subprocess
import sys

PRINTS_A_ROW = """
from bridge.cli.context import out, table_of
table = table_of("what", "id")
table.add_row("x" * 60, "c9a7f1de-1f0d-4c1e-9d39-0a6c4f1f2c55")
out.print(table)
"""


def test_an_id_in_a_table_is_found_by_grep() -> None:
    environment = {name: value for name, value in os.environ.items() if name != "COLUMNS"}
    run = [sys.executable, "-c", PRINTS_A_ROW]
    printed = subprocess.run(run, env=environment, capture_output=True, check=True).stdout
    assert b"c9a7f1de-1f0d-4c1e-9d39-0a6c4f1f2c55" in printed
