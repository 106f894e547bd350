"""What is to be pulled before its time: asked for by pushes, by flows, by new connections."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Final

from bridge.flows.ports import Wanted
from bridge.ocpi.headers import Party
from bridge.ocpi.types import ModuleID

WANTED_KEPT: Final = 100
"""Single objects of a CPO that wait to be fetched; for more of them its list is pulled."""

GIVEN_UP_KEPT: Final = 10_000
"""Objects that no CPO has and that are not asked for again; beyond, all are forgotten."""


class Asked:
    """Fits flows.ports.PullSoon; the puller of this replica does what it says.

    It lives in memory only: whoever starts pulls everything that changed anyway.
    """

    def __init__(self, now: Callable[[], datetime] = lambda: datetime.now(UTC)) -> None:
        self._now = now
        self._since: dict[tuple[str, ModuleID], datetime] = {}
        self._at_once: set[tuple[str, ModuleID]] = set()
        self._wanted: defaultdict[tuple[str, ModuleID], dict[Wanted, None]] = defaultdict(dict)
        self._given_up: set[tuple[str, ModuleID, Wanted]] = set()
        self._back: defaultdict[str, dict[Party, None]] = defaultdict(dict)
        self._listeners: defaultdict[str, list[asyncio.Event]] = defaultdict(list)

    def pull_soon(
        self,
        cpo_id: str,
        module: ModuleID,
        wanted: Wanted | None = None,
        *,
        at_once: bool = False,
    ) -> None:
        """Have a list pulled, or one object of it fetched; a second wish for it adds nothing."""
        if wanted is not None and (cpo_id, module, wanted) in self._given_up:
            return
        waiting = self._wanted[cpo_id, module]
        if wanted is not None and (wanted in waiting or len(waiting) < WANTED_KEPT):
            waiting[wanted] = None
        else:
            self._since[cpo_id, module] = self._now()
            if at_once:
                self._at_once.add((cpo_id, module))
        self.wake(cpo_id)

    def sync_soon(self, cpo_id: str, party: Party) -> None:
        """Have everything pulled of one party: its hub reaches it again."""
        self.sync_again(cpo_id, party)
        self.wake(cpo_id)

    def sync_again(self, cpo_id: str, party: Party) -> None:
        """Have everything pulled of one party when the puller looks next."""
        self._back[cpo_id][party] = None

    def back(self, cpo_id: str) -> tuple[Party, ...]:
        """Return the parties that everything is to be pulled of."""
        return tuple(self._back[cpo_id])

    def synced(self, cpo_id: str, party: Party) -> None:
        """Forget that a party was to be pulled."""
        self._back[cpo_id].pop(party, None)

    def wake(self, cpo_id: str) -> None:
        """Have everything looked at that may be due: the connection is a new one, say."""
        for news in self._listeners[cpo_id]:
            news.set()

    def listen(self, cpo_id: str) -> asyncio.Event:
        """Return an event that is set whenever there is something new about the CPO."""
        news = asyncio.Event()
        self._listeners[cpo_id].append(news)
        return news

    def since(self, cpo_id: str, module: ModuleID) -> datetime | None:
        """Return when the list was asked for last; None: since it was pulled, it was not."""
        return self._since.get((cpo_id, module))

    def at_once(self, cpo_id: str, module: ModuleID) -> bool:
        """Whether it was asked for without a pause after the last pull."""
        return (cpo_id, module) in self._at_once

    def done(self, cpo_id: str, module: ModuleID, asked: datetime | None) -> None:
        """Forget the wish of this time, not one that came while it was fulfilled."""
        if asked is not None and self._since.get((cpo_id, module)) == asked:
            del self._since[cpo_id, module]
            self._at_once.discard((cpo_id, module))

    def wanted(self, cpo_id: str, module: ModuleID) -> tuple[Wanted, ...]:
        """Return the single objects that are asked for."""
        return tuple(self._wanted[cpo_id, module])

    def fetched(self, cpo_id: str, module: ModuleID, *wanted: Wanted) -> None:
        """Forget objects that were asked for."""
        for each in wanted:
            self._wanted[cpo_id, module].pop(each, None)

    def give_up(self, cpo_id: str, module: ModuleID, *wanted: Wanted) -> None:
        """Ask for these objects never again: the CPO names them and does not have them."""
        if len(self._given_up) > GIVEN_UP_KEPT:
            self._given_up.clear()
        self._given_up.update((cpo_id, module, each) for each in wanted)
