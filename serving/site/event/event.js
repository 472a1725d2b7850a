// An event's page: reads the event and the filters from the URL, asks the API, and draws the three charts.

import { asked, change, settle } from "../shared/address.js";
import { ask, askAll, Failure, ROOT } from "../shared/api.js";
import { at } from "../shared/dom.js";
import { keyGate } from "../shared/key.js";
import { States } from "../shared/states.js";
import { Chart, inWords } from "./chart.js";
import { picker } from "./picker.js";

const HOUR = 3_600_000, DAY = 24 * HOUR, LOOK_AGAIN_MS = 60_000, FILTERS = ["zone", "from", "to", "basis"];

const inCurrency = (currency, more) => new Intl.NumberFormat("en-US", { style: "currency", currency, ...more });
const money = { exact: inCurrency("USD"), whole: inCurrency("USD", { maximumFractionDigits: 0 }) };
function priceIn(currency) {
  money.exact = inCurrency(currency);
  money.whole = inCurrency(currency, { maximumFractionDigits: 0 });
}
const counts = new Intl.NumberFormat("en-US", { maximumFractionDigits: 1 });
const price = (value, step = 0) => (step >= 1 ? money.whole : money.exact).format(value);
const count = (value) => counts.format(value);

const charts = {
  "price-trends": new Chart(at("price-trends"),
    { title: "Price trends", names: ["Lowest", "Average", "Highest"], format: price, band: true }),
  "group-prices": new Chart(at("group-prices"),
    { title: "Prices for groups", names: ["For one", "For two", "For four"], format: price }),
  "ticket-counts": new Chart(at("ticket-counts"),
    { title: "Tickets and listings", names: ["Tickets", "Listings"], format: count, fromZero: true }),
};
const showEvent = picker(at("event"), at("event-list"), searchEvents, ({ value }) => choose({}, value));
const states = new States(at("charts"), () => gate.open());
const gate = keyGate(at("main"), show, (why) => states.show("error", why));
let going = new AbortController(); // aborts the newest request when another one replaces it

const idOf = () => decodeURIComponent(location.pathname.split("/").at(-1));

/** Change filters, or the event. */
function choose(changes, id = idOf()) {
  change(changes, new URL(`events/${encodeURIComponent(id)}`, ROOT).pathname);
  show();
}

/** Both dates. Default: the last week, or the part of it since the event was first seen. */
function datesOf({ from, to }, event) {
  const day = (ms) => new Date(ms).toISOString().slice(0, 10);
  const end = to ?? day(Date.now()), week = day((Date.parse(end) || Date.now()) - 7 * DAY);
  const start = event.first_date > week && event.first_date <= end ? event.first_date : week;
  return { start_date: from ?? start, end_date: end };
}

async function searchEvents(search) {
  const { data } = await ask("events", { search, limit: 20 });
  return data.map((event) => ({ value: event.id, label: event.name, hint: placeOf(event) }));
}

const placeOf = (event) =>
  [event.venue, event.city, event.date && inWords(Date.parse(event.date), HOUR)].filter(Boolean).join(", ");

/** Load and show what the URL asks for. `again`: keep the page until the response comes, and leave the fields alone. */
async function show({ again = false } = {}) {
  going.abort();
  going = new AbortController();
  const { signal } = going, filters = asked(FILTERS);
  if (!again) states.show("loading", "Loading …");
  try {
    const path = `events/${encodeURIComponent(idOf())}`;
    const [event, zones] = await Promise.all([ask(path, {}, signal), ask(`${path}/zones`, {}, signal)]);
    const zone = zones.data.find((one) => one.zone === filters.zone)
      ?? zones.data.find((one) => one.available) ?? zones.data[0];
    const basis = filters.basis === "all_in" ? "all_in" : "before_fees";
    const dates = datesOf(filters, event);
    if (!again || at("filters").hidden) {
      settle({ zone: zone?.zone });
      fillFilters(event, zones.data, zone, basis, dates);
    }
    about(event);
    if (!event.last_ok_at || !zone) return states.show("empty", "There is no complete capture of this event yet.");
    const what = { event_id: event.id, zone: zone.zone, ...dates, fill: "true" };
    const [trends, groups, tickets] = await Promise.all([
      askAll("analytics/price-trends", { ...what, basis }, signal),
      askAll("analytics/group-prices", what, signal),
      askAll("analytics/ticket-counts", what, signal),
    ]);
    if (!tickets.data.some((row) => row.observed)) {
      return states.show("empty", `This event was not observed between ${dates.start_date} and ${dates.end_date}. `
        + `It was seen from ${event.first_date} to ${event.last_ok_at.slice(0, 10)}.`);
    }
    states.show("ready"); // before drawing: a hidden chart has no width
    if (!filters.from && dates.start_date === event.first_date) {
      const first = tickets.data.findIndex((row) => row.observed); // hours before the first observation are no gap
      for (const answer of [trends, groups, tickets]) answer.data.splice(0, first);
    }
    drawAll(zone, basis, trends, groups, tickets);
  } catch (failure) {
    if (signal.aborted) return;
    if (failure.status === 401) gate.ask(failure);
    else states.show("error", failure instanceof Failure ? failure.message : `The page failed: ${failure.message}`);
  }
}

function drawAll(zone, basis, trends, groups, tickets) {
  priceIn(trends.currency ?? "USD"); // null: the event's currency is not known yet
  const hourly = tickets.granularity === "hour", step = hourly ? HOUR : DAY;
  const soldOut = new Set(tickets.data.filter((row) => row.observed && !row.peak_tickets).map((row) => row.timestamp));
  const points = (answer, ...columns) => answer.data.map((row) => ({
    at: Date.parse(row.timestamp),
    observed: row.observed,
    soldOut: soldOut.has(row.timestamp),
    values: columns.map((column) => row[column]),
  }));
  const per = `${zone.zone}, by ${hourly ? "hour" : "day"}`;
  charts["price-trends"].show(points(trends, "min_price", "avg_price", "max_price"), step, basis === "all_in"
    ? `${per}, per ticket, all-in. With fees only the lowest price is known.` : `${per}, per ticket, before fees.`);
  charts["group-prices"].show(points(groups, "price_1", "price_2", "price_4"), step,
    `${per}, lowest per ticket for exactly so many together, before fees.`);
  charts["ticket-counts"].show(points(tickets, hourly ? "total_tickets" : "avg_tickets", "total_listings"), step, hourly
    ? `${per}, at the hour's last capture.` : `${per}, the mean of its hours. Listings are counted by hour alone.`);
}

function fillFilters(event, zones, zone, basis, dates) {
  at("filters").hidden = at("about").hidden = false;
  document.title = `${event.name} · Tickettape`;
  showEvent(event.name);
  const named = (one) => one.zone + (one.available || !event.last_ok_at ? "" : " (sold out)");
  at("zone").replaceChildren(...zones.map((one) => new Option(named(one), one.zone, false, one === zone)));
  at("zone").disabled = !zone;
  at("basis").value = basis;
  at("from").value = dates.start_date;
  at("to").value = dates.end_date;
}

function about(event) {
  at("name").textContent = event.name;
  at("place").textContent = placeOf(event);
  const seen = event.last_ok_at ? ageOf(Date.parse(event.last_ok_at)) : ["No complete capture yet"];
  at("captured").replaceChildren(...seen);
}

function ageOf(captured) {
  const minutes = Math.max(0, Math.round((Date.now() - captured) / 60_000));
  const [age, unit] = minutes < 120 ? [minutes, "minute"] : minutes < 48 * 60 ? [Math.round(minutes / 60), "hour"]
    : [Math.round(minutes / 60 / 24), "day"];
  const time = document.createElement("time");
  time.dateTime = new Date(captured).toISOString();
  time.textContent = inWords(captured, HOUR);
  return ["Last capture ", time, `, ${new Intl.RelativeTimeFormat("en").format(-age, unit)}`];
}

for (const name of ["zone", "from", "to", "basis"])
  at(name).addEventListener("change", (event) => choose({ [name]: event.target.value }));
at("filters").addEventListener("submit", (event) => event.preventDefault());
addEventListener("popstate", () => show());
setInterval(() => {
  if (!document.hidden && at("key").hidden && states.name !== "loading") show({ again: true });
}, LOOK_AGAIN_MS);
gate.open();
