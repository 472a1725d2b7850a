"""Which marketplaces the settings name."""

import pytest

from tickettape.marketplaces import (
    Marketplace,
    open_marketplace,
    open_marketplaces,
    simulated_sources,
)
from tickettape.settings import Settings


def opened(url: str | None, source: str | None) -> Marketplace:
    return open_marketplace(Settings(marketplace_url=url, marketplace_source=source, user_agent="x"))


@pytest.mark.parametrize(
    ("url", "source", "expected", "knows_the_past"),
    [
        (None, None, "simulator", True),
        (None, "simulator", "simulator", True),
        ("https://example.org/api", None, "vividseats", False),
        ("https://example.org/api", "elsewhere", "elsewhere", False),
        ("http://127.0.0.1:8001", "simulator", "simulator", True),
    ],
)
def test_the_settings_name_the_marketplace(
    url: str | None, source: str | None, expected: str, knows_the_past: bool
) -> None:
    marketplace = opened(url, source)
    assert (marketplace.source, marketplace.knows_the_past) == (expected, knows_the_past)


def test_the_simulator_is_never_filed_under_another_name() -> None:
    with pytest.raises(ValueError, match="MARKETPLACE_SOURCE"):
        opened(None, "vividseats")


def test_a_marketplace_is_opened_by_its_line_in_the_registry() -> None:
    settings = Settings(
        marketplaces={
            "vividseats": {"url": "https://example.org/api"},
            "other": {"format": "simulator", "seed": 2, "events": 3},
            "served": {"format": "simulator", "url": "http://127.0.0.1:8001"},
        }
    )
    opened = open_marketplaces(settings)
    assert {source: (one.marketplace.knows_the_past, one.marketplace.paced) for source, one in opened.items()} == {
        "vividseats": (False, True),
        "other": (True, False),
        "served": (True, True),
    }
    with pytest.raises(KeyError, match="seatgeek is not watched here"):
        opened["seatgeek"]


@pytest.mark.parametrize(
    ("marketplaces", "words"),
    [
        ({"seatgeek": {"url": "https://example.org"}}, "has the unknown format 'seatgeek'"),
        ({"vividseats": {"format": "simulator"}}, "Real and simulated prices"),
        ({"simulator": {"format": "vividseats", "url": "https://example.org"}}, "Real and simulated prices"),
        ({"vividseats": {}}, "has no URL"),
    ],
)
def test_marketplaces_that_contradict_themselves_are_refused(
    marketplaces: dict[str, dict[str, str]], words: str
) -> None:
    with pytest.raises(ValueError, match=words):
        open_marketplaces(Settings(marketplaces=marketplaces))


def test_simulated_sources_are_those_of_a_simulated_format_whatever_their_name() -> None:
    assert simulated_sources(Settings()) == ["simulator"]
    several = {"vividseats": {"url": "https://example.org"}, "ours": {"url": "http://[::1]:9", "format": "simulator"}}
    assert simulated_sources(Settings(marketplaces=several)) == ["ours", "simulator"]
