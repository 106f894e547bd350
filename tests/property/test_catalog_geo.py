"""The grid finds what looking at every point finds."""

from __future__ import annotations

from hypothesis import example, given, settings
from hypothesis import strategies as st

from bridge.catalog.geo import Grid, Position, distance_m

latitudes = st.floats(-90, 90) | st.sampled_from([-90.0, -89.999, 0.0, 89.999, 90.0])
longitudes = st.floats(-180, 180) | st.sampled_from([-180.0, -179.999, 0.0, 179.999, 180.0])
anywhere = st.builds(Position, latitudes, longitudes)
nearby = st.builds(Position, st.floats(12.8, 13.1), st.floats(77.4, 77.8))
positions = anywhere | nearby
# More cells than most circles meet, so that only those around a circle are looked at.
LATTICE = {
    (f"{latitude}", f"{longitude}", ""): Position(latitude, longitude)
    for latitude in range(-90, 91, 5)
    for longitude in range(-180, 180, 10)
}
FULL = Grid(cell=5)
for name, point in LATTICE.items():
    FULL.put(name, point)

radii = st.floats(0, 20_100_000) | st.floats(0, 50_000)


@settings(deadline=None)
@given(centre=positions, points=st.lists(positions, max_size=60), radius_m=radii)
@example(centre=Position(89.9, 0), points=[Position(89.95, 180)] * 2, radius_m=17_000)
def test_a_circle_holds_the_points_that_are_near_enough_in_order(
    centre: Position, points: list[Position], radius_m: float
) -> None:
    grid = Grid()
    for number, point in enumerate(points):
        grid.put((f"{number:03}", "", ""), point)
    distances = [
        (distance_m(centre, point), (f"{number:03}", "", "")) for number, point in enumerate(points)
    ]
    expected = sorted(found for found in distances if found[0] <= radius_m)
    assert grid.within(centre, radius_m) == expected


@settings(deadline=None)
@given(centre=positions, radius_m=st.floats(0, 3_000_000))
@example(centre=Position(85, 10), radius_m=560_000)
@example(centre=Position(-89, 10), radius_m=1_000_000)
@example(centre=Position(0, 180), radius_m=1_000_000)
def test_a_circle_over_a_full_grid_holds_the_same(centre: Position, radius_m: float) -> None:
    expected = [
        found for key, point in LATTICE.items() if (found := distance_m(centre, point)) <= radius_m
    ]
    assert [distance for distance, _ in FULL.within(centre, radius_m)] == sorted(expected)


@settings(deadline=None)
@given(a=positions, b=positions)
def test_distance_is_symmetric_and_nothing_only_to_itself(a: Position, b: Position) -> None:
    assert distance_m(a, a) == 0
    assert abs(distance_m(a, b) - distance_m(b, a)) < 1e-6
    assert 0 <= distance_m(a, b) < 20_100_000
