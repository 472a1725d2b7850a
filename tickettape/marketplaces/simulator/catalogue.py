"""Which productions the simulated market has at a time: invented names, real cities, rolling dates.

Pure functions of (seed, series, edition). Each series plays every 17 weeks for ever, so the market is as
full in ten years as today, and an id means the same production in every market of the same seed.
Listings belong in `market`.
"""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

from tickettape.marketplaces.simulator.draws import fraction

EPOCH = datetime(2020, 1, 1, tzinfo=UTC)  # edition 0 of every series; the market knows nothing before
PERIOD_DAYS = 119  # 17 weeks: about four months ahead, and a series keeps its weekday
ON_SALE_DAYS = 240  # before the date: what is announced now could be asked about for months already
FIRST_ID = 100_000_000  # far above the real marketplace's ids, so that a mix-up is seen
MOST_SERIES = 100_000  # an id is FIRST_ID + edition x this + series
GOLDEN = 0.6180339887498949  # spreads the series' dates evenly for any number of series


@dataclass(frozen=True, slots=True)
class Performer:
    """Who plays. `performer_id` is the wire's `performers[].id`."""

    performer_id: int
    name: str


@dataclass(frozen=True, slots=True)
class Venue:
    """Where. `capacity` is in seats; `zones` are the names of its parts, dearest first."""

    venue_id: int
    name: str
    city: str
    state: str
    country: str
    time_zone: str
    capacity: int
    zones: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Genre:
    """A kind of event: where it stands in the marketplace's categories, and what it costs.

    `price_dollars` is a usual price in the dearest zone before fees; `start` is local (hour, minute).
    """

    category_id: int
    category: str
    sub_category_id: int
    sub_category: str
    price_dollars: float
    start: tuple[int, int]
    performers: tuple[str, ...]
    venues: tuple[Venue, ...]
    against: bool


@dataclass(frozen=True, slots=True)
class SimulatedProduction:
    """One edition of a series. It is on sale in `on_sale_at <= t < date`; after that nobody knows it."""

    production_id: int
    series: int
    edition: int
    name: str
    genre: Genre
    venue: Venue
    performers: tuple[Performer, ...]
    date: datetime
    on_sale_at: datetime

    def is_on_sale(self, at: datetime) -> bool:
        """Whether the marketplace answers about it at `at` (UTC)."""
        return self.on_sale_at <= at < self.date


_ARENA = ("Courtside", "Lower Level", "Club Level", "Mezzanine", "Upper Level", "Suites")
_STADIUM = ("Field Level", "Club", "Lower Bowl", "Loge", "Upper Bowl", "Suites", "Terrace")
_HALL = ("Orchestra", "Mezzanine", "Balcony", "Boxes")
_COURT = ("Courtside", "Loge", "Promenade", "Suites", "Grandstand")

_GENRES = (
    Genre(
        3, "Sports", 3, "NBA Basketball", 320.0, (19, 30),
        ("Springfield Comets", "Dayton Herons", "Tacoma Lumberjacks", "Omaha Larks", "Mobile Tides",
         "Reno Silver", "Akron Foundry", "Boise Summits"),
        (Venue(101, "Comet Arena", "Springfield", "IL", "US", "America/Chicago", 18_200, _ARENA),
         Venue(102, "Lakefront Garden", "Cleveland", "OH", "US", "America/New_York", 19_400, _ARENA)),
        True,
    ),
    Genre(
        2, "Concerts", 21, "Rock", 260.0, (20, 0),
        ("The Paper Lanterns", "Velvet Meridian", "Northbound Choir", "Glass Harbor", "Saint Ottoline",
         "Ten Small Rivers", "The Understudies", "Marrow Lane"),
        (Venue(201, "Harborlight Pavilion", "San Diego", "CA", "US", "America/Los_Angeles", 14_000, _ARENA),
         Venue(202, "Red Butte Bowl", "Salt Lake City", "UT", "US", "America/Denver", 12_500, _ARENA),
         Venue(203, "Queen Street Hall", "Toronto", "ON", "CA", "America/Toronto", 16_800, _ARENA)),
        False,
    ),
    Genre(
        4, "Theater", 41, "Musicals", 180.0, (19, 0),
        ("The Cartographer's Daughter", "Tin Pan Sally", "Midnight at the Automat", "Seven Bridges",
         "The Ferryman's Waltz", "Lighthouse Street"),
        (Venue(301, "Ambrose Theatre", "New York", "NY", "US", "America/New_York", 1_700, _HALL),
         Venue(302, "Old Mint Playhouse", "New Orleans", "LA", "US", "America/Chicago", 2_100, _HALL)),
        False,
    ),
    Genre(
        3, "Sports", 5, "NFL Football", 410.0, (13, 0),
        ("Duluth Voyageurs", "Toledo Ironclads", "Fresno Condors", "Macon Thunder", "Provo Rangers",
         "Albany Regents", "Tulsa Derricks", "Mesa Javelinas"),
        (Venue(401, "Voyageur Field", "Duluth", "MN", "US", "America/Chicago", 66_000, _STADIUM),
         Venue(402, "Condor Stadium", "Fresno", "CA", "US", "America/Los_Angeles", 71_500, _STADIUM)),
        True,
    ),
    Genre(
        3, "Sports", 9, "Tennis", 540.0, (12, 0),
        ("Lakeshore Open", "Desert Masters", "Harbor Classic", "Capital Indoor"),
        (Venue(501, "Lakeshore Tennis Center", "Chicago", "IL", "US", "America/Chicago", 15_400, _COURT),
         Venue(502, "Saguaro Courts", "Phoenix", "AZ", "US", "America/Phoenix", 16_100, _COURT)),
        False,
    ),
    Genre(
        2, "Concerts", 24, "Country", 190.0, (19, 0),
        ("Clementine Hale", "The Gravel Saints", "Wade Hollister", "June & the Juniper", "Dusty Marquee",
         "Cottonwood Revival"),
        (Venue(601, "Stockyard Coliseum", "Fort Worth", "TX", "US", "America/Chicago", 13_300, _ARENA),
         Venue(602, "Blue Ridge Amphitheater", "Asheville", "NC", "US", "America/New_York", 9_800, _ARENA)),
        False,
    ),
)  # fmt: skip


def upcoming(seed: int, productions: int, at: datetime) -> list[SimulatedProduction]:
    """The next edition of each series after `at` (UTC), soonest first: always `productions` of them."""
    return sorted(
        (next_edition(seed, series, at) for series in range(productions)),
        key=lambda production: (production.date, production.production_id),
    )


def find(seed: int, productions: int, production_id: int) -> SimulatedProduction | None:
    """The production of that id, past or future, or None where no series has it."""
    edition, series = divmod(production_id - FIRST_ID, MOST_SERIES)
    if edition < 0 or edition > 1_000 or series >= productions:
        return None
    return production_of(seed, series, edition)


@lru_cache(maxsize=32_768)
def production_of(seed: int, series: int, edition: int) -> SimulatedProduction:
    """One edition of one series. Pure; kept only because a time zone's arithmetic is slow."""
    genre_index = series % len(_GENRES)
    genre = _GENRES[genre_index]
    home = int(fraction(seed, series, "home") * len(genre.performers))
    # A team plays at home; everyone else is on tour.
    place = home if genre.against else int(fraction(seed, series, "venue") * len(genre.venues))
    venue = genre.venues[place % len(genre.venues)]
    performers = [_performer(genre_index, home)]
    if genre.against:
        step = 1 + int(fraction(seed, series, f"guest {edition}") * (len(genre.performers) - 1))
        performers.insert(0, _performer(genre_index, (home + step) % len(genre.performers)))
        name = f"{performers[0].name} at {performers[1].name}"
    elif genre.sub_category == "Tennis":
        name = f"{performers[0].name} - Session {1 + series // len(_GENRES) % 24}"
    else:
        name = performers[0].name
    day = EPOCH + timedelta(days=_phase_days(seed, series) + edition * PERIOD_DAYS)
    local = datetime(day.year, day.month, day.day, *genre.start, tzinfo=ZoneInfo(venue.time_zone))
    date = local.astimezone(UTC)
    return SimulatedProduction(
        production_id=FIRST_ID + edition * MOST_SERIES + series,
        series=series,
        edition=edition,
        name=f"{name} (simulated)",
        genre=genre,
        venue=venue,
        performers=tuple(performers),
        date=date,
        on_sale_at=date - timedelta(days=ON_SALE_DAYS),
    )


def next_edition(seed: int, series: int, at: datetime) -> SimulatedProduction:
    """The edition of a series that comes next after `at` (UTC)."""
    days = (at - EPOCH).days - _phase_days(seed, series)
    edition = max(0, days // PERIOD_DAYS - 1)
    production = production_of(seed, series, edition)
    while production.date <= at:
        edition += 1
        production = production_of(seed, series, edition)
    return production


def _phase_days(seed: int, series: int) -> int:
    return int((fraction(seed, 0, "phase") + series * GOLDEN) % 1 * PERIOD_DAYS)


def _performer(genre_index: int, index: int) -> Performer:
    return Performer(1_000 + genre_index * 100 + index, _GENRES[genre_index].performers[index])
