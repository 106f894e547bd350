"""Whether a socket was handed over to this process."""

from __future__ import annotations

import pytest

from bridge.cli.ports import handed_over


@pytest.mark.parametrize(
    "environ",
    [
        {},
        {"LISTEN_FDS": "1"},
        {"LISTEN_PID": "7", "LISTEN_FDS": "0"},
        {"LISTEN_PID": "7"},
        {"LISTEN_PID": "8", "LISTEN_FDS": "1"},
        {"LISTEN_PID": "x", "LISTEN_FDS": "1"},
    ],
)
def test_what_was_meant_for_another_process_is_not_taken(environ: dict[str, str]) -> None:
    assert handed_over(environ, 7) is None
