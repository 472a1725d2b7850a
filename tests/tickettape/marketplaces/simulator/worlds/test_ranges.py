"""The ranges of the worlds are those on the page, and what is drawn lies in them."""

import re

from tickettape.marketplaces.simulator.worlds import World
from tickettape.marketplaces.simulator.worlds.ranges import (
    FAR_MOVE,
    MARKET_RANGES,
    OWN_RANGES,
    PHASES,
    PRICE_RANGES,
    drawn,
)
from tickettape.settings import ROOT

PAGE = (ROOT / "docs" / "worlds.md").read_text()
Row = tuple[str, ...]


def rows_under(heading: str, header: str) -> list[Row]:
    """The rows of the table with this header in the part of the page under a heading."""
    part = re.split(r"^#+ ", PAGE.split(f"# {heading}\n", 1)[1], maxsplit=1, flags=re.MULTILINE)[0]
    table = part.split(header, 1)[1].split("\n\n", 1)[0].splitlines()[2:]
    return [tuple(cell.strip() for cell in line.strip("|").split("|")) for line in table]


def test_the_page_has_every_range_with_its_reason() -> None:
    tables = {"Every world of prices": PRICE_RANGES, "A market of agents": MARKET_RANGES}
    tables |= {world.capitalize(): ranges for world, ranges in OWN_RANGES.items() if ranges}
    for heading, ranges in tables.items():
        written = [(name, f"{one.least:g}", f"{one.most:g}", one.reason) for name, one in ranges.items()]
        assert rows_under(heading, "| parameter | least | most | reason |") == written


def test_the_page_has_the_phases_of_moves() -> None:
    written = [
        (f"{one.least_days} to {one.most_days}", f"{one.median_move:g}", f"{one.moving_share:g}") for one in PHASES[:-1]
    ]
    last = PHASES[-1]
    written.append((f"{last.least_days} or more", f"{last.median_move:g}", f"{last.moving_share:g}"))
    header = "| days to the event | median move | share of days that move |"
    assert rows_under("Worlds of prices", header) == written
    assert f"a move that is not 0 has a log deviation of {FAR_MOVE:g}" in " ".join(PAGE.split())


def test_every_world_has_ranges_and_a_line_on_the_page() -> None:
    assert set(OWN_RANGES) == set(World)
    assert {row[0] for row in rows_under("Worlds of prices", "| world | what happens | what is right |")} == set(World)


def test_what_is_drawn_lies_in_its_range_and_fills_it() -> None:
    found = [drawn(MARKET_RANGES, seed, "a test") for seed in range(200)]
    assert found[3] == drawn(MARKET_RANGES, 3, "a test") != drawn(MARKET_RANGES, 3, "another test")
    for name, one in MARKET_RANGES.items():
        values = [each[name] for each in found]
        assert one.least <= min(values) <= one.least + 0.1 * (one.most - one.least)
        assert one.most >= max(values) >= one.most - 0.1 * (one.most - one.least)
