"""Which marketplaces the settings name."""

import pytest
from pydantic import SecretStr

from tickettape.marketplaces import (
    Catalogue,
    Marketplace,
    open_catalogue,
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
    formats = ["simulator", "simulator_gametime", "simulator_ticketevolution", "simulator_ticketmaster"]
    assert simulated_sources(Settings()) == formats
    several = {"vividseats": {"url": "https://example.org"}, "ours": {"url": "http://[::1]:9", "format": "simulator"}}
    assert simulated_sources(Settings(marketplaces=several)) == ["ours", *formats]
    assert simulated_sources(Settings(catalogues={"demo": {"format": "simulator_ticketmaster"}})) == ["demo", *formats]
    real = {"ticketmaster": {"url": "https://example.org", "token": "t", "accepts": "terms"}}
    assert simulated_sources(Settings(catalogues=real)) == formats


@pytest.mark.parametrize(
    ("own", "words"),
    [
        ({"format": "ticketevolution"}, "needs the token and the secret"),
        ({"format": "ticketevolution", "token": "t"}, "needs the token and the secret"),
        ({"format": "ticketevolution", "token": "t", "secret": "s"}, "retail_price or wholesale_price"),
        ({"format": "ticketevolution", "token": "t", "secret": "s", "price_basis": "x"}, "retail_price or whole"),
        ({"format": "gametime"}, "permission: whether its terms allow"),
        ({"format": "gametime", "accepts": "permission version currency"}, "completeness: whether it answers"),
    ],
)
def test_a_marketplace_that_is_off_by_default_says_what_turns_it_on(own: dict[str, str], words: str) -> None:
    with pytest.raises(ValueError, match=words):
        open_marketplaces(Settings(marketplaces={"shop": {"url": "https://example.org", **own}}))


def test_what_an_operator_turns_on_is_opened_and_its_secrets_are_not_shown() -> None:
    settings = Settings(
        marketplaces={
            "ticketevolution": {
                "url": "https://example.org/v9", "token": "hush-t", "secret": "hush-s", "price_basis": "retail_price"
            },
            "gametime": {"url": "https://example.org", "accepts": "permission version completeness currency"},
        }
    )  # fmt: skip
    opened = open_marketplaces(settings)
    assert {source: one.marketplace.requests_per_poll for source, one in opened.items()} == {
        "ticketevolution": 2,
        "gametime": 2,
    }
    assert opened["gametime"].marketplace.zones_need_two_answers
    own = opened["ticketevolution"].settings
    for shown in (repr(settings), str(settings.model_dump()), repr(own), str(own.model_dump())):
        assert "hush" not in shown
    with pytest.raises(ValueError, match="MARKETPLACES") as refused:
        Settings(marketplaces={"shop": {"token": "hush", "color": "red"}})
    assert "hush" not in str(refused.value)


@pytest.mark.parametrize("name", ["simulator_ticketevolution", "simulator_gametime"])
def test_every_format_is_simulated_too(name: str) -> None:
    opened = open_marketplaces(
        Settings(marketplaces={"one": {"format": name, "events": 3}, "two": {"format": name, "url": "http://x"}})
    )
    assert [(one.marketplace.knows_the_past, one.marketplace.paced) for one in opened.values()] == [
        (True, False),
        (True, True),
    ]


def test_a_catalogue_is_opened_by_name_with_its_key_and_terms_and_no_token_is_inherited() -> None:
    own = {"url": "https://example.org", "token": "hush", "accepts": "terms"}
    opened: Catalogue = open_catalogue(Settings(catalogues={"ticketmaster": own}), "ticketmaster")
    assert opened.source == "ticketmaster"
    for missing, words in (
        ("token", "The catalogue ticketmaster needs a key. Set CATALOGUES__TICKETMASTER__TOKEN"),
        ("accepts", "terms: whether its present terms.* set CATALOGUES__TICKETMASTER__ACCEPTS"),
        ("url", "no URL. Set CATALOGUES__TICKETMASTER__URL"),
    ):
        settings = Settings(
            catalogues={"ticketmaster": {name: value for name, value in own.items() if name != missing}},
            marketplace_token=SecretStr("another marketplace's"),
            marketplace_url="https://elsewhere.example",
        )
        with pytest.raises(ValueError, match=words):
            open_catalogue(settings, "ticketmaster")
    with pytest.raises(ValueError, match="is not a catalogue"):
        open_catalogue(Settings(), "simulator")
    with pytest.raises(ValueError, match="in MARKETPLACES and in CATALOGUES"):
        Settings(catalogues={"simulator": {}})
    assert open_catalogue(Settings(catalogues={"demo": {"format": "simulator_ticketmaster"}}), "demo").source == "demo"
