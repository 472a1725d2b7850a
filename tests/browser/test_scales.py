"""What an axis holds: a joke does not flatten what people look at, and a small change does not look like a crash."""

import re
from typing import Any

import pytest

from tests.browser.conftest import Service
from tests.support.dashboard_page import Dashboard
from tests.support.served_week import CLUB, LAST_HOUR, PLAY, in_words


def _call(page: Dashboard, module: str, function: str, *values: Any) -> Any:
    """The result of one of the page's own functions. A Map comes as an object."""
    script = f"""const [values, done] = arguments;
        import("/site/event/{module}.js").then(({{ {function} }}) => {function}(...values))
            .then((result) => done(result instanceof Map ? Object.fromEntries(result) : result))"""
    return page.chrome.execute_async_script(script, values)


@pytest.fixture(scope="module")
def page(service: Service, chrome: Any) -> Dashboard:
    """A page, for its functions."""
    opened = Dashboard(chrome, service.base)
    opened.visit()
    return opened


@pytest.mark.parametrize(
    ("lines", "low", "high", "cut"),
    [
        pytest.param([[100, 104]], 83.2, 124.8, [], id="4 % are a tenth of the axis"),
        pytest.param([[100, 300]], 100, 300, [], id="a large change fills it"),
        pytest.param([[0, 0]], 0, 0, [], id="nothing costs anything"),
        pytest.param([[]], 0, 1, [], id="nothing is known"),
        pytest.param([[100, 110], [150, 160], [1152289] * 2], 100, 160, [2], id="a line far away is cut off"),
        pytest.param([[100, 110], [150, 160], [400, 410]], 100, 410, [], id="a line not so far away is not"),
        pytest.param([[100] * 30 + [90000]], 86, 134, [0], id="nor does one moment decide"),
        pytest.param([[100] * 30 + [150] * 30], 95, 155, [], id="a lasting rise is no joke"),
    ],
)
def test_the_range_is_that_of_what_matters(
    page: Dashboard, lines: list[list[int]], low: float, high: float, cut: list[int]
) -> None:
    found = _call(page, "scales", "rangeOf", lines)
    assert [one["line"] for one in found["cut"]] == cut
    assert found["low"] == pytest.approx(low, rel=0.06, abs=0.01)
    assert found["high"] == pytest.approx(high, rel=0.06, abs=0.01)


def test_an_added_line_is_never_cut_off_nor_is_the_first(page: Dashboard) -> None:
    for lines in ([[10, 11], [900, 910]], [[900, 910], [10, 11]]):
        script = """const [lines, done] = arguments;
            import("/site/event/scales.js").then(({ rangeOf }) => done(rangeOf(lines, { kept: (n) => n === 1 })))"""
        found = page.chrome.execute_async_script(script, lines)
        assert (found["cut"], found["low"], found["high"]) == ([], 10, 910)


@pytest.mark.parametrize(
    ("low", "high", "levels"),
    [
        (0, 100, [0, 25, 50, 75, 100]),
        (83.2, 124.8, [80, 100, 120, 140]),
        (0, 0.35, [0, 0.1, 0.2, 0.3, 0.4]),
        (7, 7, [7, 7.25]),
    ],
)
def test_levels_are_round_and_hold_the_range(page: Dashboard, low: float, high: float, levels: list[float]) -> None:
    assert _call(page, "scales", "levelsOf", low, high) == pytest.approx(levels)


def _zones(*zones: tuple[str, str, list[str]]) -> list[dict[str, Any]]:
    return [{"zone": name, "display_name": shown, "sections": sections} for name, shown, sections in zones]


def test_zones_are_called_without_internal_numbers(page: Dashboard) -> None:
    alone = _zones(("Club (40107)", "Club", ["801", "802"]), ("Floor", "Floor", []))
    assert _call(page, "series", "labelsOf", alone) == {"Club (40107)": "Club", "Floor": "Floor"}
    alike = _zones(("Club", "Club", ["12", "3"]), ("Club (40107)", "Club", ["801", "802"]), ("Club (9)", "Club", []))
    assert _call(page, "series", "labelsOf", alike) == {
        "Club": "Club (3–12)", "Club (40107)": "Club (801–802)", "Club (9)": "Club (9)",
    }  # fmt: skip
    nameless = _zones(
        ("Zone 20106", "Zone 20106", ["701", "703"]), ("Zone 7", "Zone 7", ["9"]), ("Zone 8", "Zone 8", [])
    )
    assert _call(page, "series", "labelsOf", nameless) == {
        "Zone 20106": "Sections 701–703", "Zone 7": "Section 9", "Zone 8": "Zone 8",
    }  # fmt: skip


def test_a_joke_leaves_the_lowest_and_the_average_readable_and_is_said(dashboard: Dashboard, service: Service) -> None:
    dashboard.open(event=service.get("events", search=PLAY)["data"][0]["id"])
    row = dashboard.hours("price-trends")[in_words(LAST_HOUR)]
    assert row["Highest"] == "$1,152,289.00"
    lowest, average, _ = dashboard.paths("price-trends")
    heights = [float(re.split("[ L]", path.rpartition("L")[2])[1]) for path in (lowest, average)]
    assert heights[0] - heights[1] > 30, "of some 200 px"
    assert dashboard.text("#price-trends .keys").endswith("off the scale: Highest, up to $1,152,289.00")
    assert "off the scale" in dashboard.text("#price-trends svg .cut")
    levels = [text.text for text in dashboard.chrome.find_elements("css selector", "#price-trends .level text")]
    assert max(float(level.lstrip("$").replace(",", "")) for level in levels) < 1000
    dashboard.screenshot("joke")


def test_a_zone_is_shown_under_its_own_name_and_asked_for_by_its_whole_name(
    dashboard: Dashboard, service: Service
) -> None:
    dashboard.open(event=service.get("events", search=PLAY)["data"][0]["id"])
    assert [option.text for option in dashboard.select("zone").options] == ["Stalls", "Club"]
    assert "(40107)" not in dashboard.text("main")
    dashboard.select("zone").select_by_visible_text("Club")
    dashboard.shows("Club, by hour")
    assert dashboard.text("#zone-title") == "Club"
    assert f"zone={CLUB.replace(' ', '+')}" in dashboard.chrome.current_url.replace("%28", "(").replace("%29", ")")
