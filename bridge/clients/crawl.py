"""How a list goes on after each of its pages, whatever the peer says (Q14, Q15)."""

from __future__ import annotations

import enum
from datetime import datetime
from typing import Final
from urllib.parse import parse_qsl, urlsplit

from bridge.clients.ocpi import Answer
from bridge.flows.peer import CallFailed
from bridge.ocpi.answers import Ready
from bridge.ocpi.headers import LINK, TOTAL_COUNT
from bridge.ocpi.leniency import Leniency, Met
from bridge.ocpi.links import at_offset, elsewhere, next_link, next_page, on_list
from bridge.ocpi.times import parse_datetime

EMPTY_PAGES: Final = 10
"""Pages in a row without anything new after which a list that goes on is taken for endless."""

MAX_PAGES: Final = 10_000
"""Pages after which a list is taken for endless although each of them has something new."""


class Ending(enum.Enum):
    """How a crawl ended. Only COMPLETE says that what was not seen is not there."""

    COMPLETE = "COMPLETE"
    """No next link on the last page, or all that X-Total-Count counts has come."""
    LOOP = "LOOP"
    """A next link to a page seen before, or to the same objects again, or to nothing for ever;
    or the list is said to be longer and does not go on."""
    FOREIGN = "FOREIGN"
    """A next link to another platform; our token stays here."""
    SHRUNK = "SHRUNK"
    """X-Total-Count dropped on the way: objects may have moved to a page already read."""
    CUT = "CUT"
    """After MAX_PAGES pages there is still another."""


def key_of(element: object) -> str | None:
    """Return whose an object of a list is, and which, folded; None: it does not say so."""
    if isinstance(element, Ready):
        return f"{element.country_code}\n{element.party_id}\n{element.id}".casefold()
    if not isinstance(element, dict):
        return None
    for name in ("id", "uid", "role"):
        id_ = element.get(name)
        if isinstance(id_, str | int):
            owner = f"{element.get('country_code')}\n{element.get('party_id')}"
            return f"{owner}\n{id_}".casefold()
    return None


class Crawl:
    """The way through one list.

    ``pages`` have been read, and the last of them was ``repeated``: the same as that before.
    ``keys`` name what stands on it.

    It follows the Link, to where it can only have meant. Where there is none, or it leads nowhere,
    and X-Total-Count says that there is more, or the page is as full as it may be and nothing is
    said: it tries the offset that comes next, once, and goes on from there if anything new came.

    Args:
        first: URL of the first page, with its query.
    """

    def __init__(self, first: str, max_pages: int = MAX_PAGES) -> None:
        query = dict(parse_qsl(urlsplit(first).query))
        self.pages = 0
        self.repeated = False
        self.keys: list[str | None] = []
        self._met: list[Met] = []
        self._first = first
        self._max_pages = max_pages
        self._offset = _whole(query.get("offset")) or 0
        self._limit = _whole(query.get("limit"))
        window = _moment(query.get("date_from")), _moment(query.get("date_to"))
        self._window = window if any(window) else None
        self._visited = {first}
        self._seen: set[str] = set()
        self._nameless = 0
        self._idle = 0
        self._before: list[object] = []
        self._total: int | None = None
        self._last_total: int | None = None
        self._shrunk = False
        self._trying: Ending | None = None
        self._spare: str | None = None
        self._path_is_wrong = False

    def after(self, answer: Answer, data: list[object]) -> str | Ending:
        """Take note of a page; return the URL of the next one, or how the list ended."""
        self.repeated = bool(data) and data == self._before
        news = not self.repeated and self._take(data)
        self._take_total(answer.total, len(data))
        self.pages += 1
        self._idle = 0 if news else self._idle + 1
        self._offset += len(data) if news else 0
        self._before = data
        following = self._following(answer, data, news=news)
        if isinstance(following, Ending):
            return following
        if self.pages >= self._max_pages:
            return Ending.CUT
        self._visited.add(following)
        return following

    def _following(self, answer: Answer, data: list[object], *, news: bool) -> str | Ending:
        if self._trying is not None:
            if not news:
                return self._tried(self._trying, repeated=bool(data))
            self._met.append(Met(Leniency.LINK_MISSING, LINK))
            self._trying = None
        target = self._linked(answer)
        if not news and self.pages > 1:
            self._met.append(Met(Leniency.OFFSET_IGNORED if data else Leniency.LINK_LOOP, LINK))
            endless = self.repeated or self._idle >= EMPTY_PAGES or self._all_seen()
            target = Ending.LOOP if endless and isinstance(target, str) else target
        return self._nowhere(target, answer, data) if isinstance(target, Ending) else target

    def instead(self, error: CallFailed) -> str | Ending | None:
        """Return where to go on although a page did not come; None: nowhere.

        A link may have the wrong path, and a page that was only tried need not be there.
        """
        spare, self._spare = self._spare, None
        if spare is not None and error.http in (404, 405):
            self._met.append(Met(Leniency.LINK_PATH, LINK))
            if spare in self._visited:
                return self._ended(Ending.COMPLETE if self._all_seen() else Ending.LOOP)
            self._path_is_wrong = True
            self._visited.add(spare)
            return spare
        if self._trying is not None and _refuses(error):
            return self._tried(self._trying, repeated=False, refused=True)
        return None

    def told(self) -> list[Met]:
        """Return what was forgiven since it was last asked."""
        told, self._met = self._met, []
        return told

    def _take(self, data: list[object]) -> bool:
        """Remember what is on a page; return whether any of it is new."""
        before = self._count()
        again: list[int] = []
        self.keys = [key_of(each) for each in data]
        for index, key in enumerate(self.keys):
            if key is None:
                self._nameless += 1
            elif key in self._seen:
                again.append(index)
            else:
                self._seen.add(key)
        news = self._count() > before
        if news:
            self._met += (Met(Leniency.DUPLICATE, f"data[{index}]") for index in again)
        self._take_dates(data)
        return news

    def _count(self) -> int:
        return len(self._seen) + self._nameless

    def _take_dates(self, data: list[object]) -> None:
        """Note, once, that objects are outside of the dates that were asked for."""
        for index, each in enumerate(data):
            if self._window is None:
                return
            changed = _changed(each)
            after, until = self._window
            if changed and ((after and changed < after) or (until and changed >= until)):
                self._met.append(Met(Leniency.DATE_FILTER, f"data[{index}].last_updated"))
                self._window = None

    def _take_total(self, header: str | None, length: int) -> None:
        total = _whole(header)
        last, self._last_total = self._last_total, total
        if total is None:
            return
        if last is not None and total < last:
            # Not when it counts the page alone, or what is left.
            page = (last, total) == (len(self._before), length)
            left = len(self._before) > 1 and last - total == len(self._before)
            self._shrunk |= not page and not left
        self._total = max(self._total or 0, total)

    def _all_seen(self) -> bool:
        return self._total is not None and self._count() == self._total

    def _more_promised(self) -> bool:
        return self._total is not None and self._count() < self._total

    def _linked(self, answer: Answer) -> str | Ending:
        """Return where the Link leads: to a page not read before, or how the list ends with it."""
        self._spare = None
        link = next_link(answer.link, self._met)
        if link is None:
            return Ending.COMPLETE
        target = next_page(link, answer.url, self._first, self._met)
        if target is None:
            self._met.append(Met(Leniency.LINK_FOREIGN, LINK))
            return Ending.FOREIGN
        if elsewhere(target, self._first):
            spare = on_list(target, self._first)
            if self._path_is_wrong:
                self._met.append(Met(Leniency.LINK_PATH, LINK))
                target = spare
            else:
                self._spare = spare
        if target in self._visited:
            self._met.append(Met(Leniency.LINK_LOOP, LINK))
            return Ending.LOOP
        return target

    def _nowhere(self, ending: Ending, answer: Answer, data: list[object]) -> str | Ending:
        """Return the offset to try, if there should be more, else how the list ended."""
        silent = ending is Ending.COMPLETE and self._full(answer, len(data))
        if self._more_promised() or silent:
            target = at_offset(self._first, self._offset)
            if target not in self._visited:
                self._trying = ending
                return target
        return self._ended(Ending.COMPLETE if self._all_seen() else ending)

    def _full(self, answer: Answer, length: int) -> bool:
        """Whether a page is as long as one may be and no total tells that it is the last.

        A total that is no more than the only page may be that of the page.
        """
        longest = min(filter(None, (self._limit, _whole(answer.limit))), default=0)
        untold = self._total is None or self._total < self._count() or self._total <= length
        return 0 < longest <= length and untold

    def _tried(self, ending: Ending, *, repeated: bool, refused: bool = False) -> Ending:
        """Return how a list ended whose next offset brought nothing new."""
        if repeated:
            self._met.append(Met(Leniency.OFFSET_IGNORED, LINK))
        if ending is Ending.COMPLETE and self._more_promised() and (repeated or refused):
            ending = Ending.LOOP
        return self._ended(Ending.COMPLETE if self._all_seen() else ending)

    def _ended(self, ending: Ending) -> Ending:
        if ending is not Ending.COMPLETE:
            return ending
        if self._shrunk:
            return Ending.SHRUNK
        if not self._all_seen():
            self._met.append(Met(Leniency.TOTAL_COUNT, TOTAL_COUNT))
        return ending


def _refuses(error: CallFailed) -> bool:
    """Whether a peer answered that it has no such page, in whatever words."""
    return error.http not in (None, 401) and error.retry_after_s is None


def _changed(element: object) -> datetime | None:
    if isinstance(element, Ready):
        return element.last_updated
    return _moment(element.get("last_updated")) if isinstance(element, dict) else None


def _moment(text: object) -> datetime | None:
    try:
        return parse_datetime(text) if isinstance(text, str) else None
    except ValueError:
        return None


def _whole(text: str | None) -> int | None:
    if text is None or not text.isascii() or not text.strip().isdecimal():
        return None
    return int(text[:18])
