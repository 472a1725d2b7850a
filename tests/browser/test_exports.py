"""What is seen can be kept: as CSV, as Parquet, as a picture."""

import base64
import csv
import io
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from tests.browser.conftest import Service
from tests.support.dashboard_page import Dashboard
from tests.support.served_week import GAME, HOUR, LOWER, SOLD_AT, UPPER, in_words

Export = Callable[[str, str], bytes]


@pytest.fixture
def export(dashboard: Dashboard, tmp_path: Path) -> Iterator[Export]:
    """`export(place, kind)` clicks an export, and gives the file that the browser saved."""
    behaviour = {"behavior": "allow", "downloadPath": str(tmp_path)}
    dashboard.chrome.execute_cdp_cmd("Browser.setDownloadBehavior", behaviour)

    def click(place: str, kind: str) -> bytes:
        before = set(tmp_path.iterdir())
        dashboard.find(f"#{place} .exports [aria-label$='as {kind}']").click()

        def saved() -> Path | None:
            new = set(tmp_path.iterdir()) - before
            return next((path for path in new if path.suffix == f".{kind.lower()}"), None)

        return Path(dashboard.wait(saved, f"a file of {place}")).read_bytes()

    yield click
    dashboard.chrome.execute_cdp_cmd("Browser.setDownloadBehavior", {"behavior": "default"})


def test_a_chart_is_saved_with_the_zone_that_it_is_compared_with(dashboard: Dashboard, export: Export) -> None:
    dashboard.open(**{"zone": LOWER, "with": UPPER})
    rows = list(csv.DictReader(io.StringIO(export("price-trends", "CSV").decode())))
    shown = dashboard.table("price-trends")
    assert [in_words(datetime.fromisoformat(row["timestamp"])) for row in rows] == [row["Hour"] for row in shown]
    assert [row["Lowest"] and f"${float(row['Lowest']):,.2f}" for row in rows] == [
        row["Lowest"].replace("–", "") for row in shown
    ]
    assert f"Lowest, {UPPER}" in rows[0]


def test_the_apis_rows_are_saved_as_parquet_and_the_link_is_the_apis(
    dashboard: Dashboard, service: Service, export: Export
) -> None:
    dashboard.open()
    link = dashboard.find("#get-in .exports a").get_attribute("href")
    event = service.get("events", search=GAME)["data"][0]["id"]
    assert link.startswith(f"{service.base}/api/events/{event}/get-in?start_date=")
    table = pq.read_table(io.BytesIO(export("get-in", "Parquet"))).to_pylist()
    prices = {row["timestamp"].astimezone(UTC): row["price_2"] for row in table}
    assert float(prices[SOLD_AT - HOUR]) == 65.0
    listings = pq.read_table(io.BytesIO(export("listings", "Parquet"))).to_pylist()
    assert [row["quantity"] for row in listings] == [2, 2]


def test_tables_are_saved_and_a_spreadsheet_runs_none_of_their_text(dashboard: Dashboard, export: Export) -> None:
    dashboard.open()
    zones = list(csv.DictReader(io.StringIO(export("zones", "CSV").decode())))
    assert [row["zone"] for row in zones] == ["Courtside", LOWER, UPPER]
    listings = list(csv.DictReader(io.StringIO(export("listings", "CSV").decode())))
    assert [float(row["price"]) for row in listings] == [83.0, 140.0]
    script = """const done = arguments[0];
        import("/site/event/exports.js").then(({ linesOf }) => done(linesOf([["=1+1", "a,b", 'say "x"', -2, null]])))"""
    assert dashboard.chrome.execute_async_script(script) == '\'=1+1,"a,b","say ""x""",-2,\r\n'


def test_a_chart_is_saved_as_a_picture_that_is_not_blank(dashboard: Dashboard, export: Export, tmp_path: Path) -> None:
    dashboard.open()
    picture = export("get-in", "PNG")
    assert picture.startswith(b"\x89PNG")
    width = int.from_bytes(picture[16:20])
    assert width == pytest.approx(2 * dashboard.find("#get-in > svg").size["width"], abs=2)
    # the browser reads it again, and counts the pixels of the line's colour
    script = """const [bytes, done] = arguments, image = new Image();
        image.src = `data:image/png;base64,${bytes}`;
        image.decode().then(() => {
            const canvas = document.createElement("canvas");
            [canvas.width, canvas.height] = [image.width, image.height];
            const brush = canvas.getContext("2d");
            brush.drawImage(image, 0, 0);
            const { data } = brush.getImageData(0, 0, image.width, image.height);
            let line = 0;
            for (let n = 0; n < data.length; n += 4)
                line += data[n] === 31 && data[n + 1] === 95 && data[n + 2] === 191;
            done(line);
        })"""
    assert dashboard.chrome.execute_async_script(script, base64.b64encode(picture).decode()) > 500
    kept = dashboard.screenshot("export").with_name("exported-chart.png")
    kept.write_bytes(picture)
