// Sales by hour and tier: bars, one on the other, and the same as a table. Long sales are shown by day.

import { at, drawn, html } from "../../shared/dom.js";
import { count, HOUR, money, moments, TIME } from "../../shared/words.js";
import { tickets } from "../shared/words.js";

const HEIGHT = 190,
  LEFT = 40,
  BOTTOM = 22,
  MOST_BARS = 96,
  LABEL = 84; // pixels, and bars
const KINDS = 4; // that have a colour of their own; the rest are one

/** A moment at the venue, in few words. */
export function momentAtVenue(instant, { venue_time_zone: zone }) {
  return html("time", {
    dateTime: instant,
    textContent: moments({ day: "numeric", month: "short", ...TIME }, zone ?? "UTC").format(new Date(instant)),
  });
}

let last = null,
  widthOfLast = 0; // what is shown, and how wide: bars are drawn anew where the page's width changes
new ResizeObserver(() => last && at("bars").clientWidth !== widthOfLast && showHours(...last)).observe(at("sale"));

/** Show what `sales` says of an event. */
export function showHours(sales, event) {
  const { hours, tiers } = sales;
  last = [sales, event];
  at("hours").hidden = at("no-sales").hidden = false;
  at(hours.length ? "no-sales" : "hours").hidden = true;
  if (!hours.length) return;
  const zone = event.venue_time_zone ?? "UTC";
  const names = tiers.toSorted((a, b) => b.tickets - a.tickets).map(nameOf);
  const kinds = names.length > KINDS ? [...names.slice(0, KINDS - 1), "Others"] : names;
  const kindOf = (row) => Math.min(names.indexOf(nameOf(row)), kinds.length - 1);
  const begin = Date.parse(hours[0].hour),
    end = Date.parse(hours.at(-1).hour);
  const byDay = (end - begin) / HOUR > MOST_BARS;
  const day = moments({ day: "numeric", month: "short" }, zone),
    hour = moments({ weekday: "short", ...TIME }, zone);
  const byHour = Map.groupBy(hours, (one) => Date.parse(one.hour)),
    buckets = new Map(); // in order, with those in which nothing was sold
  for (let moment = begin; moment <= end; moment += HOUR) {
    const name = (byDay ? day : hour).format(moment) + (byDay ? "" : ` ${day.format(moment)}`);
    if (!buckets.has(name))
      buckets.set(name, {
        name,
        short: byDay ? day.format(moment) : moments(TIME, zone).format(moment),
        sold: kinds.map(() => 0),
        gross: 0,
      });
    for (const row of byHour.get(moment) ?? []) {
      buckets.get(name).sold[kindOf(row)] += row.tickets;
      buckets.get(name).gross += row.gross;
    }
  }
  const bars = [...buckets.values()];
  at("hours").querySelector("h2").textContent = byDay ? "Sales by day" : "Sales by hour";
  widthOfLast = at("bars").clientWidth;
  at("bars").replaceChildren(chart(bars, widthOfLast));
  at("kinds").replaceChildren(
    ...kinds.map((name, n) => html("span", { className: `key bar-${n}`, textContent: name })),
  );
  at("hours-table").replaceChildren(
    html(
      "thead",
      {},
      html(
        "tr",
        {},
        ...[byDay ? "Day" : "Hour", ...kinds, "Gross"].map((name) => html("th", { scope: "col", textContent: name })),
      ),
    ),
    html(
      "tbody",
      {},
      ...bars
        .filter((one) => one.gross || one.sold.some(Boolean))
        .reverse()
        .map((one) =>
          html(
            "tr",
            {},
            html("th", { scope: "row", textContent: one.name }),
            ...one.sold.map((number) => html("td", { textContent: count(number) })),
            html("td", { textContent: money(one.gross, event.currency) }),
          ),
        ),
    ),
  );
}

const nameOf = ({ tier }) => tier ?? "Seats";

function chart(bars, width) {
  const sums = bars.map((one) => one.sold.reduce((sum, number) => sum + number, 0)),
    top = niceAbove(Math.max(1, ...sums));
  const step = Math.min(40, (width - LEFT) / bars.length),
    y = (value) => (HEIGHT - BOTTOM) * (1 - value / top) + 6;
  const total = sums.reduce((sum, one) => sum + one, 0),
    most = bars[sums.indexOf(Math.max(...sums))];
  const svg = drawn("svg", {
    viewBox: `0 0 ${width} ${HEIGHT + 8}`,
    role: "img",
    "aria-label": `${tickets(total)} sold. The most at once: ${tickets(Math.max(...sums))}, ${most.name}.`,
  });
  for (const value of [0, top / 2, top]) {
    svg.append(drawn("path", { d: `M${LEFT} ${y(value)}H${width}`, class: "level" }));
    svg.append(
      Object.assign(drawn("text", { x: LEFT - 6, y: y(value) + 4, "text-anchor": "end" }), {
        textContent: count(value),
      }),
    );
  }
  const each = Math.ceil(LABEL / step);
  bars.forEach((one, n) => {
    let base = 0;
    const x = LEFT + n * step;
    one.sold.forEach((number, kind) => {
      if (!number) return;
      svg.append(
        drawn("rect", {
          x: x + step * 0.1,
          width: step * 0.8,
          y: y(base + number),
          height: y(base) - y(base + number),
          class: `bar-${kind}`,
        }),
      );
      base += number;
    });
    if (n % each === 0) svg.append(Object.assign(drawn("text", { x, y: HEIGHT + 4 }), { textContent: one.short }));
  });
  return svg;
}

/** The next of 2, 4, 6, 8, 10, 20, 30, 40, …, whose half is a whole number, too. */
function niceAbove(value) {
  const power = 10 ** Math.floor(Math.log10(value));
  return (
    (power > 1 ? [2, 3, 4, 5, 6, 8, 10] : [2, 4, 6, 8, 10]).map((one) => one * power).find((one) => one >= value) ??
    10 * power
  );
}
