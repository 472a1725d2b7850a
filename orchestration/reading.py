"""Read stored answers into snapshots: for the first time, again, or out of quarantine.

What an answer turns out to be is stored in the transaction that stores its snapshots. What bytes mean belongs in
`marketplaces`, rows in `warehouse`.
"""

import random
from collections.abc import Mapping
from datetime import datetime
from functools import lru_cache

import pandas as pd

from orchestration.marketplaces import Marketplace
from orchestration.marketplaces.base import Inventory, Missing, Refused
from orchestration.metrics import section_metrics
from orchestration.warehouse import (
    Connection,
    answer_fields,
    captures,
    catalogue,
    jobs,
    listings,
    months,
    partitions,
    quarantine,
    snapshots,
    voids,
)
from orchestration.warehouse.captures import Capture, StoredAnswer
from orchestration.warehouse.catalogue import SeenZone
from orchestration.warehouse.listing_chain import Look
from orchestration.warehouse.listing_rows import microseconds
from orchestration.warehouse.quarantine import Refusal
from orchestration.warehouse.snapshots import Verdict

FIELDS_OF = (
    20  # answers of a tick that are looked through for new fields: a format changes for all, and all cost a third
)


def read_tick(
    connection: Connection,
    marketplace: Marketplace,
    tick: datetime,
    tolerance: float,
    run_id: str,
    *,
    only_received: bool,
    event_key: int | None = None,
    voided_too: bool = False,
) -> tuple[list[Verdict], pd.DataFrame]:
    """Read a tick's stored answers (of one event) into snapshots, in one transaction; the verdicts and the rows.

    What was voided stays void; with `voided_too` it is read again like the rest, and counts as it then reads.
    """
    with connection.transaction():
        listings.lock(connection, tick, event_key)
        answers = captures.lock_answers(
            connection,
            marketplace.source,
            tick,
            only_received=only_received,
            event_key=event_key,
            voided_too=voided_too,
        )
        return _read(connection, marketplace, tick, answers, tolerance, run_id)


class NotReplayable(Exception):  # noqa: N818
    """Why something stays in quarantine, and what brings it back: a sentence for the person who asked."""


def replay_quarantined(
    connection: Connection, marketplace: Marketplace, refusal: Refusal, tolerance: float, run_id: str
) -> str:
    """Feed a refused answer through again, in one transaction and exactly once; the status its capture has now.

    "rejected" is an answer that is still refused: it stays, with the newest reason. Raises NotReplayable.
    """
    event_key, tick = _replayable(connection, marketplace.source, refusal)
    partitions.ensure_partitions(connection, [tick])
    with connection.transaction():
        listings.lock(connection, tick, event_key)
        # the capture before the refusal, as `read_tick` takes them: so the two never wait for each other
        status = captures.lock_status(connection, event_key, tick)
        answer = quarantine.lock_unreplayed(connection, refusal.quarantine_id)
        if answer is None:
            raise NotReplayable("was replayed by somebody else just now.")
        if status == "void":
            raise NotReplayable("its capture is void: `tickettape replay --voided` reads it again, with its hour.")
        if status is None or status in captures.RETRIED:
            captures.store(connection, [Capture(event_key, tick, "received", answer=answer)], job_id=None)
        elif status not in ("rejected", "received"):
            quarantine.note_replayed(connection, refusal.quarantine_id)  # read again since, by the stored answer
            return status
        stored = StoredAnswer(event_key, refusal.external_id or "", "rejected", answer)
        verdicts, _ = _read(connection, marketplace, tick, [stored], tolerance, run_id)
        return verdicts[0].status


def _replayable(connection: Connection, source: str, refusal: Refusal) -> tuple[int, datetime]:
    if refusal.replayed_at is not None:
        raise NotReplayable(f"was replayed at {refusal.replayed_at:%Y-%m-%d %H:%M} UTC: once is enough.")
    if refusal.held_for is not None:
        month = f"{refusal.held_for:%Y-%m}"
        raise NotReplayable(f"waits for {month}: `tickettape restore {month} --replay-late` brings it back.")
    if refusal.content != "answer":
        raise NotReplayable("is a row of an import: mend the file and import it again.")
    if refusal.source != source:
        raise NotReplayable(f"is of {refusal.source}, and {source} is watched: set MARKETPLACE_SOURCE to replay it.")
    if refusal.tick is None:
        raise NotReplayable("is a page of the catalogue: the next tick asks for it again by itself.")
    if refusal.event_key is None:
        raise NotReplayable(f"no event {refusal.external_id} is known here: `tickettape track` it first.")
    for reason in months.refusals(connection, [refusal.tick]).values():
        raise NotReplayable(f"{reason}.")
    return refusal.event_key, refusal.tick


def _read(
    connection: Connection,
    marketplace: Marketplace,
    tick: datetime,
    answers: list[StoredAnswer],
    tolerance: float,
    run_id: str,
) -> tuple[list[Verdict], pd.DataFrame]:
    verdicts: list[Verdict] = []
    inventories: list[tuple[int, Inventory]] = []
    fields: dict[str, str] = {}
    for stored in random.sample(answers, min(len(answers), FIELDS_OF)):
        fields.update(dict.fromkeys(marketplace.fields(stored.answer), stored.external_id))
    for stored in answers:
        try:
            inventory = marketplace.read_listings(stored.answer, stored.external_id, tolerance)
        except Missing as missing:
            verdicts.append(Verdict(stored.event_key, "missing", str(missing)))
        except Refused as refused:
            verdicts.append(Verdict(stored.event_key, "rejected", str(refused)))
            quarantine.put(
                connection,
                source=marketplace.source,
                external_id=stored.external_id,
                tick=tick,
                reason=str(refused),
                payload=stored.answer,
                run_id=run_id,
            )
        else:
            inventories.append((stored.event_key, inventory))
            verdicts.append(_verdict(stored.event_key, inventory))
    section_keys = _section_keys(connection, inventories)
    rows = _with_keys(section_metrics((key, inventory.listings) for key, inventory in inventories), section_keys)
    if verdicts and snapshots.replace(connection, tick, verdicts, rows):
        seen = _looks(connection, tick, inventories, section_keys)
        listings.write(connection, tick, dict.fromkeys(one.event_key for one in verdicts) | seen)
        voids.end(connection, [(one.event_key, tick) for one in answers if one.status == "void"], "replay")
        rejected = {verdict.event_key for verdict in verdicts if verdict.status == "rejected"}
        understood = [one.external_id for one in answers if one.event_key not in rejected]
        quarantine.settle(connection, marketplace.source, tick, understood)
    _note_fields(connection, marketplace.source, fields)
    return verdicts, rows


def _note_fields(connection: Connection, source: str, fields: dict[str, str]) -> None:
    news = answer_fields.note(connection, source, fields)
    if news:
        message = (
            f"The answers of {source} have fields that were never seen before: {', '.join(news)}. They are ignored; "
            "if something we read was renamed, mend its wire format and replay."
        )
        jobs.log(connection, None, level="WARNING", event_key=None, message=message, metadata={"new fields": news})


def _verdict(event_key: int, inventory: Inventory) -> Verdict:
    return Verdict(
        event_key,
        inventory.status,
        "; ".join(inventory.contradictions) or None,
        stated_listings=inventory.stated_listings,
        stated_tickets=inventory.stated_tickets,
        counted_listings=inventory.counted_listings,
        counted_tickets=inventory.counted_tickets,
        stated_group_tickets=inventory.stated_group_tickets,
        stated_section_tickets=inventory.stated_section_tickets,
    )


def _section_keys(connection: Connection, inventories: list[tuple[int, Inventory]]) -> dict[tuple[int, str, str], int]:
    """(event_key, zone id, section id) -> section_key; zones and sections seen for the first time are made."""
    zone_keys = catalogue.ensure_zones(
        connection,
        (
            SeenZone(event_key, zone.zone_id, zone.name, zone.display_order)
            for event_key, inventory in inventories
            for zone in inventory.zones
        ),
    )
    section_keys = catalogue.ensure_sections(
        connection,
        {
            (event_key, zone_keys[event_key, one.zone_id], one.section_id): one.name
            for event_key, inventory in inventories
            for one in inventory.sections
        },
    )
    zone_ids = {(event_key, zone_key): zone_id for (event_key, zone_id), zone_key in zone_keys.items()}
    return {
        (event_key, zone_ids[event_key, zone_key], section_id): section_key
        for (event_key, zone_key, section_id), section_key in section_keys.items()
        if (event_key, zone_key) in zone_ids
    }


def _with_keys(metrics: pd.DataFrame, section_keys: Mapping[tuple[int, str, str], int]) -> pd.DataFrame:
    """A tick's section metrics with the warehouse's keys."""
    metrics["section_key"] = [
        section_keys[key] for key in zip(metrics["event_key"], metrics["zone_id"], metrics["section_id"], strict=True)
    ]
    return metrics


def _looks(
    connection: Connection,
    tick: datetime,
    inventories: list[tuple[int, Inventory]],
    section_keys: Mapping[tuple[int, str, str], int],
) -> dict[int, Look]:
    """What each answer shows, for the listing history."""
    lots = listings.lot_keys(
        connection, {(one.quantity, one.buyable) for _, inventory in inventories for one in inventory.listings}
    )
    at = microseconds(tick)
    looks = {}
    for event_key, inventory in inventories:
        sections = {
            (zone_id, section_id): section_keys[event_key, zone_id, section_id]
            for zone_id, section_id in {(one.zone_id, one.section_id) for one in inventory.listings}
        }
        offers = {
            (one.listing_id, sections[one.zone_id, one.section_id], one.row, lots[one.quantity, one.buyable]): (
                one.price_cents,
                one.all_in_price_cents or 0,
                _tenths(one.deal_score),
            )
            for one in inventory.listings
        }
        looks[event_key] = Look(at, inventory.status == "partial", offers)
    return looks


@lru_cache(maxsize=8_192)
def _tenths(deal_score: float | None) -> int:
    """A deal score as the history has it: the marketplace's are tenths from 0 to 10; -1 where there is none."""
    return round(deal_score * 10) if deal_score is not None and 0 <= deal_score <= 10 else -1
