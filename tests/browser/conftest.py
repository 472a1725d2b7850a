"""A served week and a browser, made once: a test of the page takes about a second."""

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import psutil
import psycopg
import pytest
from psycopg.conninfo import conninfo_to_dict
from selenium.webdriver import Chrome

from serving import app
from tests.support import served_week as week
from tests.support.box_office import BoxOffice
from tests.support.dashboard_page import DESKTOP, Dashboard, browser
from tests.support.databases import fresh_database, use_database
from tests.support.processes import free_port, start, wait_for
from tests.support.served_box_office import Shop, shopping
from tests.support.served_market import serving
from tickettape.box_office import grant_roles
from tickettape.database import Warehouse
from tickettape.settings import Settings


@pytest.fixture(scope="session")
def chrome() -> Iterator[Chrome]:
    """One browser; each test has the page to itself."""
    with browser() as opened:
        yield opened


@pytest.fixture(scope="session")
def week_template(server_url: str, template: str) -> Iterator[str]:
    """The name of a database with the week, to copy: nobody connects to it."""
    with fresh_database(server_url, template) as url:
        with pytest.MonkeyPatch.context() as patch:
            use_database(patch, url)
            with Warehouse().connection() as connection:
                week.build(connection)
        yield str(conninfo_to_dict(url)["dbname"])


@pytest.fixture(scope="session")
def week_url(chrome: Chrome, server_url: str, week_template: str) -> Iterator[str]:
    """The week's database."""
    with fresh_database(server_url, week_template) as url, pytest.MonkeyPatch.context() as patch:
        use_database(patch, url)
        yield url


class Service:
    """A service process on the week's database, which can be stopped and started again."""

    def __init__(self, url: str, home: Path, source: str, **more: str) -> None:
        self.port = free_port()
        self.base = f"http://127.0.0.1:{self.port}"
        self._home, self._log = home, home / "service.log"
        self._more = {"DATABASE_URL": url, "PORT": str(self.port), "MARKETPLACE_SOURCE": source}
        self._more |= {"KEY_REQUESTS_PER_MINUTE": "100000"} | more  # all these tests are one reader
        self._process: subprocess.Popen[bytes] | None = None

    def get(self, path: str, **params: str) -> Any:
        """The API's answer, with the key that the page has."""
        key = httpx.get(f"{self.base}/site/key").json()["key"]
        return httpx.get(f"{self.base}/api/{path}", params=params, headers={"x-api-key": key}).json()

    def start(self) -> None:
        """Start it, and wait until it answers."""
        self._process = start([sys.executable, "-m", "serving"], self._home, self._log, **self._more)
        wait_for("an answer of the service", self._answers, 30, self._log)

    def stop(self) -> None:
        """Stop it, and wait until it is gone."""
        if self._process:
            self._process.terminate()
            self._process.wait(timeout=60)

    @contextmanager
    def asleep(self) -> Iterator[None]:
        """For the block it hears and does not answer."""
        assert self._process
        process = psutil.Process(self._process.pid)
        process.suspend()
        try:
            yield
        finally:
            process.resume()

    def _answers(self) -> bool:
        try:
            return httpx.get(f"{self.base}/health").status_code == 200
        except httpx.TransportError:
            return False


@contextmanager
def running(url: str, home: Path, source: str, **more: str) -> Iterator[Service]:
    """A service for the block, with more environment variables."""
    service = Service(url, home, source, **more)
    try:
        service.start()
        yield service
    finally:
        service.stop()


@pytest.fixture(scope="session")
def service(week_url: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    """The service as `make serve` starts it on the simulator: visitors get the demonstration's key."""
    with running(week_url, tmp_path_factory.mktemp("service"), "simulator") as started:
        yield started


@pytest.fixture
def dashboard(chrome: Chrome, service: Service) -> Dashboard:
    """The dashboard on a desk's screen, by day; what the browser did before is forgotten."""
    page = Dashboard(chrome, service.base)
    page.resize(DESKTOP)
    page.requests()
    page.log("browser")
    return page


@pytest.fixture(scope="session")
def shop(chrome: Chrome, server_url: str, template: str) -> Iterator[Shop]:
    """A box office of its own, and its service: each test makes events, buyers and promoters."""
    with fresh_database(server_url, template) as url, pytest.MonkeyPatch.context() as patch:
        patch.setattr(app, "KEYLESS_PER_SECOND", 10_000)  # all these tests are one reader
        with psycopg.connect(url, autocommit=True, options="-c timezone=UTC -c search_path=box_office") as connection:
            grant_roles(connection)
            with (
                serving(url, Settings(logins_per_minute=1_000)) as base,
                shopping(BoxOffice(url, connection), base) as made,
            ):
                yield made
