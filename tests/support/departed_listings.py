"""Departures in the worlds of agents: what the rollups would say of them, what became of them, and their traces.

The rows are those of `listing_departures`, `price_distribution` and `event_days`, made from a world without a database.
`traces` and `probabilities` say once more what the model `sale_probabilities` says in SQL, so that the two can be
compared, and so that the table of points can be fitted without a database.
"""

import json
import re
from dataclasses import dataclass
from functools import cache
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np
import numpy.typing as npt
import pandas as pd

from tickettape.marketplaces.simulator import catalogue
from tickettape.marketplaces.simulator.worlds import AgentsMarket, ListingHistory, draw_listings
from tickettape.settings import ROOT

POINTS_FILE = ROOT / "dbt_project/macros/sale_points.sql"
TRACES = ("rank", "crowd", "hour", "days")
RELISTED_WITHIN, TAKEN_DOWN_BEFORE = pd.Timedelta(hours=1), pd.Timedelta(hours=2)

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Departed:
    """Whole listings that went, in some events of one world.

    `listings`: event, listing_id, tick, hour, zone, price_cents, tickets, verdict ("sold" or "relisted"), and the
    truth: sold. `distribution`: event, zone, hour, min, lower, median, upper, max (cents), listings. `captures`: event,
    date, ok. `events`: event, date (when it begins), time_zone.
    """

    listings: pd.DataFrame
    distribution: pd.DataFrame
    captures: pd.DataFrame
    events: pd.DataFrame


def departed(
    seed: int, strength: float, random_share: float, *, events: int = 16, days: int = 30, minutes: int = 10
) -> Departed:
    """What went in one market of agents, looked at every so many minutes."""
    market = AgentsMarket(seed, events, strength=strength, random_share=random_share, days=days)
    history, truth = draw_listings(market, interval_minutes=minutes)
    zones = {one.production_id: one.venue.time_zone for one in _productions(market, history)}
    whole = truth[truth["what"] == "went"]
    by_event = dict(iter(whole.groupby("event")))
    parts, ticks = [], []
    for event, starts_at, count in history.events[["event", "starts_at", "captures"]].to_numpy().tolist():
        ticks.append(pd.date_range(starts_at, periods=count, freq=history.interval))
        if event in by_event:
            rows = history.listings[history.listings["event"] == event]
            parts.append(_of_event(rows, by_event[event], pd.Timestamp(starts_at), pd.Timedelta(history.interval)))
    captures = pd.concat(
        pd.DataFrame({"event": event, "date": tick.date})
        for event, tick in zip(history.events["event"], ticks, strict=True)
    )
    about = history.events[["event", "date"]].assign(time_zone=history.events["event"].map(zones))
    return Departed(
        pd.concat([listings for listings, _ in parts], ignore_index=True),
        pd.concat([distribution for _, distribution in parts], ignore_index=True),
        captures.groupby(["event", "date"]).size().rename("ok").reset_index(),
        about,
    )


def _productions(market: AgentsMarket, history: ListingHistory) -> list[catalogue.SimulatedProduction]:
    found = [
        market.production(event, date - pd.Timedelta(hours=1))
        for event, date in history.events[["event", "date"]].to_numpy()
    ]
    return [one for one in found if one is not None]


def _of_event(
    rows: pd.DataFrame, gone: pd.DataFrame, starts_at: pd.Timestamp, interval: pd.Timedelta
) -> tuple[pd.DataFrame, pd.DataFrame]:
    first, until = rows["first_capture"].to_numpy(), rows["until_capture"].to_numpy()
    zone, price, name = (rows[column].to_numpy() for column in ("zone", "price_cents", "listing_id"))
    last = rows.reset_index(drop=True).groupby("listing_id")["until_capture"].idxmax()
    mine = last.loc[gone["listing_id"]].to_numpy()
    born = rows.reset_index(drop=True).sort_values("first_capture").drop_duplicates("listing_id")
    capture = gone["capture"].to_numpy()
    tick = starts_at + capture * interval
    hour = pd.DatetimeIndex(tick).floor("h")
    seats = ["section", "row", "quantity"]
    twins = born.groupby(seats)["first_capture"].apply(np.array).to_dict()
    within = RELISTED_WITHIN // interval
    relisted = [
        bool(((twins[tuple(seat)] >= when) & (twins[tuple(seat)] <= when + within)).any())
        if tuple(seat) in twins
        else False
        for seat, when in zip(rows[seats].to_numpy()[mine], capture, strict=True)
    ]
    listings = pd.DataFrame(
        {
            "event": gone["event"].to_numpy(), "listing_id": name[mine], "tick": tick, "hour": hour, "zone": zone[mine],
            "price_cents": price[mine], "tickets": rows["quantity"].to_numpy()[mine],
            "verdict": np.where(relisted, "relisted", "sold"), "sold": gone["outcome"].to_numpy() == "sold",
        }
    )  # fmt: skip
    ends = {}
    for at, place in sorted(set(zip(hour, zone[mine], strict=True))):
        closing = (at + pd.Timedelta(minutes=59) - starts_at) // interval  # the last capture of the hour
        here = price[(first <= closing) & (closing < until) & (zone == place)]
        if len(here):
            quartiles = np.floor(np.quantile(here, [0, 0.25, 0.5, 0.75, 1]) + 0.5)
            ends[at, place] = (*quartiles, len(here))
    names = ["hour", "zone", "min", "lower", "median", "upper", "max", "listings"]
    distribution = pd.DataFrame([(*key, *values) for key, values in ends.items()], columns=names)
    return listings, distribution.assign(event=gone["event"].iloc[0])


def traces(world: Departed, crowded: float, shrunk_by: float) -> pd.DataFrame:
    """Departures that may be sales, with their traces (rank, crowd, hour, days) and their event's (pull, batches).

    Nothing is known where a value is missing.
    """
    rows = world.listings.merge(world.distribution, how="left", on=["event", "zone", "hour"])
    rows = rows.merge(world.events, on="event")
    rows["date_utc"] = rows["hour"].dt.date
    rows = rows.merge(world.captures.rename(columns={"date": "date_utc"}), how="left", on=["event", "date_utc"])
    together = rows.groupby(["event", "tick"])["listing_id"].transform("size")
    in_day = rows.groupby(["event", "date_utc"])["listing_id"].transform("size")
    rows["crowd"] = together / (1 + in_day / rows["ok"])
    rows["rank"] = _rank(
        rows["price_cents"].to_numpy(float), rows[["min", "lower", "median", "upper", "max"]].to_numpy(float)
    )
    rows["local"] = [
        tick.astimezone(ZoneInfo(zone)).hour for tick, zone in zip(rows["tick"], rows["time_zone"], strict=True)
    ]
    rows["days"] = (rows["date"] - rows["tick"]).dt.total_seconds() / 86_400
    taken_down = rows["tick"] >= rows["date"] - TAKEN_DOWN_BEFORE
    rows = rows[(rows["verdict"] == "sold") & ~taken_down].drop(columns="hour").rename(columns={"local": "hour"})
    of_event = rows.assign(low=0.5 - rows["rank"], batch=rows["crowd"] >= crowded).groupby("event")
    count = of_event["listing_id"].transform("size")
    rows["pull"] = of_event["low"].transform("sum") / (of_event["rank"].transform("count") + shrunk_by)
    rows["batches"] = of_event["batch"].transform("sum") / (count + shrunk_by)
    return rows


def _rank(price: Floats, edges: Floats) -> Floats:
    """Between 0 (at most the lowest price) and 1 (above the highest), interpolated between the quartiles."""
    rank = np.where(np.isnan(edges[:, 0]), np.nan, np.where(price > edges[:, 4], 1.0, 0.0))
    for quarter in range(4):
        low, high = edges[:, quarter], edges[:, quarter + 1]
        inside = (price > low) & (price <= high)
        rank[inside] = (quarter + (price - low)[inside] / (high - low)[inside]) / 4
    return rank


@cache
def points() -> dict[str, Any]:
    """The table of points as the dbt project has it."""
    (found,) = re.findall(r"return\((\{.*\})\)", POINTS_FILE.read_text(), flags=re.DOTALL)
    table: dict[str, Any] = json.loads(found)
    return table


def event_class(rows: pd.DataFrame, table: dict[str, Any]) -> npt.NDArray[np.int64]:
    """By departure, the row of the table that its event has."""
    edges = table["edges"]
    pull, batches = (np.digitize(rows[name], edges[name]) for name in ("pull", "batches"))
    classes: npt.NDArray[np.int64] = pull * (len(edges["batches"]) + 1) + batches
    return classes


def probabilities(rows: pd.DataFrame, table: dict[str, Any]) -> Floats:
    """How probably each departure was a sale."""
    classes, of_class = event_class(rows, table), table["classes"]
    score = np.array([one["base"] for one in of_class])[classes]
    for name in TRACES:
        bins = np.digitize(rows[name], table["edges"][name])
        score = score + np.where(rows[name].isna(), 0.0, np.array([one[name] for one in of_class])[classes, bins])
    chances: Floats = 1 / (1 + np.exp(-score))
    return chances
