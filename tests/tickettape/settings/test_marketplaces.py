"""What can be set, and what is refused with which words."""

import re
from pathlib import Path

import pytest
from pydantic import SecretStr, ValidationError

from tickettape.marketplaces import FORMATS
from tickettape.settings import ROOT, Settings, SeveralMarketplacesError
from tickettape.settings.marketplaces import WITH_URL, WITHOUT_URL


def test_an_interval_off_the_hours_grid_is_refused_with_the_ones_that_are_on_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for minutes in (10, 12, 15, 20):
        monkeypatch.setenv("SCRAPER_INTERVAL_MINUTES", str(minutes))
        assert Settings().scraper_interval_minutes == minutes
    for minutes in (0, 5, 13, 30, 60):
        monkeypatch.setenv("SCRAPER_INTERVAL_MINUTES", str(minutes))
        with pytest.raises(ValidationError, match="10, 12, 15 or 20"):
            Settings()


def test_data_is_filed_under_the_marketplace_it_comes_from() -> None:
    assert Settings().source == "simulator"
    assert Settings(marketplace_url="https://www.vividseats.com/hermes/api/v1/").source == "vividseats"
    assert Settings(marketplace_url="http://127.0.0.1:8001", marketplace_source="simulator").source == "simulator"


def test_the_format_that_is_meant_where_none_is_set_is_one_that_can_be_watched() -> None:
    assert not FORMATS[WITH_URL].simulated
    assert FORMATS[WITHOUT_URL].simulated


def test_an_empty_variable_counts_as_unset(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MARKETPLACE_URL", "")
    monkeypatch.setenv("SCRAPER_INTERVAL_MINUTES", "")
    assert Settings().marketplace_url is None
    assert Settings().scraper_interval_minutes == 10


def test_the_example_file_shows_every_variable_with_a_line_each() -> None:
    shown = set(re.findall(r"^#? ?([A-Z0-9_]+)=", (ROOT / ".env.example").read_text(), flags=re.MULTILINE))
    assert shown == Settings.variables()


def test_a_variable_that_has_another_name_now_still_holds_under_its_old_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ALERT_URLS", "json://localhost/old")
    monkeypatch.setenv("SIMULATOR_PRODUCTIONS", "7")
    old = Settings()
    assert (old.incident_urls is not None, old.simulator_events) == (True, 7)
    monkeypatch.setenv("SIMULATOR_EVENTS", "9")
    assert Settings().simulator_events == 9


def test_a_secret_is_not_shown_where_settings_are_printed() -> None:
    secret = Settings(database_url=SecretStr("postgresql://user:hush@localhost/tickets"))
    assert "hush" not in repr(secret)
    assert "hush" not in str(secret.model_dump())


def test_several_marketplaces_are_set_as_json_or_a_variable_each(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MARKETPLACES", '{"vividseats": {"url": "https://example.org/api/"}, "simulator": {}}')
    monkeypatch.setenv("MARKETPLACES__SIMULATOR__REQUESTS_PER_SECOND", "2")
    monkeypatch.setenv("MARKETPLACES__SIMULATOR__INTERVAL_MINUTES", "15")
    settings = Settings()
    assert settings.sources == ("vividseats", "simulator")
    vividseats, simulator = map(settings.of_source, settings.sources)
    assert (vividseats.source, vividseats.format) == ("vividseats", "vividseats")
    assert (vividseats.marketplace_url, vividseats.requests_per_second) == ("https://example.org/api", 10)
    assert (simulator.source, simulator.format, simulator.marketplace_url) == ("simulator", "simulator", None)
    assert (simulator.requests_per_second, simulator.scraper_interval_minutes) == (2, 15)
    assert (vividseats.scraper_interval_minutes, settings.scraper_interval_minutes) == (10, 10)
    with pytest.raises(SeveralMarketplacesError, match="vividseats, simulator"):
        _ = settings.source
    with pytest.raises(ValueError, match="There is no marketplace 'seatgeek'"):
        settings.of_source("seatgeek")


@pytest.mark.parametrize(
    ("marketplaces", "words"),
    [
        ({"Vivid Seats": {}}, "Use lower-case letters"),
        ({"vividseats": {"ulr": "https://example.org"}}, "sets ulr for vividseats"),
    ],
)
def test_a_marketplace_that_cannot_be_is_refused(marketplaces: dict[str, dict[str, str]], words: str) -> None:
    with pytest.raises(ValidationError, match=words):
        Settings(marketplaces=marketplaces)


def test_a_marketplaces_own_value_is_checked_like_that_of_all() -> None:
    settings = Settings(marketplaces={"simulator": {"interval_minutes": 13}})
    with pytest.raises(ValidationError, match="10, 12, 15 or 20"):
        settings.of_source("simulator")


def test_one_marketplace_and_several_are_not_set_at_once() -> None:
    with pytest.raises(ValidationError, match="Name every marketplace in MARKETPLACES"):
        Settings(marketplaces={"simulator": {}}, marketplace_url="https://example.org")


def test_the_data_folder_is_the_projects_own_and_never_the_users_home(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.delenv("TICKETTAPE_HOME", raising=False)
    monkeypatch.setenv("HOME", str(tmp_path))
    assert Settings().home == ROOT / ".local"
    monkeypatch.setenv("TICKETTAPE_HOME", str(tmp_path / "mine"))
    assert Settings().home == tmp_path / "mine"
    assert Settings(marketplaces={"simulator": {}}).of_source("simulator").home == tmp_path / "mine"
