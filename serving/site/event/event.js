// An event's page: reads what is asked from the URL, asks the API, and shows charts, zones and listings. Then it
// follows the event's stream.

import { asked, change, settle } from "../shared/address.js";
import { ask, Failure } from "../shared/api.js";
import { at, html } from "../shared/dom.js";
import { keyGate } from "../shared/key.js";
import { States } from "../shared/states.js";
import { age, count, dateAtVenue, DAY, HOUR, money, share } from "../shared/words.js";
import { makeAlert } from "./alerts.js";
import { makeCharts, showActivity, showDays, showGetIn, showZone, useCurrency } from "./charts.js";
import { fillFields, showFigures, watchFields } from "./choices.js";
import { Clock } from "./clock.js";
import { showComparables } from "./comparables.js";
import { showFan } from "./fan.js";
import { Listings } from "./listings.js";
import { follow } from "./live.js";
import { showMarkets } from "./markets.js";
import { picker } from "./picker.js";
import { showPrimary } from "./primary.js";
import { labelsOf, rangeAsked, rangeOfSales, series } from "./series.js";
import { keepingFocus } from "./steady.js";
import { askZones, showZones } from "./zones.js";

const CHOICES = ["zone", "with", "versus", "axis", "tickets", "basis", "days", "from", "to", "at", "where"];
const DRAG_PAUSE_MS = 120; // between two questions for listings while someone drags
const MOST_NAMESAKES = 200; // as many rows as a page of the board may have
const STALE_MS = 3 * HOUR; // without a capture, of an event that is still to come

const UNTIL = new Intl.RelativeTimeFormat("en", { numeric: "auto" });

const id = decodeURIComponent(location.pathname.split("/").at(-1));
const path = `events/${encodeURIComponent(id)}`;
const charts = makeCharts(mark);
const alert = makeAlert(at("alert"), charts.getIn);
const listings = new Listings(at("listings"), { travel, where: (where) => choose({ where }), failed });
const showVersus = picker(at("versus"), at("versus-list"), searchEvents,
  ({ value }) => choose(value === "none" ? { versus: null, axis: null } : { versus: value }));
const states = new States(at("charts"), () => gate.open());
const gate = keyGate(at("main"), open, (why) => states.show("error", why));
let going = new AbortController(); // aborts the newest request when another one replaces it
let view = null; // what is shown
let unfollow = null, dragging = null;

async function open() {
  await show();
  unfollow?.();
  if ("locked" in at("main").dataset) return; // the key is asked for
  unfollow = follow(`${path}/stream`, { news: () => show({ again: true }), tell: showLive });
}

/** A choice of the reader. It gets its own URL, so that the view can be shared and the Back button works. */
function choose(changes) {
  change(changes);
  show();
}

async function searchEvents(search) {
  const { data } = await ask("events", { search, limit: 20 });
  const others = data.filter((event) => event.id !== id).map((event) => ({ value: event.id, label: event.name,
    hint: [event.venue, event.city, dateAtVenue(event).textContent].filter(Boolean).join(", ") }));
  return view?.versus && !search ? [{ value: "none", label: "None" }, ...others] : others;
}

/** Load and show what the URL asks for. `again`: keep what is there until the answers come, and the fields. */
async function show({ again = false } = {}) {
  going.abort();
  going = new AbortController();
  const { signal } = going, choices = asked(CHOICES);
  if (!again) states.show("loading", "Loading …");
  try {
    const [event, { data: zones }, versus] = await Promise.all([ask(path, {}, signal), ask(`${path}/zones`, {}, signal),
      choices.versus ? ask(`events/${encodeURIComponent(choices.versus)}`, {}, signal) : null]);
    view = viewOf(choices, event, zones, versus);
    about(view);
    if (!again || at("filters").hidden) {
      at("filters").hidden = false;
      settle({ zone: view.zone?.zone });
      fillFields(view);
      showVersus(versus?.name ?? "");
    }
    useCurrency(view.currency);
    const markets = Promise.all([
      showMarkets(charts.markets, view, signal), showPrimary(at("primary"), view, signal)]);
    if (event.last_ok_at && view.zone) await Promise.all([fill(view, signal), markets]);
    else {
      states.show("empty", "There is no complete capture of this event yet.");
      await markets;
    }
  } catch (failure) {
    if (signal.aborted) return;
    const words = failure instanceof Failure ? failure.message : `The page failed: ${failure.message}`;
    if (failure.status === 401) gate.ask(failure);
    else if (again && states.name === "ready") states.keepStale(`This data may be out of date: ${words}`);
    else states.show("error", words);
  }
}

function viewOf(choices, event, zones, versus) {
  const clock = new Clock(event.venue_time_zone), named = (name) => zones.find((one) => one.zone === name);
  const zone = named(choices.zone) ?? zones.find((one) => one.available) ?? zones[0];
  const other = named(choices.with), instant = Date.parse(choices.at ?? "");
  return {
    id, path, event, zones, versus, clock, zone, title: event.name, currency: event.currency, labels: labelsOf(zones),
    other: other === zone ? undefined : other, where: named(choices.where)?.zone ?? "",
    tickets: ["1", "4"].includes(choices.tickets) ? Number(choices.tickets) : 2,
    basis: choices.basis === "all_in" ? "all_in" : "before_fees",
    axis: choices.axis === "days" && event.date ? "days" : null, range: rangeAsked(choices, event, clock),
    instant: Number.isNaN(instant) ? null : instant, marked: Number.isNaN(instant) ? null : instant,
    last: Date.parse(event.last_ok_at ?? ""),
  };
}

/** Fill every part with its answers, each as soon as it has them. */
async function fill(shown, signal) {
  const { range, event, clock } = shown;
  const getIn = showGetIn(charts, shown, signal);
  alert.show(shown);
  const nothing = getIn.then(({ points }) => !points.some((point) => point.observed));
  await Promise.all([
    getIn,
    getIn.then(async (prices) => figures(shown, prices, await soldInADay(shown, signal))),
    getIn.then((prices) => showActivity(charts, shown, prices, signal)),
    listings.show(shown, shown.instant, signal).then((seen) => seen !== null && shown.instant !== null
      && (charts.getIn.marked = shown.instant)),
    getIn.then(async (series) => {
      const found = await askZones(shown, series.start ?? shown.last, series.step, signal);
      const choice = (name) => {
        choose({ zone: name });
        at("one-zone").scrollIntoView({ behavior: "smooth" });
      };
      keepingFocus(at("zones"), () => showZones(at("zones"), shown, sinceWhen(shown, series), found, choice));
    }),
    showFan(at("fan"), shown, signal),
    showComparables(at("comparables"), shown, signal),
    showZone(charts, shown, signal),
    showDays(charts.days, shown, signal),
  ]);
  if (await nothing) {
    states.show("empty", `This event was not observed ${range.words}. `
      + `It was seen from ${clock.dateInWords(event.first_date)} to ${clock.dateInWords(clock.dateOf(shown.last))}.`);
    return;
  }
  states.show("ready");
  const old = Date.now() - shown.last, coming = event.active && (!event.date || Date.parse(event.date) > Date.now());
  if (coming && old > STALE_MS) states.keepStale(`Nothing has been captured for ${count(old / HOUR)} hours.`);
}

function about({ event, clock }) {
  const { date, venue, city } = event;
  document.title = `${event.name} · Tickettape`;
  at("state").hidden = false;
  at("name").textContent = event.name;
  const when = date ? [`, ${UNTIL.format(clock.daysBetween(Date.now(), Date.parse(date)), "day")}`] : [];
  const where = [venue, city].filter(Boolean).join(", ");
  const there = event.page_url
    ? [" · ", html("a", { href: event.page_url, rel: "external noreferrer", textContent: `See it at ${event.source}` })] : [];
  at("place").replaceChildren(where, where && " · ", dateAtVenue(event), ...when, ...there);
  at("captured").replaceChildren(
    ...(event.last_ok_at ? ["Last capture ", age(event.last_ok_at)] : ["No complete capture yet"]));
  at("times").textContent = event.venue_time_zone
    ? `Times are the venue's (${clock.name(Date.now())}); point at one to see it in UTC. Charts by day use UTC days.`
    : "The venue's time zone is not known, so times are UTC.";
}

/** Since when the change is: the range in words, or the first price where that is later. */
function sinceWhen({ range, clock }, { before, step }) {
  const later = before && before.at > Date.parse(range.start_date) + DAY;
  return later ? `since ${clock.shortly(before.at, step)}` : range.words;
}

/** How many tickets were sold in 24 hours, as the board says it, and how many of its hours that may be, in words. The
 * number is undefined if the event is not among its namesakes. */
async function soldInADay({ event, path, last }, signal) {
  const hours = { granularity: "hour", start_date: new Date(last - DAY).toISOString(), end_date: event.last_ok_at };
  const [board, sales] = await Promise.all([
    ask("board", { search: event.name, limit: MOST_NAMESAKES }, signal),
    event.last_ok_at ? series(`${path}/estimated-sales`, hours, signal) : { data: [] },
  ]);
  return { tickets: board.data.find((row) => row.id === id)?.sold_tickets_1day,
    range: rangeOfSales(sales.data, "sold_tickets") };
}

function figures(shown, series, sold) {
  const { latest, before, points, step } = series;
  const { event, tickets, basis, currency, clock } = shown;
  const first = before?.values[0] ?? null, now = latest?.values[0] ?? null;
  const gone = latest && points.findLast((point) => point.observed)?.at > latest.at;
  const change = now && first ? now / first - 1 : null;
  const changed = change === null ? "" : `${change ? share(change) : "unchanged"} ${sinceWhen(shown, series)}`;
  showFigures([
    [`Get-in for ${tickets}, ${basis === "all_in" ? "all-in" : "before fees"}`, money(gone ? null : now, currency),
      gone ? `none since ${clock.shortly(latest.at, step)}` : changed,
      gone || !change ? "soft" : change < 0 ? "fall" : "rise"],
    ["Tickets left", count(event.total_tickets), `in ${count(event.total_listings)} listings`],
    ["Zones for sale", `${count(event.available_zones)} of ${count(event.zones)}`],
    ["Tickets sold in 24 hours", count(sold.tickets ?? null), ["estimated", sold.range].filter(Boolean).join(": ")],
  ]);
}

/** A moment that is marked on the get-in chart; null: none. `done`: the reader has let go. */
function mark(moment, done) {
  clearTimeout(dragging);
  if (done) return travel(moment);
  dragging = setTimeout(() => listings.show(view, moment, going.signal).catch(() => {}), DRAG_PAUSE_MS);
  return undefined;
}

/** Show the listings of an instant; null: now. Nothing else changes. */
async function travel(instant) {
  change({ at: instant === null ? null : new Date(instant).toISOString() });
  view = { ...view, instant, marked: instant };
  charts.getIn.marked = instant;
  try {
    await listings.show(view, instant, going.signal);
    listings.say();
  } catch (failure) {
    failed(failure);
  }
}

/** Say that the answer to a button did not come. What is shown stays. */
function failed(failure) {
  if (failure.name !== "AbortError") states.keepStale(failure.message);
}

function showLive(state) {
  const words = { live: "Live", waiting: "Connecting" }[state];
  at("live").dataset.state = words ? state : "ended";
  at("live").textContent = words ?? "Not live";
  at("live").title = words ? "New prices appear by themselves" : state;
}

watchFields(choose);
addEventListener("popstate", () => show());
gate.open();
