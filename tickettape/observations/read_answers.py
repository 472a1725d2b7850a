"""Read stored answers into snapshots: for the first time, again, or out of quarantine.

The verdict on an answer is stored in the same transaction as its snapshots. `marketplaces` reads the bytes;
`section_snapshots` and the listing history write the rows.
"""

import random
from collections.abc import Mapping, Sequence
from datetime import datetime
from functools import lru_cache, partial

import pandas as pd

from tickettape.catalogue import ZonesAndSections, event_currencies, fix_currencies, other_currency
from tickettape.database import Connection, ensure_partitions, month_refusals
from tickettape.listing_history import (
    LateObservations,
    ListingHistoryWriter,
    Offer,
    OfferTermsKeys,
    Prices,
    RawObservation,
    lock_listing_history,
    microseconds,
)
from tickettape.marketplaces import Inventory, Listing, Marketplace, Missing, Refused, storable_inventory
from tickettape.observations.answer_fields import record_answer_fields
from tickettape.observations.captures import (
    RETRIED_STATUSES,
    Capture,
    StoredAnswer,
    lock_answers,
    lock_capture_status,
    store_captures,
)
from tickettape.observations.payloads import compress_payload
from tickettape.observations.quarantine import (
    Refusal,
    lock_unreplayed_payload,
    quarantine_refused,
    record_replayed,
    settle_refusals,
)
from tickettape.observations.scraper_jobs import log_about_job
from tickettape.observations.section_metrics import GatheredListings
from tickettape.observations.section_snapshots import AnswerVerdict, replace_snapshots
from tickettape.observations.vanished_zones import doubt_vanished_zones, zones_before
from tickettape.observations.voids import end_voids

FIELDS_OF = 20
"""How many answers of a tick are searched for new fields. A format changes for all, and all would cost a third."""

LEFT_OUT_NAMED = 3
"""How many of the listings that were left out of an answer its note names. The others are only counted."""

UNKNOWN_AT_ONCE = 100
"""How many inventories wait until their zones and sections are added together."""


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
) -> tuple[list[AnswerVerdict], pd.DataFrame]:
    """Read a tick's stored answers (of one event) into snapshots, in one transaction; the verdicts and the rows.

    Voided captures stay void. With `voided_too` they are read again like the others, and count again.
    """
    with connection.transaction():
        lock_listing_history(connection, tick, event_key)
        answers = lock_answers(
            connection,
            marketplace.source,
            tick,
            only_received=only_received,
            event_key=event_key,
            voided_too=voided_too,
        )
        return _read(connection, marketplace, tick, answers, tolerance, run_id)


def read_ticks(
    connection: Connection,
    marketplace: Marketplace,
    ticks: Sequence[datetime],
    tolerance: float,
    run_id: str,
    *,
    only_received: bool,
) -> int:
    """Read the stored answers of ticks of one month, oldest first, in one transaction; returns how many were read.

    It does what `read_tick` does for each, several times as fast where newer ticks are read already.
    """
    read = 0
    with connection.transaction():
        lock_listing_history(connection, ticks)
        late = LateObservations(connection)
        for tick in sorted(ticks):
            answers = lock_answers(connection, marketplace.source, tick, only_received=only_received)
            verdicts, _ = _read(connection, marketplace, tick, answers, tolerance, run_id, late)
            read += len(verdicts)
        late.write()
    return read


class NotReplayable(Exception):  # noqa: N818
    """Why something stays in quarantine, and what brings it back: a sentence for the person who asked."""


def replay_quarantined(
    connection: Connection, marketplace: Marketplace, refusal: Refusal, tolerance: float, run_id: str
) -> str:
    """Read a refused answer again, in one transaction and exactly once; returns the status that its capture has now.

    "rejected" means that it is still refused, and stays with the newest reason. Raises NotReplayable.
    """
    event_key, tick = _replayable(connection, marketplace.source, refusal)
    ensure_partitions(connection, [tick])
    with connection.transaction():
        lock_listing_history(connection, tick, event_key)
        # lock the capture before the refusal, in the order of `read_tick`, so that the two never deadlock
        status = lock_capture_status(connection, event_key, tick)
        answer = lock_unreplayed_payload(connection, refusal.quarantine_id)
        if answer is None:
            raise NotReplayable("was just replayed by another process.")
        if status == "void":
            raise NotReplayable(
                "belongs to a voided capture. `tickettape replay --voided` reads it again, with its hour."
            )
        if status is None or status in RETRIED_STATUSES:
            store_captures(connection, [Capture(event_key, tick, "received", answer=answer)], job_id=None)
        elif status not in ("rejected", "received"):
            record_replayed(connection, refusal.quarantine_id)  # the stored answer was read again meanwhile
            return status
        stored = StoredAnswer(event_key, refusal.external_id or "", "rejected", compress_payload(answer))
        verdicts, _ = _read(connection, marketplace, tick, [stored], tolerance, run_id)
        return verdicts[0].status


def _replayable(connection: Connection, source: str, refusal: Refusal) -> tuple[int, datetime]:
    if refusal.replayed_at is not None:
        raise NotReplayable(f"was already replayed at {refusal.replayed_at:%Y-%m-%d %H:%M} UTC.")
    if refusal.held_for is not None:
        month = f"{refusal.held_for:%Y-%m}"
        raise NotReplayable(f"is waiting for {month}. `tickettape restore {month} --replay-late` brings it back.")
    if refusal.content != "answer":
        raise NotReplayable("is a row of an import. Correct the file and import it again.")
    if refusal.source != source:
        raise NotReplayable(
            f"is from {refusal.source}, but only {source} is watched. Watch {refusal.source} too to replay it."
        )
    if refusal.tick is None:
        raise NotReplayable("is a page of the catalogue. The next tick requests it again by itself.")
    if refusal.event_key is None:
        raise NotReplayable(
            f"belongs to the unknown event {refusal.external_id}. Track it first with `tickettape track`."
        )
    for reason in month_refusals(connection, [refusal.tick]).values():
        raise NotReplayable(f"{reason}.")
    return refusal.event_key, refusal.tick


def _read(
    connection: Connection,
    marketplace: Marketplace,
    tick: datetime,
    answers: list[StoredAnswer],
    tolerance: float,
    run_id: str,
    late: LateObservations | None = None,
) -> tuple[list[AnswerVerdict], pd.DataFrame]:
    event_keys = [stored.event_key for stored in answers]
    tape = _Tape(connection, tick, event_keys, late)
    currencies = event_currencies(connection, event_keys)
    new_currencies: dict[int, str] = {}
    verdicts: list[AnswerVerdict] = []
    fields: dict[str, str] = {}
    before = zones_before(connection, event_keys, tick) if marketplace.zones_need_two_answers else {}
    looked_through = set(random.sample(event_keys, min(len(answers), FIELDS_OF)))
    with connection.pipeline():
        for stored in answers:
            answer = stored.answer
            if stored.event_key in looked_through:
                fields.update(dict.fromkeys(marketplace.fields(answer), stored.external_id))
            inventory: Inventory | None = None
            try:
                read = marketplace.read_listings(answer, stored.external_id, tolerance)
                inventory = _in_currency(storable_inventory(read, answer, tolerance), currencies.get(stored.event_key))
                inventory = doubt_vanished_zones(inventory, before, stored.event_key)
                if stored.event_key not in currencies:
                    new_currencies[stored.event_key] = inventory.currency
                verdicts.append(_verdict(stored.event_key, inventory))
            except Missing as missing:
                verdicts.append(AnswerVerdict(stored.event_key, "missing", str(missing)))
            except Refused as refused:
                verdicts.append(AnswerVerdict(stored.event_key, "rejected", str(refused)))
                quarantine_refused(
                    connection,
                    source=marketplace.source,
                    external_id=stored.external_id,
                    tick=tick,
                    reason=str(refused),
                    payload=answer,
                    run_id=run_id,
                )
            tape.take(stored.event_key, inventory)
        tape.take_unknown()
    fix_currencies(connection, new_currencies)
    rows = tape.gathered.section_metrics()
    if verdicts and replace_snapshots(connection, tick, verdicts, rows):
        tape.history.write()
        end_voids(connection, [(one.event_key, tick) for one in answers if one.status == "void"], "replay")
        rejected = {verdict.event_key for verdict in verdicts if verdict.status == "rejected"}
        understood = [one.external_id for one in answers if one.event_key not in rejected]
        settle_refusals(connection, marketplace.source, tick, understood)
    _note_fields(connection, marketplace.source, fields)
    return verdicts, rows


def _in_currency(inventory: Inventory, known: str | None) -> Inventory:
    """The inventory, if its prices are in the event's currency. Raises Refused if they are in another."""
    if known is not None and inventory.currency != known:
        raise Refused(f"{other_currency(f'Event {inventory.external_id}', known, inventory.currency)}.")
    return inventory


class _Tape:
    """Turns a tick's inventories into rows, one by one. Each is finished while it is in the processor's cache, which
    could not hold all of them."""

    def __init__(
        self, connection: Connection, tick: datetime, event_keys: list[int], late: LateObservations | None
    ) -> None:
        self.gathered = GatheredListings()
        self.history = ListingHistoryWriter(connection, tick, event_keys, late)
        self._tick = microseconds(tick)
        self._zones_and_sections = ZonesAndSections(connection, event_keys, tick)
        self._offer_terms = OfferTermsKeys(connection)
        self._unknown: list[tuple[int, Inventory]] = []

    def take(self, event_key: int, inventory: Inventory | None) -> None:
        """Take the inventory in an event's answer; None if it cannot be used."""
        if inventory is None:
            self.history.take(event_key, None)
        elif self._zones_and_sections.knows(event_key, inventory):
            self._take_known(event_key, inventory)
        else:
            self._unknown.append((event_key, inventory))
            if len(self._unknown) == UNKNOWN_AT_ONCE:
                self.take_unknown()

    def take_unknown(self) -> None:
        """Take the inventories that waited until their zones and sections are added."""
        if self._unknown:
            self._zones_and_sections.make(self._unknown)
        for event_key, inventory in self._unknown:
            self._take_known(event_key, inventory)
        self._unknown.clear()

    def _take_known(self, event_key: int, inventory: Inventory) -> None:
        section_keys = self._zones_and_sections.of(event_key)
        self.gathered.add(event_key, inventory.listings, section_keys)
        spell = partial(_offer, section_keys, self._offer_terms)
        self.history.take(
            event_key, RawObservation(self._tick, inventory.status == "partial", inventory.listings, spell)
        )


def _note_fields(connection: Connection, source: str, fields: dict[str, str]) -> None:
    news = record_answer_fields(connection, source, fields)
    if news:
        message = (
            f"The answers of {source} have fields that were never seen before: {', '.join(news)}. They are "
            "ignored. If the marketplace renamed a field that we read, update the wire format and replay."
        )
        log_about_job(connection, None, level="WARNING", event_key=None, message=message, metadata={"new fields": news})


def _verdict(event_key: int, inventory: Inventory) -> AnswerVerdict:
    return AnswerVerdict(
        event_key,
        inventory.status,
        _note(inventory),
        stated_listings=inventory.stated_listings,
        stated_tickets=inventory.stated_tickets,
        counted_listings=inventory.counted_listings,
        counted_tickets=inventory.counted_tickets,
        stated_zone_tickets=inventory.stated_zone_tickets,
        stated_section_tickets=inventory.stated_section_tickets,
        left_out_listings=len(inventory.left_out),
    )


def _note(inventory: Inventory) -> str | None:
    """What is wrong with an answer that is used nevertheless."""
    said = [*inventory.contradictions]
    if inventory.left_out:
        said.append(
            f"{len(inventory.left_out)} listings were left out: {' '.join(inventory.left_out[:LEFT_OUT_NAMED])}"
        )
    return " ".join(said) or None


def _offer(
    section_keys: Mapping[tuple[str, str], int], offer_terms: OfferTermsKeys, one: Listing
) -> tuple[Offer, Prices]:
    """A listing as the history has it."""
    offer = (one.listing_id, section_keys[one.zone_id, one.section_id], one.row, offer_terms[one.quantity, one.buyable])
    return offer, (one.price_cents, one.all_in_price_cents or 0, _tenths(one.deal_score))


@lru_cache(maxsize=8_192)
def _tenths(deal_score: float | None) -> int:
    """A deal score (0 to 10) as the history has it: in tenths; -1 if there is none."""
    return round(deal_score * 10) if deal_score is not None and 0 <= deal_score <= 10 else -1
