// The seat map: the sections first, then the seats of one. Which section is shown is in the URL.

import { asked, change } from "../../shared/address.js";
import { at, drawn, html } from "../../shared/dom.js";
import { count, money, wholeMoney } from "../../shared/words.js";
import { ask } from "../shared/api.js";
import { byName, levelsOf } from "../shared/layout.js";
import { SectionMap } from "../shared/section-map.js";
import { counted } from "../shared/words.js";
import { refill } from "./best.js";
import { SeatGrid } from "./seats.js";

const MOST = 3_000; // seats in one picture: a section with more is shown in parts
const STATUS = { AVAILABLE: "free", HOLD: "on hold", BOOKED: "sold" };

export class SeatMap {
  /** `tray`: the chosen seats. `refused(words)`: says what could not be done, or "" to say nothing. */
  constructor(event, tray, refused) {
    Object.assign(this, { event, tray, refused });
    this.map = new SectionMap(at("map"), (section) => this.#go(section));
    this.grid = new SeatGrid(
      at("grid"),
      (seat) => this.#toggle(seat),
      (name) => {
        at("seat").textContent = name;
      },
    );
    at("section").addEventListener("change", () => this.#go(at("section").value));
    at("part").addEventListener("change", () => this.#draw());
    at("all-sections").addEventListener("click", () => this.#go(""));
    addEventListener("popstate", () => this.showSection());
  }

  get section() {
    return this.sections.some((one) => one.section === this.asked) ? this.asked : null;
  }

  get asked() {
    return asked(["section"]).section;
  }

  /** Show sections: of the plan, with what is free in them. */
  show(sections) {
    this.sections = sections;
    const { currency } = this.event,
      named = sections.toSorted((a, b) => byName(a.section, b.section));
    refill(at("section"), [
      ["", "All"],
      ...named.map((one) => [
        one.section,
        one.available
          ? `${one.section}: from ${wholeMoney(one.lowest_price, currency)}, ${count(one.available)} left`
          : `${one.section}: sold out`,
      ]),
    ]);
    this.levels = levelsOf(sections.map((one) => one.lowest_price));
    const few = sections.length <= 40;
    this.map.show(
      sections,
      (one) => {
        const left = one.available
          ? `from ${money(one.lowest_price, currency)}, ${counted(one.available, "seat")} left`
          : "sold out";
        return {
          look: one.available ? `level-${this.levels.levelOf(one.lowest_price)}` : "none",
          name: `Section ${one.section}, ${left}`,
          lines: [one.section, one.available ? (few ? wholeMoney(one.lowest_price, currency) : "") : "sold out"],
        };
      },
      this.section,
    );
    this.showSection({ again: this.shown === this.section });
  }

  #go(section) {
    change({ section });
    this.showSection({ focus: true });
  }

  /** Show the section of the URL, or all. `again`: only what has changed. */
  async showSection({ again = false, focus = false } = {}) {
    const { section } = this;
    at("section").value = section ?? "";
    at("map").hidden = section !== null;
    at("grid").hidden = at("all-sections").hidden = section === null;
    at("parts").hidden = true;
    at("map-title").textContent = section === null ? "Or choose your seats" : `Section ${section}`;
    this.#legend();
    if (section === null) {
      this.shown = null;
      at("map-note").textContent = "Choose a section to see its seats.";
      if (focus) at("map").querySelector("[tabindex='0']")?.focus();
      return;
    }
    if (!again) at("grid").ariaBusy = "true";
    try {
      const found = await ask(`events/${this.event.event_id}/sections/${encodeURIComponent(section)}/seats`);
      if (section !== this.section) return;
      if (this.shown !== section) refill(at("part"), []);
      this.shown = section;
      this.rows = withColumns(found.rows);
      this.#forget(section);
      this.#draw();
      if (focus) at("grid").querySelector("[tabindex='0']")?.focus({ preventScroll: true });
    } catch (failure) {
      if (!again) at("map-note").textContent = failure.message;
    } finally {
      at("grid").ariaBusy = "false";
    }
  }

  /** Show the seats as they are known. */
  draw() {
    if (this.section !== null && this.rows) this.#draw();
  }

  #draw() {
    const { section } = this,
      { currency } = this.event,
      parts = partsOf(this.rows);
    at("parts").hidden = parts.length === 1;
    refill(
      at("part"),
      parts.map((rows, n) => [String(n), `${rows[0].row} to ${rows.at(-1).row}`]),
    );
    const prices = levelsOf(this.rows.flatMap((row) => row.seats.map((one) => one.price)));
    this.grid.show(
      section,
      parts[Number(at("part").value)],
      (row, one) => {
        const free = one.status === "AVAILABLE",
          chosen = this.tray.has(one.id),
          status = chosen ? "chosen" : STATUS[one.status];
        return {
          look: chosen ? "chosen" : free ? "free" : "taken",
          name: `Section ${section}, row ${row.row}, seat ${one.seat}, ${money(one.price, currency)}, ${status}`,
        };
      },
      (one) => this.tray.has(one.id),
    );
    const free = this.rows.flatMap((row) => row.seats).filter((one) => one.status === "AVAILABLE");
    const range =
      prices.starts.length > 1
        ? `${money(least(free.map((one) => one.price)), currency)} to ${money(most(free.map((one) => one.price)), currency)}`
        : money(free[0]?.price ?? null, currency);
    at("map-note").textContent = free.length
      ? `${counted(free.length, "seat")} free, ${range} each.`
      : "No seat of this section is free.";
  }

  #toggle(seat) {
    const row = this.rows.find((one) => one.seats.includes(seat));
    if (seat.status !== "AVAILABLE")
      return this.refused(`Row ${row.row}, seat ${seat.seat} is ${STATUS[seat.status]}.`);
    const taken = this.tray.toggle({
      id: seat.id,
      section: this.section,
      row: row.row,
      seat: seat.seat,
      price: seat.price,
    });
    this.refused(taken ? "" : `One booking can have at most ${this.tray.most} seats.`);
    this.#draw();
  }

  #forget(section) {
    const free = new Set(
      this.rows
        .flatMap((row) => row.seats)
        .filter((one) => one.status === "AVAILABLE")
        .map((one) => one.id),
    );
    const gone = this.tray.keepFree(section, free);
    if (gone.length)
      this.refused(
        `${counted(gone.length, "seat")} of your choice ${gone.length === 1 ? "has" : "have"} just been taken.`,
      );
  }

  #legend() {
    const key = (look, words) => html("span", { className: `key ${look}` }, words);
    if (this.section !== null) {
      const seat = (look) =>
        drawn(
          "svg",
          { viewBox: "-12 -12 24 24", class: "seat-key", "aria-hidden": "true" },
          drawn("g", { class: look }, drawn("circle", { r: 11 }), drawn("path", { d: "M-4.5 .5-1.5 3.5 4.5-3.5" })),
        );
      at("legend").replaceChildren(
        ...[
          ["free", "free"],
          ["chosen", "your choice"],
          ["taken", "taken"],
        ].map(([look, words]) => html("span", { className: "key" }, seat(look), words)),
      );
      return;
    }
    const { currency } = this.event,
      { starts } = this.levels;
    at("legend").replaceChildren(
      ...starts.map((start, level) => key(`level-${level}`, `from ${wholeMoney(start, currency)}`)),
      key("none", "sold out"),
    );
  }
}

// not Math.min(...values): a function takes fewer arguments than a stadium has seats
const least = (values) => values.reduce((a, b) => Math.min(a, b));
const most = (values) => values.reduce((a, b) => Math.max(a, b));

/** Rows in parts that one picture can show. */
function partsOf(rows) {
  const parts = [[]];
  let seats = 0;
  for (const row of rows) {
    if (seats && seats + row.seats.length > MOST) {
      parts.push([]);
      seats = 0;
    }
    parts.at(-1).push(row);
    seats += row.seats.length;
  }
  return parts;
}

/** Seats with their column, from 1: by their numbers where these are close, or else row by row, centred. */
function withColumns(rows) {
  const numbers = rows.flatMap((row) => row.seats.map((one) => Number(one.seat_number)));
  const first = least(numbers),
    span = most(numbers) - first + 1,
    widest = most(rows.map((row) => row.seats.length));
  const byNumber =
    span <= 1.5 * widest &&
    rows.every((row) => new Set(row.seats.map((one) => one.seat_number)).size === row.seats.length);
  return rows.map((row) => ({
    row: row.row_number,
    seats: row.seats.map((one, place) => ({
      id: one.seat_id,
      seat: one.seat_number,
      price: one.price,
      status: one.status,
      column: byNumber ? Number(one.seat_number) - first + 1 : (widest - row.seats.length) / 2 + place + 1,
    })),
  }));
}
