"""The answers of the series that are made from the listing history; see `answers` for what all models keep to."""

from typing import Literal

from pydantic import Field

from serving.answers import EventSeries, FilledSeries, Point, price_field

Verdict = Literal["sold", "withdrawn", "relisted", "split", "open"]

_UNKNOWN = "Null: the listings are not known."
_SIMULATED = "Calibrated on simulated worlds."


class GetInPrice(Point):
    """The lowest prices at which people get into an event, or into a zone, in an hour or on a day."""

    zone: str | None = Field(description="The zone. Null: the whole event.", examples=["Lower Bowl"])  # type: ignore[assignment]
    price_1: float | None = price_field("Lowest price of exactly 1 ticket, before fees", 131.0)
    price_2: float | None = price_field("Lowest price of exactly 2 together, before fees", 120.0)
    price_4: float | None = price_field("Lowest price of exactly 4 together, before fees", 120.0)
    all_in_price_1: float | None = price_field("Lowest price of exactly 1 ticket, with fees", 165.1)
    all_in_price_2: float | None = price_field("Lowest price of exactly 2 together, with fees", 151.2)
    all_in_price_4: float | None = price_field("Lowest price of exactly 4 together, with fees", 151.2)


class PriceQuartiles(Point):
    """How the prices of a zone's listings were spread: at the last ok capture of an hour, or of a day's last hour."""

    total_listings: int | None = Field(description=f"Listings for sale. {_UNKNOWN}", examples=[31])
    total_tickets: int | None = Field(description=f"Tickets for sale. {_UNKNOWN}", examples=[84])
    min_price: float | None = price_field("Lowest price, before fees", 120.0)
    lower_quartile_price: float | None = price_field("A quarter of the listings cost at most this, before fees", 135.0)
    median_price: float | None = price_field("Half of the listings cost at most this, before fees", 150.0)
    upper_quartile_price: float | None = price_field("Three quarters of them cost at most this, before fees", 180.0)
    max_price: float | None = price_field("Highest price, before fees", 410.0)


class InventoryChange(Point):
    """How the listings of a zone changed in an hour or on a day."""

    appeared: int | None = Field(description=f"Listings that appeared. {_UNKNOWN}", examples=[4])
    appeared_tickets: int | None = Field(description=f"Tickets of these. {_UNKNOWN}", examples=[10])
    repriced_up: int | None = Field(description=f"Times that a price rose. {_UNKNOWN}", examples=[2])
    repriced_down: int | None = Field(description=f"Times that a price fell. {_UNKNOWN}", examples=[5])
    shrank: int | None = Field(description=f"Listings that lost some of their tickets. {_UNKNOWN}", examples=[1])
    shrank_tickets: int | None = Field(description=f"Tickets that they lost. {_UNKNOWN}", examples=[2])
    grew: int | None = Field(description=f"Listings that got more tickets. {_UNKNOWN}", examples=[0])
    moved: int | None = Field(description=f"Listings that came from another section or row. {_UNKNOWN}", examples=[0])
    went: int | None = Field(description=f"Listings that went. {_UNKNOWN}", examples=[3])
    went_tickets: int | None = Field(description=f"Tickets of these. {_UNKNOWN}", examples=[6])


class EstimatedSale(Point):
    """What was probably sold in a zone in an hour or on a day. Nobody outside the marketplace sees a sale."""

    sales: int | None = Field(description=f"Listings that were sold, whole or in part. {_UNKNOWN}", examples=[3])
    sold_tickets: int | None = Field(description=f"Tickets of these. {_UNKNOWN}", examples=[6])
    sold_value: float | None = Field(
        description=f"Their tickets times their price before fees, in the event's currency. {_UNKNOWN}",
        examples=[840.0],
    )
    median_sold_price: float | None = price_field("Median of their last prices, before fees", 140.0)
    avg_confidence: float | None = Field(
        description="Mean confidence that they were sold, from 0 to 1. Null: none was.", examples=[0.7]
    )
    withdrawn: int | None = Field(description=f"Listings that were withdrawn. {_UNKNOWN}", examples=[1])
    withdrawn_tickets: int | None = Field(description=f"Tickets of these. {_UNKNOWN}", examples=[2])
    relisted: int | None = Field(
        description=f"Listings that appeared again as others, whole or in parts. {_UNKNOWN}", examples=[0]
    )
    came_back: int | None = Field(description=f"Listings that came back within a day. {_UNKNOWN}", examples=[1])
    open: int | None = Field(description=f"Listings for which it is too early to judge. {_UNKNOWN}", examples=[0])
    sales_low: int | None = Field(
        description=f"Sales that are nearly sure, whole or in part. {_SIMULATED} {_UNKNOWN}", examples=[1]
    )
    sales_mid: float | None = Field(
        description=f"Sales that are to be expected: the sum of their probabilities. {_SIMULATED} {_UNKNOWN}",
        examples=[1.7],
    )
    sales_high: int | None = Field(description=f"All that may be sales, `open` ones too. {_UNKNOWN}", examples=[3])
    sold_tickets_low: int | None = Field(
        description=f"Tickets of the sales that are nearly sure. {_SIMULATED} {_UNKNOWN}", examples=[2]
    )
    sold_tickets_mid: float | None = Field(
        description=f"Tickets that are to be expected as sold. {_SIMULATED} {_UNKNOWN}", examples=[3.4]
    )
    sold_tickets_high: int | None = Field(description=f"Tickets of all that may be sales. {_UNKNOWN}", examples=[6])


class MarketDays(Point):
    """How long the listings of a zone that went on a day had been for sale."""

    verdict: Verdict = Field(description="What became of them, in our judgement.", examples=["sold"])
    listings: int = Field(description="How many listings these are.", examples=[12])
    min_days: float = Field(description="The shortest time, in days.", examples=[0.02])
    median_days: float = Field(description="The median time, in days.", examples=[3.5])
    max_days: float = Field(description="The longest time, in days.", examples=[41.2])


class GetInPrices(FilledSeries):
    """Get-in prices of an event, or of one of its zones, by hour or day."""

    data: list[GetInPrice]


class PriceDistribution(FilledSeries):
    """The spread of the prices of an event's zones, by hour or day."""

    data: list[PriceQuartiles]


class InventoryChanges(FilledSeries):
    """Changes of the listings of an event's zones, by hour or day."""

    data: list[InventoryChange]


class EstimatedSales(FilledSeries):
    """Estimated sales in an event's zones, by hour or day."""

    data: list[EstimatedSale]


class DaysOnMarket(EventSeries):
    """How long the listings that went had been for sale, by day."""

    verdict: Verdict = Field(description="What became of them, in our judgement.", examples=["sold"])
    data: list[MarketDays]
