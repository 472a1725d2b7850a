"""A headless Chromium that reaches this machine's 127.0.0.1 and nothing else, and the dashboard in it."""

import base64
import json
import shutil
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import httpx
import pytest
from selenium.common.exceptions import NoSuchElementException, StaleElementReferenceException
from selenium.webdriver import Chrome, ChromeOptions, ChromeService
from selenium.webdriver.common.by import By
from selenium.webdriver.support.ui import Select, WebDriverWait

from tests.support.served_week import GAME
from tickettape.settings import ROOT

SCREENSHOTS = ROOT / "target" / "screenshots"
CHARTS = ("price-trends", "group-prices", "ticket-counts")
DESKTOP, PHONE = (1200, 900), (390, 844)
SECONDS = 60
_FLAGS = (
    *("--headless=new", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-dev-shm-usage"),
    *("--disable-background-networking", "--disable-component-update", "--disable-sync", "--hide-scrollbars"),
    "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1",
)


@contextmanager
def browser() -> Iterator[Chrome]:
    """A browser with a new profile for the block. Skips the test where none is installed."""
    chromium = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    driver = shutil.which("chromedriver")
    if not (chromium and driver):
        pytest.skip("Chromium or its driver is missing: `make test-tools` installs them")
    with tempfile.TemporaryDirectory(prefix="tickettape-chromium-", ignore_cleanup_errors=True) as profile:
        options = ChromeOptions()
        options.binary_location = chromium
        options.set_capability("goog:loggingPrefs", {"performance": "ALL", "browser": "ALL"})
        for flag in (*_FLAGS, f"--user-data-dir={profile}"):
            options.add_argument(flag)
        chrome = Chrome(options, ChromeService(driver))
        try:
            yield chrome
        finally:
            chrome.quit()


class Dashboard:
    """The page as a reader has it: what is shown, and what can be done."""

    def __init__(self, chrome: Chrome, base: str) -> None:
        self.chrome = chrome
        self.base = base

    def open(self, event: str = "", **filters: str) -> "Dashboard":
        """Open an event's page with filters in its URL, and wait for its charts."""
        self.visit(event, **filters)
        return self.wait_until("ready")

    def visit(self, event: str = "", **filters: str) -> None:
        """Open an event's page, by default the game's, with filters in its URL."""
        self.chrome.get(f"{self.base}/events/{event or self._game()}?{urlencode(filters)}")

    def _game(self) -> str:
        key = httpx.get(f"{self.base}/site/key").json()["key"]
        answer = httpx.get(f"{self.base}/api/events", params={"search": GAME}, headers={"x-api-key": key})
        return str(answer.json()["data"][0]["id"])

    def wait_until(self, state: str) -> "Dashboard":
        """Wait for the charts to be ready, empty or error."""
        found = f"{state!r}; it is {self.state!r}: {self.says!r}"
        self.wait(lambda: self.state == state, found)
        return self

    def wait(self, condition: Callable[[], Any], what: str) -> Any:
        """The condition's first true value."""
        ignored = (NoSuchElementException, StaleElementReferenceException)
        return WebDriverWait(self.chrome, SECONDS, 0.05, ignored).until(lambda _: condition(), what)

    def resize(self, size: tuple[int, int], dark: bool = False) -> None:
        """Give the page a window of a size, by day or by night."""
        width, height = size
        metrics = {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": width < 500}
        self.chrome.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", metrics)
        scheme = [{"name": "prefers-color-scheme", "value": "dark" if dark else "light"}]
        self.chrome.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": scheme})

    @property
    def state(self) -> str:
        """What the charts' place shows."""
        return str(self.chrome.execute_script("return document.getElementById('charts').dataset.state"))

    @property
    def says(self) -> str:
        """What is said in place of the charts."""
        return " ".join(filter(None, (self.text("#status"), self.text("#failure p"), self.text("#key-why"))))

    def find(self, css: str) -> Any:
        """The first element of a selector."""
        return self.chrome.find_element(By.CSS_SELECTOR, css)

    def text(self, css: str) -> str:
        """The visible text of the first element."""
        return _plain(str(self.find(css).text))

    def choose(self, name: str, value: str) -> None:
        """Choose one of a group of buttons."""
        self.find(f"#{name} [value='{value}']").click()

    def select(self, name: str) -> Select:
        """A filter that is a list."""
        return Select(self.find(f"#{name}"))

    def fill(self, name: str, date: str) -> None:
        """Fill a date in: its keys depend on the browser's language, its value does not."""
        script = "arguments[0].value = arguments[1]; arguments[0].dispatchEvent(new Event('change'))"
        self.chrome.execute_script(script, self.find(f"#{name}"), date)

    def shows(self, words: str) -> None:
        """Wait until the charts are of what was chosen: their notes say it."""
        self.wait(lambda: words in self.text("#price-trends .note") and self.state == "ready", words)

    def hours(self, chart: str) -> dict[str, dict[str, str]]:
        """The rows of a chart's table by their hour."""
        return {row["Hour"]: row for row in self.table(chart)}

    def table(self, chart: str) -> list[dict[str, str]]:
        """The rows of a table: a chart's, the zones', the listings'."""
        found = self.chrome.execute_async_script(
            """const [chart, done] = arguments, closed = document.querySelector(`#${chart} details:not([open])`);
               function read() {
                   const [head, ...rows] = [...document.querySelectorAll(`#${chart} tr`)]
                       .map((row) => [...row.cells].map((cell) => cell.textContent));
                   if (closed) closed.open = false;
                   done(rows.map((row) => Object.fromEntries(row.map((text, n) => [head[n], text]))));
               }
               if (!closed) return read();
               closed.addEventListener("toggle", read, { once: true });
               closed.open = true;  // only then are its rows made""",
            chart,
        )
        return [{name: _plain(text) for name, text in row.items()} for row in found]

    def paths(self, chart: str) -> list[str]:
        """What is drawn of each of a chart's lines."""
        return [
            str(line.get_attribute("d")) for line in self.chrome.find_elements(By.CSS_SELECTOR, f"#{chart} path.line")
        ]

    def screenshot(self, name: str, css: str = "html") -> Path:
        """Keep the page, or a part of it, as a picture."""
        SCREENSHOTS.mkdir(parents=True, exist_ok=True)
        path = SCREENSHOTS / f"{name}.png"
        box = self.chrome.execute_script(
            """const {x, y, width, height} = document.querySelector(arguments[0]).getBoundingClientRect();
               return {x: x + scrollX, y: y + scrollY, width, height}""",
            css,
        )
        clip = {**box, "scale": 1}
        taken = self.chrome.execute_cdp_cmd(
            "Page.captureScreenshot", {"format": "png", "captureBeyondViewport": True, "clip": clip}
        )
        path.write_bytes(base64.b64decode(taken["data"]))
        return path

    def log(self, kind: str) -> list[dict[str, Any]]:
        """What the browser noted of a kind since the last time."""
        noted: list[dict[str, Any]] = self.chrome.get_log(kind)  # type: ignore[no-untyped-call]  # selenium's own
        return noted

    def requests(self) -> list[str]:
        """The URLs that the browser asked for since the last time."""
        messages = [json.loads(entry["message"])["message"] for entry in self.log("performance")]
        return [m["params"]["request"]["url"] for m in messages if m["method"] == "Network.requestWillBeSent"]


def _plain(text: str) -> str:
    """Text with ordinary blanks, where the browser's language has narrow ones: 9:20 AM."""
    return text.replace("\u202f", " ")
