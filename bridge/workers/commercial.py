"""Keeps the commercial terms as their file says, while the bridge runs."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import Final

from bridge.errors import SettingsInvalid
from bridge.observability import Metrics, get_logger
from bridge.orders.terms import Commercial
from bridge.settings.commercial import NAMED, LoadedTerms, parse_commercial
from bridge.settings.model import Settings
from bridge.settings.sources import read_text

log = get_logger()

LOOK_S: Final = 5.0
"""How often the file is looked at; its content is compared, so a swapped symlink is noticed."""


class CommercialTerms:
    """The terms that hold now, in this replica.

    A file that is changed to something faulty is refused, and what was read before stays. Whoever
    works with what terms say adds itself to ``on_change``; it is called in the event loop.
    """

    def __init__(self, settings: Settings, metrics: Metrics) -> None:
        """Read the file that the settings name. Raises SettingsInvalid with every fault."""
        self.on_change: list[Callable[[Commercial], None]] = []
        self._settings = settings
        self._metrics = metrics
        self._asked = asyncio.Event()
        self._seen: str | None = None
        self._loaded = LoadedTerms()
        if settings.commercial is not None:
            self._seen = read_text(settings.commercial)
            self._loaded = parse_commercial(settings.commercial, self._seen, settings)
            self._tell_loaded(settings.commercial)

    @property
    def current(self) -> Commercial:
        """Return the terms as they are now."""
        return self._loaded.commercial

    def reload_soon(self) -> None:
        """Read the file again, whether it changed or not (SIGHUP)."""
        self._asked.set()

    async def run(self) -> None:
        """Look at the file until cancelled; without one there is nothing to do."""
        while self._settings.commercial is not None:
            try:
                await asyncio.wait_for(self._asked.wait(), LOOK_S)
            except TimeoutError:
                await self.look()
            else:
                self._asked.clear()
                await self.look(anyhow=True)

    async def look(self, *, anyhow: bool = False) -> None:
        """Read the file, and take it if it is another one, or ``anyhow``."""
        path = self._settings.commercial
        if path is None:
            return
        known = None if anyhow else self._seen
        self._seen, read = await asyncio.to_thread(self._read, path, known)
        match read:
            case None:
                return
            case SettingsInvalid():
                self._metrics.commercial_reloads.labels("refused").inc()
                log.error("commercial.refused", file=path, faults=read.faults)
            case LoadedTerms():
                changed = read.commercial != self.current
                self._loaded = read
                self._tell_loaded(path)
                for hear in self.on_change if changed else ():
                    hear(read.commercial)

    def _read(
        self, path: Path, known: str | None
    ) -> tuple[str, LoadedTerms | SettingsInvalid | None]:
        """Return what stands in the file, else why it cannot be read; if new, what it means."""
        try:
            text = read_text(path)
        except SettingsInvalid as error:
            return str(error), None if str(error) == known else error
        if text == known:
            return text, None
        try:
            return text, parse_commercial(path, text, self._settings)
        except SettingsInvalid as error:
            return text, error

    def _tell_loaded(self, path: Path) -> None:
        terms, fingerprint = self._loaded
        self._metrics.commercial.info({"fingerprint": fingerprint})
        self._metrics.commercial_reloads.labels("loaded").inc()
        log.info(
            "commercial.loaded",
            file=path,
            fingerprint=fingerprint,
            **{kind: len(getattr(terms, kind)) for kind in NAMED},
        )
