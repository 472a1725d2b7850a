// The cheapest listings of an event, now or at any tick before, and what one of them cost over time.

import { ask } from "../shared/api.js";
import { html } from "../shared/dom.js";
import { age, count, money } from "../shared/words.js";
import { csv, linesOf, parquet } from "./exports.js";
import { keepingFocus } from "./steady.js";

const FIRST = 12, MORE = 50, MOST = 1000, TICK_MS = 10 * 60_000;
const COLUMNS = ["Seats", "Tickets", "Price", "All-in", "Since", "Repriced"];

/**
 * The panel. A reader goes to an instant (`travel(instant)`; null: now), or to a zone (`where(zone)`). A button that
 * gets no answer calls `failed(failure)`.
 */
export class Listings {
  #asked = null; // {view, at}
  #answer = null;
  #known = new Map(); // prices of the last answer, to show what is new
  #open = new Set(); // ids of the listings whose history is shown

  constructor(panel, { travel, where, failed }) {
    Object.assign(this, { panel, failed });
    this.table = panel.querySelector("table");
    this.note = panel.querySelector(".note");
    const button = (id) => panel.querySelector(`#${id}`);
    this.where = button("where");
    this.more = button("more");
    this.nowButton = button("now");
    this.laterButton = button("later");
    button("earlier").addEventListener("click", () => this.#answer && travel(this.#seen() - 1_000));
    this.laterButton.addEventListener("click", () => this.#later(travel).catch(failed));
    this.nowButton.addEventListener("click", () => travel(null));
    this.where.addEventListener("change", () => where(this.where.value));
    this.more.addEventListener("click", () => this.#more().catch(failed));
  }

  /** Show the listings at an instant (null: now). Answers the tick at which they were seen; null if none is known. */
  async show(view, instant, signal) {
    this.#asked = { view, instant };
    const same = this.#answer?.key === this.#key();
    // drawn again, it has as many rows as the reader asked for
    const parameters = this.#parameters(same ? Math.min(MOST, Math.max(FIRST, this.#answer.data.length)) : FIRST);
    if (!same) this.#open.clear();
    this.nowButton.hidden = this.laterButton.disabled = instant === null;
    try {
      const answer = await ask(`${view.path}/listings`, parameters, signal);
      this.#draw({ ...answer, key: this.#key() }, same);
      return Date.parse(answer.timestamp);
    } catch (failure) {
      if (failure.status !== 404) throw failure;
      this.#answer = null;
      this.table.replaceChildren();
      this.more.hidden = true;
      this.note.textContent = instant === null ? "The listings of this event are not known."
        : `No listings are known for ${view.clock.inWords(instant)}, nor for the day before.`;
      return null;
    }
  }

  /** Tell screen readers which listings these are. */
  say() {
    this.panel.querySelector(".said").textContent = this.note.textContent;
  }

  #key() {
    const { view, instant } = this.#asked;
    return JSON.stringify([view.path, view.tickets, view.basis, view.where, instant]);
  }

  #parameters(limit) {
    const { view, instant } = this.#asked;
    return { tickets: view.tickets, basis: view.basis, zone: view.where, limit,
      at: instant === null ? null : new Date(instant).toISOString() };
  }

  #seen() {
    return Date.parse(this.#answer.timestamp);
  }

  async #later(travel) {
    if (!this.#answer) return;
    const seen = this.#seen();
    for (let step = TICK_MS; seen + step < Date.now(); step *= 2) {
      const answer = await ask(`${this.#asked.view.path}/listings`,
        { ...this.#parameters(1), at: new Date(seen + step).toISOString() }).catch(nothing);
      if (answer && Date.parse(answer.timestamp) > seen) return travel(seen + step);
    }
    travel(null);
  }

  async #more() {
    const { view } = this.#asked, key = this.#answer.key;
    const next = await ask(`${view.path}/listings`, { ...this.#parameters(MORE), cursor: this.#answer.next_cursor });
    if (this.#answer?.key !== key) return;
    this.#draw({ ...next, key, data: [...this.#answer.data, ...next.data] }, false);
  }

  #draw(answer, same) {
    const { view, instant } = this.#asked, { clock } = view;
    this.#answer = answer;
    const when = instant === null ? ["now: seen ", age(answer.timestamp)]
      : ["as seen on ", timeAt(clock, answer.timestamp)];
    this.note.replaceChildren(`For ${view.tickets} together, `
      + `cheapest ${view.basis === "all_in" ? "with fees" : "before fees"} first, `, ...when, ".");
    this.panel.dataset.past = instant === null ? "" : "past";
    const known = this.#known;
    this.#known = new Map(answer.data.map((row) => [row.listing_id, row.price]));
    keepingFocus(this.table, () => this.table.replaceChildren(
      html("caption", { className: "hidden-text", textContent: "The cheapest listings" }),
      html("thead", {}, html("tr", {}, ...COLUMNS.map((name) => html("th", { scope: "col", textContent: name })),
        html("th", { scope: "col" }, html("span", { className: "hidden-text", textContent: "History" })))),
      html("tbody", {}, ...answer.data.map((row) => this.#row(row, same && known.get(row.listing_id) !== row.price))),
    ));
    if (!answer.data.length) {
      this.table.tBodies[0].append(html("tr", {}, html("td", { colSpan: COLUMNS.length + 1,
        textContent: `Nobody offers exactly ${view.tickets} together.` })));
    }
    this.more.hidden = !answer.next_cursor;
    const name = `${view.title} listings`;
    this.panel.querySelector(".exports").replaceChildren(
      csv("Cheapest listings", `${name}.csv`, () => this.#csv()),
      parquet("Cheapest listings", `${name}.parquet`, `${view.path}/listings`, this.#parameters(MOST)));
  }

  #row(row, fresh) {
    const { view } = this.#asked, { currency } = view;
    const label = view.labels.get(row.zone) ?? row.zone;
    // many marketplaces repeat the zone in the section's name
    const section = row.section.startsWith(`${row.zone} `) ? row.section.slice(row.zone.length + 1) : row.section;
    const named = !/^Section \d/.test(section) ? `${label} ${section}`
      : label.startsWith("Section") ? section : section.replace("Section", label);
    const cell = (text, className = "") => html("td", { textContent: text, className });
    const repriced = row.price_changes_7days
      ? html("td", { textContent: `${count(row.price_changes_7days)}×`,
        title: `in 7 days, last ${view.clock.inWords(Date.parse(row.last_repriced_at))}` }) : cell("never", "soft");
    const place = html("th", { scope: "row" }, html("span", { textContent: named }),
      ...(row.seat_row ? [html("span", { className: "soft", textContent: ` row ${row.seat_row}` })] : []));
    const button = html("button", { type: "button", className: "plain", textContent: "History", ariaExpanded: "false",
      ariaLabel: `History of ${place.textContent}, ${money(row.price, currency)}` });
    button.dataset.key = row.listing_id;
    const made = html("tr", { className: fresh ? "fresh" : "" }, place, cell(count(row.quantity)),
      cell(money(row.price, currency), view.basis === "all_in" ? "" : "first"),
      cell(money(row.all_in_price, currency), view.basis === "all_in" ? "first" : ""),
      html("td", {}, timeAt(view.clock, row.first_seen_at, view.clock.shortly(Date.parse(row.first_seen_at)))),
      repriced, html("td", {}, button));
    button.addEventListener("click", () => {
      if (!this.#open.delete(row.listing_id)) this.#history(row, made, button);
      else if (button.ariaExpanded === "true") made.nextElementSibling.remove();
      button.ariaExpanded = "false";
    });
    if (this.#open.has(row.listing_id)) this.#history(row, made, button);
    return made;
  }

  async #history(row, line, button) {
    const { view } = this.#asked;
    this.#open.add(row.listing_id);
    let data;
    try {
      ({ data } = await ask(`${view.path}/listings/${encodeURIComponent(row.listing_id)}/history`));
    } catch (failure) {
      this.#open.delete(row.listing_id);
      return this.failed(failure);
    }
    if (button.ariaExpanded === "true" || !line.isConnected || !this.#open.has(row.listing_id)) return;
    button.ariaExpanded = "true";
    const price = view.basis === "all_in" ? "all_in_price" : "price";
    line.after(html("tr", { className: "history" }, html("td", { colSpan: COLUMNS.length + 1 },
      html("ol", { reversed: true }, ...data.toReversed().map((state) => html("li", {},
        html("b", { textContent: money(state[price], view.currency) }),
        ` for ${count(state.quantity)} from `, timeAt(view.clock, state.from_tick),
        ...(state.until_tick ? [" until ", timeAt(view.clock, state.until_tick)] : [" on"])))))));
  }

  #csv() {
    const columns = ["zone", "section", "seat_row", "quantity", "price", "all_in_price", "first_seen_at",
      "price_changes_7days", "last_repriced_at", "timestamp"];
    return linesOf([columns, ...this.#answer.data.map((row) => columns.map((column) => row[column]))]);
  }
}

/** Null in place of a refusal because no listings are known at that time. Throws any other failure. */
function nothing(failure) {
  if (failure.status === 404) return null;
  throw failure;
}

/** A moment as a <time>, in the venue's time, with UTC as its title. */
function timeAt(clock, instant, words = clock.inWords(Date.parse(instant))) {
  return html("time", { dateTime: instant, title: clock.inUTC(Date.parse(instant)), textContent: words });
}
