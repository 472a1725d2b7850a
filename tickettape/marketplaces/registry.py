"""The list of marketplace formats. A marketplace is a folder that implements `protocol`, and a line here."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any, TypeVar

from tickettape.database import Warehouse
from tickettape.marketplaces.gametime import NOT_KNOWN, Gametime
from tickettape.marketplaces.protocol import Catalogue, Marketplace
from tickettape.marketplaces.rate_limiter import RateLimiter
from tickettape.marketplaces.shared_rate_limiter import SharedRateLimiter, rate_limits_of
from tickettape.marketplaces.simulator import (
    SIMULATED_FORMATS,
    FedMarket,
    ServedSimulator,
    SimulatedMarketplace,
    catalogue_in_process,
    market_in_process,
    served_market,
)
from tickettape.marketplaces.ticketevolution import PRICE_BASES, TicketEvolution
from tickettape.marketplaces.ticketmaster import NOT_KNOWN as TERMS_NOT_KNOWN
from tickettape.marketplaces.ticketmaster import Ticketmaster
from tickettape.marketplaces.vividseats import VividSeats
from tickettape.settings import Settings

Client = TypeVar("Client", bound=Catalogue)
Opens = Callable[[Settings, RateLimiter], Marketplace]
"""Makes a marketplace's client from the settings of one source, with its shared rate limiter."""


@dataclass(frozen=True)
class MarketplaceFormat:
    """A format that can be watched, and how its client is made."""

    opened: Opens
    simulated: bool = False
    """Whether its events and prices are made up."""


def _over_http(client: Callable[..., Client], settings: Settings, limiter: RateLimiter, **own: Any) -> Client:
    """The client of the source in these settings; `own` are the options that only this client has."""
    return client(
        _url(settings),
        settings.user_agent,
        source=settings.source,
        limiter=limiter,
        deadline_seconds=settings.event_deadline_seconds,
        **own,
    )


def _ticket_evolution(settings: Settings, limiter: RateLimiter) -> Marketplace:
    if settings.marketplace_token is None or settings.marketplace_secret is None:
        raise ValueError(
            f"{_name(settings)} needs the token and the secret of a contract with Ticket Evolution. Set "
            f"{_variable(settings, 'TOKEN')} and {_variable(settings, 'SECRET')}."
        )
    if settings.marketplace_price_basis not in PRICE_BASES:
        raise ValueError(
            f"{_name(settings)} has several prices, and none is what a buyer pays. Choose one and keep it: set "
            f"{_variable(settings, 'PRICE_BASIS')} to {' or '.join(PRICE_BASES)}."
        )
    return _over_http(
        TicketEvolution,
        settings,
        limiter,
        token=settings.marketplace_token.get_secret_value(),
        secret=settings.marketplace_secret.get_secret_value(),
        price_basis=settings.marketplace_price_basis,
    )


def _gametime(settings: Settings, limiter: RateLimiter) -> Marketplace:
    _refuse_unaccepted(settings, NOT_KNOWN)
    return _over_http(Gametime, settings, limiter)


def _ticketmaster(settings: Settings, limiter: RateLimiter) -> Catalogue:
    _refuse_unaccepted(settings, TERMS_NOT_KNOWN)
    if settings.marketplace_token is None:
        raise ValueError(f"{_name(settings)} needs a key. Set {_variable(settings, 'TOKEN')}.")
    return _over_http(Ticketmaster, settings, limiter, key=settings.marketplace_token.get_secret_value())


def _simulated_ticketmaster(settings: Settings, limiter: RateLimiter) -> Catalogue:
    return catalogue_in_process(_market(settings), source=settings.source)


def _simulator(settings: Settings, limiter: RateLimiter) -> Marketplace:
    if settings.marketplace_url is not None:
        return _over_http(ServedSimulator, settings, limiter)
    return SimulatedMarketplace(source=settings.source, market=_market(settings))


def _simulator_in(name: str, settings: Settings, limiter: RateLimiter) -> Marketplace:
    """The simulated market in the format of a marketplace, in this process or at a URL."""
    if settings.marketplace_url is not None:
        return _over_http(partial(served_market, name), settings, limiter)
    return market_in_process(name, _market(settings), source=settings.source)


def _market(settings: Settings) -> FedMarket:
    return FedMarket(seed=settings.simulator_seed, events=settings.simulator_events)


FORMATS: dict[str, MarketplaceFormat] = {
    "vividseats": MarketplaceFormat(partial(_over_http, VividSeats)),
    "ticketevolution": MarketplaceFormat(_ticket_evolution),
    "gametime": MarketplaceFormat(_gametime),
    "simulator": MarketplaceFormat(_simulator, simulated=True),
    **{
        f"simulator_{name}": MarketplaceFormat(partial(_simulator_in, name), simulated=True)
        for name in SIMULATED_FORMATS
    },
}


SIMULATED_CATALOGUE = "simulator_ticketmaster"
OpensCatalogue = Callable[[Settings, RateLimiter], Catalogue]

CATALOGUES: dict[str, OpensCatalogue] = {
    "ticketmaster": _ticketmaster,
    SIMULATED_CATALOGUE: _simulated_ticketmaster,
}
"""The formats of sources without listings."""


def format_of(settings: Settings) -> MarketplaceFormat:
    """The format of the source in these settings.

    Raises ValueError for an unknown format, and for settings by which real and simulated prices would share a name.
    """
    source, name = settings.source, settings.format
    if name not in FORMATS:
        raise ValueError(
            f"The marketplace {source} has the unknown format {name!r}. Set it to one of {', '.join(FORMATS)}, for "
            f"instance MARKETPLACES__{source.upper()}__FORMAT=vividseats."
        )
    nameless = settings.marketplace_url is None and settings.marketplace_format is None
    if nameless and source != name:
        raise ValueError(
            f"MARKETPLACE_SOURCE is {source!r}, but MARKETPLACE_URL is not set, which means the simulator. Set the "
            "URL, or unset the source."
        )
    if source in FORMATS and source != name and FORMATS[source].simulated != FORMATS[name].simulated:
        raise ValueError(
            f"MARKETPLACE_SOURCE is {source!r}, and the format is {name!r}. Real and simulated prices would be "
            "stored under one name. Set the URL of the marketplace, or give the source another name."
        )
    return FORMATS[name]


def is_simulated(settings: Settings) -> bool:
    """Whether the source of these settings is simulated. False if the settings are not valid."""
    try:
        return format_of(settings).simulated
    except ValueError:
        return False


def simulated_sources(settings: Settings) -> list[str]:
    """The names under which simulated data is stored: the simulated formats, and the watched sources that have one."""
    watched = [source for source in settings.sources if is_simulated(settings.of_source(source))]
    listed = [source for source in settings.catalogues if settings.of_source(source).format == SIMULATED_CATALOGUE]
    formats = [name for name, one in FORMATS.items() if one.simulated]
    return sorted({*watched, *listed, *formats, SIMULATED_CATALOGUE})


def open_marketplace(settings: Settings, warehouse: Warehouse | None = None) -> Marketplace:
    """The marketplace of settings that name one, to be used as `async with`; all processes share its rate limiter.

    Raises ValueError for settings that contradict each other.
    """
    connect = (warehouse or Warehouse()).connect_to
    return format_of(settings).opened(settings, SharedRateLimiter(connect, settings.source, rate_limits_of(settings)))


def open_catalogue(settings: Settings, source: str, warehouse: Warehouse | None = None) -> Catalogue:
    """A source of CATALOGUES, to be used as `async with`; all processes share its rate limiter.

    Raises ValueError if it is not set, or if its settings are not complete.
    """
    own = settings.of_source(source)
    if source not in settings.catalogues or own.format not in CATALOGUES:
        raise ValueError(
            f"{source} is not a catalogue. Add it to CATALOGUES, with the format {' or '.join(CATALOGUES)}."
        )
    connect = (warehouse or Warehouse()).connect_to
    return CATALOGUES[own.format](own, SharedRateLimiter(connect, source, rate_limits_of(own)))


@dataclass(frozen=True)
class WatchedMarketplace:
    """A marketplace that is watched, with its settings."""

    settings: Settings
    marketplace: Marketplace

    @property
    def source(self) -> str:
        """The name under which everything from it is stored."""
        return self.marketplace.source


class Marketplaces(Mapping[str, WatchedMarketplace]):
    """The marketplaces that a program watches, by source."""

    def __init__(self, watched: Mapping[str, WatchedMarketplace]) -> None:
        self._watched = dict(watched)

    def __getitem__(self, source: str) -> WatchedMarketplace:
        if source not in self._watched:
            raise KeyError(f"{source} is not watched here. Watched: {', '.join(self._watched)}.")
        return self._watched[source]

    def __iter__(self) -> Iterator[str]:
        return iter(self._watched)

    def __len__(self) -> int:
        return len(self._watched)


def open_marketplaces(settings: Settings, warehouse: Warehouse | None = None) -> Marketplaces:
    """Every marketplace that the settings name. Raises ValueError for settings that contradict each other."""
    watched = {}
    for source in settings.sources:
        own = settings.of_source(source)
        watched[source] = WatchedMarketplace(own, open_marketplace(own, warehouse))
    return Marketplaces(watched)


def _url(settings: Settings) -> str:
    if settings.marketplace_url is None:
        raise ValueError(f"{_name(settings)} has no URL. Set {_variable(settings, 'URL')}.")
    return settings.marketplace_url


def _name(settings: Settings) -> str:
    return f"The {'catalogue' if settings.format in CATALOGUES else 'marketplace'} {settings.source}"


def _refuse_unaccepted(settings: Settings, not_known: Mapping[str, str]) -> None:
    """Raise ValueError unless the settings name everything that is not known about the marketplace."""
    missing = {name: what for name, what in not_known.items() if name not in settings.marketplace_accepts.split()}
    if missing:
        listed = "; ".join(f"{name}: {what}" for name, what in missing.items())
        raise ValueError(
            f"{_name(settings)} is off, because some facts are not known ({listed}). To turn it on anyway, set "
            f'{_variable(settings, "ACCEPTS")} to "{" ".join(not_known)}".'
        )


def _variable(settings: Settings, name: str) -> str:
    """The variable that sets a value of this source."""
    if settings.format in CATALOGUES:
        return f"CATALOGUES__{settings.source.upper()}__{name}"
    return f"MARKETPLACES__{settings.source.upper()}__{name} (or MARKETPLACE_{name}, if it is the only one)"
