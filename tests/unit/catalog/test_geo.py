"""Circles on the globe: inclusive, across the antimeridian and around the poles."""

from __future__ import annotations

import math

import pytest

from bridge.catalog.geo import EARTH_RADIUS_M, Grid, Position, distance_m, position

BENGALURU = Position(12.97, 77.59)


def grid(**points: tuple[float, float]) -> Grid:
    made = Grid()
    for name, point in points.items():
        made.put((name, "", ""), Position(*point))
    return made


def names(found: list[tuple[float, tuple[str, str, str]]]) -> list[str]:
    return [key[0] for _, key in found]


def test_a_quarter_of_the_globe_is_a_quarter_of_its_girth() -> None:
    assert distance_m(Position(0, 0), Position(0, 90)) == pytest.approx(
        EARTH_RADIUS_M * math.pi / 2
    )
    assert distance_m(Position(0, 0), Position(0, 180)) == pytest.approx(EARTH_RADIUS_M * math.pi)


def test_the_distance_between_two_known_towns() -> None:
    delhi, mumbai = Position(28.6139, 77.2090), Position(19.0760, 72.8777)
    assert distance_m(delhi, mumbai) == pytest.approx(1_148_000, rel=0.002)


def test_the_rim_of_a_circle_belongs_to_it() -> None:
    point = Position(12.98, 77.6)
    radius = distance_m(BENGALURU, point)
    around = grid(rim=point)
    assert names(around.within(BENGALURU, radius)) == ["rim"]
    assert names(around.within(BENGALURU, radius + 1)) == ["rim"]
    assert names(around.within(BENGALURU, radius - 1)) == []


def test_nearest_first_and_equally_far_ones_by_key() -> None:
    around = grid(far=(12.99, 77.59), b=(12.97, 77.60), a=(12.97, 77.60), here=(12.97, 77.59))
    assert names(around.within(BENGALURU, 5000)) == ["here", "a", "b", "far"]


def test_a_circle_reaches_across_the_antimeridian() -> None:
    around = grid(east=(0, 179.99), west=(0, -179.99), elsewhere=(0, 179.0))
    assert names(around.within(Position(0, 179.995), 5000)) == ["east", "west"]
    assert names(around.within(Position(0, -179.995), 5000)) == ["west", "east"]


def test_both_names_of_the_antimeridian_are_one_line() -> None:
    around = grid(there=(10, 180.0))
    assert names(around.within(Position(10, -180.0), 0.001)) == ["there"]


def test_around_a_pole_all_longitudes_are_near() -> None:
    around = grid(a=(89.99, 0), b=(89.99, 120), c=(89.99, -120), pole=(90, 33), far=(89, 0))
    assert set(names(around.within(Position(89.999, -60), 2000))) == {"a", "b", "c", "pole"}
    assert set(names(grid(south=(-90, 0)).within(Position(-90, 180), 1))) == {"south"}


def test_a_circle_around_the_globe_holds_everything() -> None:
    around = grid(a=(0, 0), b=(-90, 0), c=(12, -180))
    assert set(names(around.within(BENGALURU, math.inf))) == {"a", "b", "c"}


@pytest.mark.parametrize("radius", [-1.0, math.nan])
def test_a_circle_that_is_none_holds_nothing(radius: float) -> None:
    assert grid(here=BENGALURU).within(BENGALURU, radius) == []


def test_a_circle_of_no_radius_holds_its_centre() -> None:
    assert names(grid(here=BENGALURU).within(BENGALURU, 0)) == ["here"]


def test_a_point_that_moves_is_found_where_it_is() -> None:
    around = grid(a=BENGALURU)
    around.put(("a", "", ""), Position(28.61, 77.21))
    assert around.within(BENGALURU, 5000) == []
    assert names(around.within(Position(28.61, 77.21), 5000)) == ["a"]
    assert len(around) == 1


def test_a_removed_point_is_not_found() -> None:
    around = grid(a=BENGALURU)
    around.remove(("a", "", ""))
    around.remove(("a", "", ""))
    assert around.within(BENGALURU, 5000) == []
    assert len(around) == 0


@pytest.mark.parametrize(
    ("latitude", "longitude", "expected"),
    [
        (12.5, 77.5, (12.5, 77.5)),
        (12.5, 190.0, (12.5, -170.0)),
        (12.5, -190.0, (12.5, 170.0)),
        (90.0, 180.0, (90.0, 180.0)),
        (90.1, 0.0, None),
        (-91.0, 0.0, None),
        (math.nan, 0.0, None),
        (0.0, math.inf, None),
    ],
)
def test_what_is_a_point(
    latitude: float, longitude: float, expected: tuple[float, float] | None
) -> None:
    assert position(latitude, longitude) == expected
