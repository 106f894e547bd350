"""A grid over the globe: which points lie within a circle, nearest first."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from itertools import product
from math import asin, cos, degrees, floor, isfinite, pi, radians, sin, sqrt
from typing import NamedTuple

EARTH_RADIUS_M = 6_371_008.8
"""Mean radius of the Earth (IUGG)."""

CELL = 0.05
"""Edge of a cell in degrees, 5.5 km from north to south: a walk-in's circle meets about nine."""

SLACK = 1e-6
"""Degrees (10 cm) added around a circle's bounding box against rounding; distances decide."""

PointKey = tuple[str, str, str]
"""What a point is called; decides the order of points that are equally far away."""


class Position(NamedTuple):
    """A point in degrees, WGS84: latitude -90..90, longitude -180..180."""

    latitude: float
    longitude: float


def position(latitude: float, longitude: float) -> Position | None:
    """Return a point, its longitude brought to -180..180; None when there is no such point."""
    if not (isfinite(latitude) and isfinite(longitude) and -90 <= latitude <= 90):
        return None
    if not -180 <= longitude <= 180:
        longitude = (longitude + 180) % 360 - 180
    return Position(latitude, longitude)


def distance_m(a: Position, b: Position) -> float:
    """Return the great-circle distance in metres (haversine)."""
    a_lat, b_lat = radians(a.latitude), radians(b.latitude)
    half_chord_squared = (
        sin((b_lat - a_lat) / 2) ** 2
        + cos(a_lat) * cos(b_lat) * sin(radians(b.longitude - a.longitude) / 2) ** 2
    )
    return 2 * EARTH_RADIUS_M * asin(min(1.0, sqrt(half_chord_squared)))


class Grid:
    """Points by key, each in one cell.

    Args:
        cell: edge of a cell in degrees; goes into 360 without a rest.
    """

    def __init__(self, cell: float = CELL) -> None:
        self._cell = cell
        self._columns = round(360 / cell)
        self._points: dict[PointKey, Position] = {}
        self._cells: defaultdict[tuple[int, int], set[PointKey]] = defaultdict(set)

    def __len__(self) -> int:
        return len(self._points)

    def put(self, key: PointKey, point: Position) -> None:
        """Add a point, or move it."""
        if self._points.get(key) == point:
            return
        self.remove(key)
        self._points[key] = point
        self._cells[self._cell_of(point)].add(key)

    def remove(self, key: PointKey) -> None:
        """Take a point out; nothing happens when it is not there."""
        point = self._points.pop(key, None)
        if point is None:
            return
        cell = self._cell_of(point)
        self._cells[cell].discard(key)
        if not self._cells[cell]:
            del self._cells[cell]

    def within(self, centre: Position, radius_m: float) -> list[tuple[float, PointKey]]:
        """Return (distance in metres, key) of each point at most ``radius_m`` away.

        Nearest first, equally far ones by key.
        """
        found = []
        for cell in self._cells_around(centre, radius_m):
            for key in self._cells.get(cell, ()):
                distance = distance_m(centre, self._points[key])
                if distance <= radius_m:
                    found.append((distance, key))
        return sorted(found)

    def _cells_around(self, centre: Position, radius_m: float) -> Iterable[tuple[int, int]]:
        """Return the cells that a circle may reach into."""
        if not radius_m >= 0:  # negative, or NaN
            return ()
        angle = min(radius_m / EARTH_RADIUS_M, pi)
        height = degrees(angle) + SLACK
        width = _half_width(centre.latitude, height, angle) + SLACK
        south, west = self._row_and_column(centre.latitude - height, centre.longitude - width)
        north, east = self._row_and_column(centre.latitude + height, centre.longitude + width)
        columns = min(east - west + 1, self._columns)
        if (north - south + 1) * columns > len(self._cells):
            return tuple(self._cells)
        return product(
            range(south, north + 1),
            ((west + column) % self._columns for column in range(columns)),
        )

    def _cell_of(self, point: Position) -> tuple[int, int]:
        row, column = self._row_and_column(*point)
        return row, column % self._columns

    def _row_and_column(self, latitude: float, longitude: float) -> tuple[int, int]:
        """Return where a point is, counted from 0, 0; columns go on across the antimeridian."""
        return floor(latitude / self._cell), floor(longitude / self._cell)


def _half_width(latitude: float, height: float, angle: float) -> float:
    """Return how many degrees of longitude a circle reaches to each side; all, around a pole."""
    if abs(latitude) + height >= 90:
        return 180.0
    return degrees(asin(min(1.0, sin(angle) / cos(radians(latitude)))))
