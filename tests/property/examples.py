"""How many examples a property test tries: few in every run, many in ``make fuzz``.

``--hypothesis-profile=fuzz`` tries fifty times as many; the profiles are registered by
tests/conftest.py, before any test is read. None of them has a deadline: how long an example takes
says more of the machine than of the bridge.
"""

from __future__ import annotations

from hypothesis import settings

USUAL = 100
FACTOR = 50


def register() -> None:
    """Make the profiles known; the usual one counts unless another is asked for."""
    settings.register_profile("usual", settings.default, max_examples=USUAL, deadline=None)
    settings.register_profile("fuzz", settings.default, max_examples=FACTOR * USUAL, deadline=None)
    settings.load_profile("usual")


def examples(usual: int = USUAL) -> settings:
    """Return the settings of a test that tries so many in every run."""
    assert settings.default is not None
    return settings(max_examples=usual * settings.default.max_examples // USUAL)
