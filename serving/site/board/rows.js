// An event as a row of the table. On a narrow screen each cell shows its column's name (data-name).

import { ROOT } from "../shared/api.js";
import { html } from "../shared/dom.js";
import { age, count, dateAtVenue, money, moneyChange, NOTHING, share } from "../shared/words.js";
import { sparkline } from "./sparkline.js";

/** The columns: `name` over them, `sort` in the API, `first` the order of the first click, `title` what it means. */
export const COLUMNS = [
  { key: "event", name: "Event", sort: "name", first: "", title: "Name and place" },
  { key: "date", name: "Date", sort: "date", first: "", title: "The venue's local date; UTC on hover" },
  { key: "price", name: "Get-in", sort: "price", first: "",
    title: "The lowest price per ticket now, for the chosen number of tickets together" },
  { key: "day", name: "1 day", sort: "share_1day", first: "", title: "Change of the get-in price over 1 day" },
  { key: "week", name: "7 days", sort: "share_7days", first: "", title: "Change of the get-in price over 7 days" },
  { key: "month", name: "30 days", sort: "share_30days", first: "", title: "Change of the get-in price over 30 days" },
  { key: "spark", name: "Last week", title: "The get-in price over the last 7 days" },
  { key: "left", name: "Tickets left", sort: "total_tickets", first: "-", title: "Tickets for sale now" },
  { key: "sold", name: "Sold in 24 h", sort: "sold_tickets_1day", first: "-",
    title: "Estimated: tickets that were probably sold in the last 24 hours" },
  { key: "age", name: "Updated", sort: "last_ok_at", first: "-", title: "Age of the newest capture" },
];

/** An event's name. That it is simulated is said beside it. */
const plainName = (row) => (row.simulated ? row.name.replace(/ \(simulated\)$/, "") : row.name);

/** The cells of an event's row. `query`: what its own page is asked to show. */
export function cellsOf(row, query) {
  const link = html("a", { href: new URL(`events/${row.id}${query}`, ROOT).href, textContent: plainName(row) });
  const cells = {
    event: [link, small(`${[row.venue, row.city].filter(Boolean).join(", ")}${row.simulated ? " · simulated" : ""}`)],
    date: [dateAtVenue(row, { lines: true })],
    price: [html("b", { textContent: money(row.price, row.currency) }), ...cheapestOf(row, query)],
    day: changeOf(row.share_1day, row.change_1day, row.currency),
    week: changeOf(row.share_7days, row.change_7days, row.currency),
    month: changeOf(row.share_30days, row.change_30days, row.currency),
    spark: [sparkline(row.sparkline, row.currency)],
    left: [row.last_ok_at ? count(row.total_tickets) : NOTHING],
    sold: [row.last_ok_at ? count(row.sold_tickets_1day) : NOTHING],
    age: [row.last_ok_at ? age(row.last_ok_at, { short: true }) : NOTHING],
  };
  return COLUMNS.map(({ key, name }) => {
    const head = key === "event";
    const cell = html(head ? "th" : "td", { className: key, role: head ? "rowheader" : "cell" }, ...cells[key]);
    if (head) cell.scope = "row";
    else cell.dataset.name = name;
    return cell;
  });
}

/** Where the event is cheapest, if it is on several markets. */
function cheapestOf({ sources, cheapest_source: source, cheapest_event_id: id, cheapest_all_in_price: price, currency }, query) {
  if (sources < 2) return [];
  if (!source) return [small(`on ${count(sources)} markets`)];
  const link = html("a", { href: new URL(`events/${id}${query}`, ROOT).href, textContent: source });
  return [html("small", {}, `${money(price, currency)} all-in at `, link)];
}

const small = (words) => html("small", { textContent: words });

function changeOf(part, amount, currency) {
  if (part === null) return [NOTHING];
  const words = html("span", { className: part < 0 ? "fall" : part > 0 ? "rise" : "same", textContent: share(part) });
  return [words, small(moneyChange(amount, currency))];
}

/** The row above the events of one performer: how many there are, and which is cheapest. */
export function groupRow(name, events) {
  const priced = events.filter((row) => row.price !== null);
  const cheapest = priced.length > 1 && priced.every((row) => row.currency === priced[0].currency)
    ? priced.reduce((least, row) => (row.price < least.price ? row : least)) : null;
  const says = html("span", { className: "soft" }, events.length === 1 ? "1 date" : `${count(events.length)} dates`);
  if (cheapest) says.append(", cheapest ", dateAtVenue(cheapest), ` for ${money(cheapest.price, cheapest.currency)}`);
  return html("tr", { role: "row", className: "group" },
    html("th", { role: "rowheader", scope: "rowgroup", colSpan: COLUMNS.length, ariaColSpan: COLUMNS.length },
      html("b", { textContent: name || "Without a performer" }), " ", says));
}
