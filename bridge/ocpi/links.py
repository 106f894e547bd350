"""The Link header of a page: where the next one is (RFC 8288; OCPI 2.2.1, pagination; Q14)."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final
from urllib.parse import SplitResult, parse_qsl, urlencode, urljoin, urlsplit, urlunsplit

from bridge.ocpi.headers import LINK
from bridge.ocpi.leniency import Leniency, Met
from bridge.ocpi.urls import same_origin, with_query

_TARGET = re.compile(r"\s*<([^>]*)>")
_PARAMETER = re.compile(r'\s*;\s*([^\s=;,"]+)\s*(?:=\s*(?:"([^"]*)"|([^\s;,"]*)))?')
_BARE = re.compile(r'\s*((?:https?://|/|\?)[^\s;,<>"]+)')
_SLASHES = re.compile(r"/+")

FILTERS: Final[tuple[str, ...]] = ("date_from", "date_to")
"""What a link has to repeat of the first request, or the pages do not fit together."""


def next_link(header: str | None, met: list[Met]) -> str | None:
    """Return the target of ``rel="next"`` as it stands, None when there is none.

    The only link of a header may lack its ``rel`` or the brackets; ``met`` tells of it.
    """
    if header is None:
        return None
    links = list(_links(header))
    for target, relations in links:
        if target and "next" in (relations or ()):
            return target
    match links:
        case [(target, None)] if target:
            met.append(Met(Leniency.LINK_SYNTAX, LINK))
            return target
        case []:
            bare = _bare_link(header)
            met.append(Met(Leniency.LINK_SYNTAX if bare else Leniency.LINK_EMPTY, LINK))
            return bare
        case _ if not any(target for target, _ in links):
            met.append(Met(Leniency.LINK_EMPTY, LINK))
    return None


def _links(header: str) -> Iterator[tuple[str, list[str] | None]]:
    """Yield each target with its relations, None for one without ``rel``."""
    place = 0
    while match := _TARGET.match(header, place):
        target, place = match[1].strip(), match.end()
        relations: list[str] | None = None
        while parameter := _PARAMETER.match(header, place):
            place = parameter.end()
            # RFC 8288, 3.3: only the first rel of a link counts.
            if parameter[1].lower() == "rel" and relations is None:
                relations = (parameter[2] or parameter[3] or "").lower().split()
        yield target, relations
        comma = header.find(",", place)
        if comma < 0:
            return
        place = comma + 1


def _bare_link(header: str) -> str | None:
    """Return a URL that stands without brackets, unless it says that it is no next page."""
    found = _BARE.match(header)
    if found is None:
        return None
    parameters = {
        each[1].lower(): (each[2] or each[3] or "").lower()
        for each in _PARAMETER.finditer(header, found.end())
    }
    return found[1] if "next" in parameters.get("rel", "next").split() else None


def next_page(link: str, page: str, first: str, met: list[Met]) -> str | None:
    """Return the URL of the next page on the origin of the first one; None: it is elsewhere.

    Behind proxies, peers get scheme, host and path of their own links wrong. A link with the path
    of the list, or with the last part of it and an ``offset``, is one to the list, whatever
    stands before it: our token stays with the origin it is for.

    Args:
        link: as it stands in the header of ``page``, which may be relative to that.
        first: URL of the first page.
    """
    try:
        relative = not urlsplit(link).scheme
        target = urljoin(page, link)
        theirs, ours = urlsplit(target), urlsplit(first)
    except ValueError:
        return None
    if relative:
        met.append(Met(Leniency.RELATIVE_URL, LINK))
    if not same_origin(target, first):
        if _path(theirs) == _path(ours):
            met.append(Met(Leniency.LINK_ORIGIN, LINK))
        elif _of_list(theirs, ours):
            met.append(Met(Leniency.LINK_PATH, LINK))
        else:
            return None
        target = on_list(target, first)
    return _filtered(target, ours, met)


def on_list(target: str, first: str) -> str:
    """Return the page of the list that a link with a wrong path or origin means."""
    ours = urlsplit(first)
    return urlunsplit((ours.scheme, ours.netloc, ours.path, urlsplit(target).query, ""))


def elsewhere(target: str, first: str) -> bool:
    """Whether a link has another path than the list, but the offset of one of its pages."""
    theirs, ours = urlsplit(target), urlsplit(first)
    return _path(theirs) != _path(ours) and "offset" in dict(parse_qsl(theirs.query))


def at_offset(first: str, offset: int) -> str:
    """Return the URL of the page that begins at an offset."""
    parts = urlsplit(first)
    query = [pair for pair in parse_qsl(parts.query, keep_blank_values=True) if pair[0] != "offset"]
    return urlunsplit(parts._replace(query=urlencode([*query, ("offset", str(offset))])))


def _path(parts: SplitResult) -> str:
    return _SLASHES.sub("/", parts.path).rstrip("/")


def _of_list(theirs: SplitResult, ours: SplitResult) -> bool:
    last = _path(ours).rpartition("/")[2]
    return _path(theirs).rpartition("/")[2] == last and "offset" in dict(parse_qsl(theirs.query))


def _filtered(target: str, ours: SplitResult, met: list[Met]) -> str:
    """Return a page's URL with the filters it has forgotten; without an offset it may not need."""
    given = dict(parse_qsl(urlsplit(target).query))
    asked = dict(parse_qsl(ours.query))
    missing = {name: asked[name] for name in FILTERS if name in asked and name not in given}
    if not missing or "offset" not in given:
        return target
    met.append(Met(Leniency.LINK_FILTERS, LINK))
    return with_query(target, urlencode(missing))
