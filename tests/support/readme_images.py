"""The README's pictures, of a service that runs with a simulated week: `make demo`, then `make images`.

They are taken by the tests' browser and kept in docs/images.
"""

import time
from pathlib import Path
from typing import Any

import httpx
from selenium.webdriver import Chrome

from tests.support.board_page import Board
from tests.support.box_office_page import BoxOfficePage
from tests.support.dashboard_page import Dashboard, browser
from tickettape.settings import ROOT, settings

IMAGES = ROOT / "docs" / "images"
DESK, PHONE = (1280, 800), (390, 844)
SETTLED_SECONDS = 1.5  # the pictures are of a page that has loaded everything
MOST_BYTES = 600_000  # of all together: they are in every clone


def main() -> None:
    """Take the pictures, and say how large they are."""
    base = f"http://127.0.0.1:{settings().port}"
    with browser() as chrome:
        board, event = Board(chrome, base), Dashboard(chrome, base)
        path = f"{base}/events/{_moved_most(base)['id']}"
        board.resize(DESK)
        board.open()
        _take(chrome, "board")
        chrome.get(path)
        event.wait_until("ready")
        _take(chrome, "event")
        chrome.execute_script("document.getElementById('zones').scrollIntoView({block: 'start'}); scrollBy(0, -8)")
        _take(chrome, "zones-and-listings")
        board.resize(PHONE, dark=True)
        board.open()
        _take(chrome, "board-phone")
        seats = BoxOfficePage(chrome, base)
        seats.resize(DESK)
        seats.go("", "#list a").click("#list a")
        seats.until_shown("#map [role=option]")
        chrome.execute_script("document.getElementById('seats').scrollIntoView({block: 'start'}); scrollBy(0, -8)")
        _take(chrome, "seat-map")
    taken = sorted(IMAGES.glob("*.png"))
    together = sum(image.stat().st_size for image in taken)
    print(f"{len(taken)} pictures in {IMAGES}: {together // 1000} kB.")  # noqa: T201
    if together > MOST_BYTES:
        raise SystemExit(f"They should be at most {MOST_BYTES // 1000} kB together.")


def _moved_most(base: str) -> dict[str, Any]:
    key = httpx.get(f"{base}/site/key").json()["key"]
    rows: list[dict[str, Any]] = httpx.get(f"{base}/api/board?active=true&limit=1", headers={"x-api-key": key}).json()[
        "data"
    ]
    return rows[0]


def _take(chrome: Chrome, name: str) -> Path:
    time.sleep(SETTLED_SECONDS)
    IMAGES.mkdir(parents=True, exist_ok=True)
    path = IMAGES / f"{name}.png"
    chrome.save_screenshot(str(path))
    return path


if __name__ == "__main__":
    main()
