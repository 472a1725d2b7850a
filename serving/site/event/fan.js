// What the get-in price may do: the last two weeks go on as a fan of 50 and 80 %, with one line of words and the base
// rates. No advice: the last price has often been the best guess, and the words say so.

import { ask } from "../shared/api.js";
import { drawn, html } from "../shared/dom.js";
import { DAY, money, wholeMoney } from "../shared/words.js";
import { series } from "./series.js";

const PAST_DAYS = 14, HEIGHT = 220, TOP = 12, BOTTOM = HEIGHT - 28, LEFT = 56, RIGHT = 12;
const FRESH_MS = 2 * DAY; // an older forecast says nothing of the days to come

const percent = (value) => `${Math.round(value * 100)} %`;

/** Show the fan of an event in a figure, or leave the figure hidden where nothing was forecast lately. */
export async function showFan(figure, { path, currency, clock, basis, tickets }, signal) {
  const { data: forecast } = await ask(`${path}/forecast`, {}, signal);
  const now = Date.now(), coming = forecast.filter((row) => Date.parse(row.target) > now);
  figure.hidden = !coming.length || now - Date.parse(coming[0].origin) > FRESH_MS;
  if (figure.hidden) return;
  const origin = Date.parse(coming[0].origin), day = (at) => new Date(at).toISOString().slice(0, 10);
  const past = await series(`${path}/get-in`, { start_date: day(origin - PAST_DAYS * DAY), end_date: day(now) }, signal);
  const column = (basis === "all_in" ? "all_in_price_" : "price_") + tickets;
  const points = past.data.filter((row) => row[column] !== null && !row.zone)
    .map((row) => ({ at: Date.parse(row.timestamp), price: row[column] })).sort((one, other) => one.at - other.at);
  const last = points.at(-1) ?? { at: origin, price: coming[0].origin_price };
  // the forecast is of a change, so it goes on from the newest price of what is shown
  const fan = fanFrom(last, coming);
  figure.replaceChildren(
    html("h2", { textContent: "What it may cost" }),
    html("p", { className: "words", textContent: inWords(fan, currency) }),
    ...(fan[0].low === null ? [] : [drawing(points, last, fan, { currency, clock })]),
    html("p", { className: "note", textContent: baseRates(coming) }),
    html("details", {}, html("summary", { textContent: "As a table, with the record so far" }),
      html("div", { className: "scroll", tabIndex: 0, role: "region", ariaLabel: "Forecast, table" },
        tableOf(fan, currency, clock))),
    html("p", { className: "note" }, html("a", { href: "../skill", textContent: "How right such forecasts were" })));
}

/** The rows with their prices as changes from the newest price. */
function fanFrom(last, rows) {
  const moved = (row, name) => (row[name] === null ? null : (row[name] / row.origin_price) * last.price);
  return rows.map((row) => ({ ...row, at: Date.parse(row.target),
    ...Object.fromEntries(["low", "low_50", "mid", "high_50", "high"].map((name) => [name, moved(row, name)])) }));
}

/** One line about the day that lies furthest ahead. */
export function inWords(fan, currency) {
  const far = fan.at(-1), until = `in ${far.horizon_days} ${far.horizon_days === 1 ? "day" : "days"}`;
  if (far.low === null)
    return "No skill is known yet: fewer than 100 events are over. The last price is all that can be said.";
  const range = `8 in 10 ended between ${wholeMoney(far.low, currency)} and ${wholeMoney(far.high, currency)}`;
  const best = far.gate_open
    ? `For events like this, our forecast ${until} has beaten the last price so far: ${money(far.mid, currency)}`
    : "The last price has been the best guess so far for events like this";
  return `${best}; ${range} ${until}.`;
}

/** In the place of advice: how often waiting was cheaper, and how often dearer. */
function baseRates(rows) {
  const far = rows.findLast((row) => row.cheaper_5 !== null);
  if (!far) return "There are no past events to compare with yet.";
  return `Of ${far.base_events} past events at this distance, ${percent(far.cheaper_5)} were over 5 % cheaper `
    + `${far.horizon_days} days later and ${percent(far.dearer_5)} over 5 % dearer (${percent(far.dearer_10)} over 10 %).`;
}

function drawing(points, last, fan, { currency, clock }) {
  const width = 640, steps = [{ at: last.at, low: last.price, low_50: last.price, mid: last.price, high_50: last.price,
    high: last.price }, ...fan];
  const values = [...points.map((point) => point.price), ...steps.flatMap((step) => [step.low, step.high])];
  const lowest = Math.min(...values) * 0.97, highest = Math.max(...values) * 1.03;
  const first = points[0]?.at ?? last.at, end = steps.at(-1).at;
  const x = (at) => LEFT + ((at - first) / (end - first)) * (width - LEFT - RIGHT);
  const y = (price) => BOTTOM - ((price - lowest) / (highest - lowest)) * (BOTTOM - TOP);
  const line = (list, name) => list.map((one) => `${x(one.at).toFixed(1)} ${y(one[name]).toFixed(1)}`).join("L");
  const area = (low, high) => `M${line(steps, low)}L${line([...steps].reverse(), high)}Z`;
  const levels = [0, 1, 2, 3].map((part) => lowest + ((part + 0.5) / 4) * (highest - lowest));
  const label = `The price of the last ${PAST_DAYS} days, and its ranges until ${clock.inWords(end, DAY)}`;
  return drawn("svg", { viewBox: `0 0 ${width} ${HEIGHT}`, role: "img", "aria-label": label, class: "fan" },
    ...levels.map((level) => drawn("g", { class: "level" }, drawn("path", { d: `M${LEFT} ${y(level)}H${width - RIGHT}` }),
      drawn("text", { x: LEFT - 6, y: y(level) + 4 }, wholeMoney(level, currency)))),
    drawn("path", { class: "range-80", d: area("low", "high") }),
    drawn("path", { class: "range-50", d: area("low_50", "high_50") }),
    drawn("path", { class: "line line-0", d: points.length ? `M${line(points, "price")}` : "M0 0" }),
    drawn("path", { class: "line line-0 ahead", d: `M${line(steps, "mid")}` }),
    ...fan.map((step) => drawn("g", { class: "moment" }, drawn("path", { d: `M${x(step.at)} ${BOTTOM}v4` }),
      drawn("text", { x: Math.min(x(step.at), width - 24), y: HEIGHT - 8 }, `+${step.horizon_days} d`))));
}

function tableOf(fan, currency, clock) {
  const cell = (name, textContent, more = {}) => html(name, { textContent, ...more });
  const known = (value, words) => (value === null ? "–" : words(value));
  const heads = ["Day", "8 in 10 from", "to", "half from", "to", "Forecast", "L so far", "Range held", "Of forecasts"];
  return html("table", {}, html("caption", { textContent: "Get-in price, and how right such forecasts were" }),
    html("thead", {}, html("tr", {}, ...heads.map((name) => cell("th", name, { scope: "col" })))),
    html("tbody", {}, ...fan.map((row) => html("tr", {},
      cell("th", clock.inWords(row.at, DAY), { scope: "row", title: clock.inUTC(row.at) }),
      ...["low", "high", "low_50", "high_50", "mid"].map((name) => cell("td", money(row[name], currency))),
      cell("td", known(row.error_ratio, (value) => value.toFixed(2))),
      cell("td", known(row.coverage_80, percent)), cell("td", String(row.scored_forecasts))))));
}
