// The charts of the page, and how each of them gets from the API's rows to its points.

import { at } from "../shared/dom.js";
import { count, DAY, HOUR, money, wholeMoney } from "../shared/words.js";
import { Chart } from "./chart.js";
import { lanes, linesWith } from "./marks.js";
import { activityOf, marketDays, overlaid, pointsOf, rangeOfSales, series, sinceObserved } from "./series.js";

const NUMBERS = { 1: "one", 2: "two", 4: "four" };
let currency = null; // of the event that is shown
export const useCurrency = (used) => (currency = used);
const price = (value, step = 0) => (step >= 1 ? wholeMoney(value, currency) : money(value, currency));

/** Make the charts. `mark(at, done)`: a reader marks a moment on the get-in chart. */
export function makeCharts(mark) {
  const chart = (id, title, format, drawing, more = {}) => new Chart(at(id), { title, format, drawing, ...more });
  return {
    getIn: chart("get-in", "Get-in price", price, linesWith({ height: 260 }), { level: 2, mark,
      hint: "Drag along the chart, or press Enter at a point, to see the listings of that time. Escape returns to now.",
    }),
    activity: chart("activity", "What happened to listings", count, lanes, { level: 2 }),
    trends: chart("price-trends", "Price trends", price, linesWith({ band: ["0", "2"], height: 240 })),
    groups: chart("group-prices", "Prices for groups", price, linesWith()),
    tickets: chart("ticket-counts", "Tickets and listings", count, linesWith({ fromZero: true })),
    spread: chart("price-distribution", "Spread of prices", price, linesWith({ band: ["0", "2"] })),
    days: chart("days-on-market", "Days on the market", count, lanes),
    markets: chart("price-spread", "Cheapest and dearest market", price, linesWith({ band: ["0", "1"] }), { level: 2 }),
    zoneActivity: chart("zone-activity", "What happened to the zone's listings", count, lanes),
  };
}

const words = (basis) => (basis === "all_in" ? "all-in" : "before fees");
const by = (step) => `by ${step < DAY ? "hour" : "day"}`;
const style = (names) => names.map((name, n) => ({ name, style: String(n) }));
const ACTIVITY = style(["Appeared", "Repriced", "Sold (estimated)", "Withdrawn (estimated)"]);

/**
 * The event's get-in price, with that of another event over it. Answers {points, step, latest, before, start}: `start`
 * is the first of its points that was observed, if possible with a price.
 */
export async function showGetIn(charts, view, signal) {
  const { path, range, tickets, basis, clock, versus, event, marked } = view;
  const column = (basis === "all_in" ? "all_in_price_" : "price_") + tickets;
  const asked = { start_date: range.start_date, end_date: range.end_date, fill: "true" };
  const along = view.axis === "days" && event.date ? Date.parse(event.date) : null;
  const own = await series(`${path}/get-in`, asked, signal);
  const listed = own.data.map((row) => [1, 2, 4].some((n) => row[`price_${n}`] !== null)); // any listing is known
  let points = pointsOf(own, column).map((point, n) => ({ ...point, listed: listed[n] }));
  points = sinceObserved(points, range.days !== "dates");
  const lines = [{ name: versus ? event.name : `For ${NUMBERS[tickets]} together`, style: "0" }];
  if (versus && points.length) {
    const shift = along && versus.date ? along - Date.parse(versus.date) : 0;
    // by days to the event, the other shows what comes next: as far ahead as the range goes back, or to the event
    const end = points.at(-1).at, until = shift ? Math.min(2 * end - points[0].at, along) : -Infinity;
    const iso = (moment) => new Date(moment - shift).toISOString();
    const theirs = await series(`events/${encodeURIComponent(versus.id)}/get-in`, {
      fill: "true", granularity: own.granularity, start_date: iso(points[0].at - own.step),
      end_date: iso(Math.max(end, until) + own.step) }, signal);
    points = overlaid(points, pointsOf(theirs, column), own.step, shift, until);
    lines.push({ name: versus.name, style: "versus" });
  }
  const foreign = versus && versus.currency !== event.currency && versus.currency
    ? ` ${versus.name} is in ${versus.currency}; nothing is converted.` : "";
  const known = points.filter((point) => point.values[0] !== null);
  if (points.every(({ observed, values }) => values.every((value) => value === null) && observed !== undefined))
    charts.getIn.say(`No listing for ${tickets} together is known ${range.words}.`);
  else {
    charts.getIn.show({
      points, step: own.step, lines, clock, event: along, marked, source: own.source, title: event.name,
      note: `The lowest price per ticket at which ${NUMBERS[tickets]} get in together, ${words(basis)}, `
        + `${by(own.step)}.${foreign}`,
    });
  }
  return { points, step: own.step, latest: known.at(-1), before: known[0],
    start: (known[0] ?? points.find((point) => point.observed))?.at };
}

/** What happened to the listings of the event, and of the zone, at each of the get-in chart's points. */
export async function showActivity(charts, view, { points, step }, signal) {
  const { path, range, zone, clock, event } = view;
  const asked = { start_date: range.start_date, end_date: range.end_date,
    granularity: step === HOUR ? "hour" : "day" };
  const [changes, sales] = await Promise.all([
    series(`${path}/inventory-changes`, asked, signal), series(`${path}/estimated-sales`, asked, signal)]);
  const past = points.filter((point) => point.observed !== undefined);
  const show = (chart, own, parameters) => {
    const sold = sales.data.filter(own), found = activityOf(past, changes.data.filter(own), sold);
    const range = rangeOfSales(sold, "sales");
    if (found.every((point) => point.values[0] === null))
      return chart.say("The listings are not known, so what happened to them is not known either.");
    return chart.show({ points: found, step, lines: ACTIVITY, clock, title: event.name,
      source: [`${path}/inventory-changes`, { ...asked, ...parameters }],
      note: `Listings that appeared, changed price and went, ${by(step)}. `
        + "Nobody outside the marketplace sees a sale: sold and withdrawn are estimates."
        + (range && ` Sales of listings or parts of them: ${range}.`) });
  };
  show(charts.activity, () => true, { limit: changes.data.length + 1 }); // every zone's, in one file
  show(charts.zoneActivity, (row) => row.zone === zone.zone, { zone: zone.zone });
}

/** The three analytics of a zone, with another zone over them, and how its prices are spread. */
export async function showZone(charts, view, signal) {
  const { zone, other, basis, range, path, event, clock, labels, tickets } = view;
  const what = (one) => ({ event_id: event.id, zone: one.zone, start_date: range.start_date, end_date: range.end_date,
    fill: "true" });
  const all = async (one) => {
    const { event_id: _, ...inPath } = what(one);
    return Promise.all([
      series("analytics/price-trends", { ...what(one), basis }, signal),
      basis === "all_in" ? series(`${path}/get-in`, inPath, signal)
        : series("analytics/group-prices", what(one), signal),
      series("analytics/ticket-counts", what(one), signal),
      series(`${path}/price-distribution`, inPath, signal),
    ]);
  };
  const [own, theirs] = await Promise.all([all(zone), other ? all(other) : null]);
  const [trends, groups, counts, spread] = own, { step } = trends;
  const empty = counts.data.filter((row) => row.observed && !row.peak_tickets);
  const soldOut = new Set(empty.map((row) => Date.parse(row.timestamp)));
  const trim = range.days !== "dates";
  const show = (chart, n, names, columns, overlay, note) => {
    let points = pointsOf(own[n], ...columns).map((point) => ({ ...point, soldOut: soldOut.has(point.at) }));
    const lines = style(names);
    if (theirs) {
      points = overlaid(points, pointsOf(theirs[n], columns[overlay]), step);
      lines.push({ name: `${names[overlay]}, ${labels.get(other.zone)}`, style: "versus" });
    }
    points = sinceObserved(points, trim);
    chart.show({ points, step, lines, clock, source: own[n].source, title: event.name, note });
  };
  const per = `${labels.get(zone.zone)}, ${by(step)}`, allIn = basis === "all_in";
  show(charts.trends, 0, allIn ? ["Lowest"] : ["Lowest", "Average", "Highest"],
    allIn ? ["min_price"] : ["min_price", "avg_price", "max_price"], 0, `${per}, per ticket, ${words(basis)}.`
    + (allIn ? " With fees only the lowest price is known." : ""));
  const column = allIn ? "all_in_price_" : "price_";
  const sizes = [1, 2, 4];
  show(charts.groups, 1, ["For one", "For two", "For four"], sizes.map((n) => column + n), sizes.indexOf(tickets),
    `${per}, lowest price per ticket for exactly this many together, ${words(basis)}.`);
  const hourly = step < DAY;
  const ticketCount = hourly ? "total_tickets" : "avg_tickets";
  show(charts.tickets, 2, ["Tickets", "Listings"], [ticketCount, "total_listings"], 0, hourly
    ? `${per}, at the hour's last capture.` : `${per}, the mean of its hours. Listings are counted only by hour.`);
  if (allIn) {
    return charts.spread.say("With fees only the lowest price is known. The median and the quartiles are known before fees.");
  }
  if (!spread.data.some((row) => row.median_price !== null)) return charts.spread.say("No listing is known.");
  return show(charts.spread, 3, ["Lower quartile", "Median", "Upper quartile"],
    ["lower_quartile_price", "median_price", "upper_quartile_price"], 1,
    `${per}, per ticket, before fees. The prices of half of the listings are between the quartiles.`);
}

/** How long what was sold had been for sale. */
export async function showDays(chart, { zone, range, path, clock, labels, event }, signal) {
  const sold = await series(`${path}/days-on-market`,
    { zone: zone.zone, start_date: range.start_date, end_date: range.end_date }, signal);
  const points = marketDays(sold), name = labels.get(zone.zone);
  if (!points.length) return chart.say(`No listing of ${name} is known to have been sold ${range.words}.`);
  return chart.show({ points, step: DAY, lines: style(["Days until sold (median)", "Listings sold (estimated)"]), clock,
    source: sold.source, title: event.name,
    note: `${name}, by the UTC day on which the listings were probably sold.` });
}
