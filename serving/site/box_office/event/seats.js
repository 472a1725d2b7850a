// The seats of one section as a grid. Arrow keys go from seat to seat, Enter or the space bar chooses one.

import { drawn, html } from "../../shared/dom.js";

const PITCH = 30,
  SEAT = 11,
  LABEL = 40,
  TOP = 8; // pixels: from seat to seat, a seat's radius, room for a row's name
const KEYS = {
  ArrowLeft: [0, -1],
  ArrowRight: [0, 1],
  ArrowUp: [-1, 0],
  ArrowDown: [1, 0],
  PageUp: [-5, 0],
  PageDown: [5, 0],
};
const TICK = "M-4.5 .5-1.5 3.5 4.5-3.5";

export class SeatGrid {
  /**
   * `toggle(seat)` is called with a seat that somebody chose, or no longer wants; `point(name)` with one that they look
   * at.
   */
  constructor(place, toggle, point) {
    this.place = place;
    this.toggle = toggle;
    this.rows = [];
    place.addEventListener("click", ({ target }) => this.#press(target.closest("[role=gridcell]")));
    place.addEventListener("keydown", (event) => this.#key(event));
    place.addEventListener("focusin", ({ target }) => this.#rove(target.closest("[role=gridcell]")));
    this.point = () => point(this.pointed?.getAttribute("aria-label") ?? "");
    for (const type of ["focusin", "pointerover"])
      place.addEventListener(type, ({ target }) => {
        this.pointed = target.closest("[role=gridcell]");
        this.point();
      });
  }

  /**
   * Show the rows of a section, or what has changed of them: {row, seats: [{id, seat, column, price, status}]}.
   *
   * `say(row, seat)` gives {name, look}: what is read out, and the name of a style. `isChosen(seat)`: whether it is among
   * those that the buyer has chosen.
   */
  show(section, rows, say, isChosen) {
    const plan = JSON.stringify([section, rows.map((row) => [row.row, row.seats.map((one) => [one.id, one.column])])]);
    if (plan !== this.plan) this.#draw(section, rows);
    this.plan = plan;
    this.seats = new Map();
    rows.forEach((row, n) =>
      row.seats.forEach((seat, place) => {
        const { cell } = this.rows[n][place],
          { name, look } = say(row, seat),
          chosen = String(isChosen(seat));
        this.seats.set(cell, seat);
        if (cell.getAttribute("aria-label") !== name) cell.setAttribute("aria-label", name);
        if (cell.getAttribute("class") !== look) cell.setAttribute("class", look);
        if (cell.getAttribute("aria-selected") !== chosen) cell.setAttribute("aria-selected", chosen);
      }),
    );
    this.point();
  }

  #draw(section, rows) {
    const columns = Math.max(...rows.map((row) => Math.max(...row.seats.map((one) => one.column))));
    const width = columns * PITCH + TOP,
      height = rows.length * PITCH + 2 * TOP;
    const svg = drawn("svg", {
      role: "grid",
      "aria-label": `Seats of section ${section}`,
      viewBox: `0 0 ${width} ${height}`,
      width,
      height,
    });
    const names = drawn("svg", {
      class: "rows",
      "aria-hidden": "true",
      viewBox: `0 0 ${LABEL} ${height}`,
      width: LABEL,
      height,
    });
    this.rows = rows.map((row, n) => {
      const y = TOP + (n + 0.5) * PITCH,
        line = drawn("g", { role: "row", "aria-label": `Row ${row.row}` });
      names.append(Object.assign(drawn("text", { x: LABEL / 2, y }), { textContent: row.row }));
      svg.append(line);
      return row.seats.map((seat) => {
        const x = (seat.column - 0.5) * PITCH;
        const cell = drawn(
          "g",
          { role: "gridcell", tabindex: -1, transform: `translate(${x} ${y})` },
          drawn("rect", { x: -PITCH / 2, y: -PITCH / 2, width: PITCH, height: PITCH, class: "touch" }),
          drawn("circle", { r: SEAT }),
          drawn("path", { d: TICK }),
        );
        line.append(cell);
        return { cell, column: seat.column };
      });
    });
    const scroll = html("div", { className: "map-scroll" }, html("div", { className: "plan" }, names, svg));
    this.place.replaceChildren(scroll);
    scroll.scrollLeft = (width + LABEL - scroll.clientWidth) / 2;
    this.reached = this.pointed = null;
    this.#rove(this.rows[0]?.[0]?.cell);
  }

  #press(cell) {
    const seat = this.seats?.get(cell);
    if (seat) this.toggle(seat);
  }

  /** Only one seat is a stop of the Tab key. */
  #rove(cell) {
    if (!cell || cell === this.reached) return;
    this.reached?.setAttribute("tabindex", -1);
    this.reached = cell;
    cell.setAttribute("tabindex", 0);
  }

  #key(event) {
    const cell = event.target.closest("[role=gridcell]");
    if (event.key === "Enter" || event.key === " ") this.#press(cell);
    else if (event.key in KEYS) this.#go(cell, ...KEYS[event.key]);
    else if (event.key === "Home" || event.key === "End") this.#edge(cell, event.key === "Home", event.ctrlKey);
    else return;
    event.preventDefault();
  }

  #go(cell, rows, places) {
    const number = this.rows.findIndex((row) => row.some((one) => one.cell === cell)),
      row = this.rows[number];
    const place = row.findIndex((one) => one.cell === cell);
    if (!rows) return row[place + places]?.cell.focus();
    const other = this.rows[Math.max(0, Math.min(this.rows.length - 1, number + rows))];
    other
      .toSorted((a, b) => Math.abs(a.column - row[place].column) - Math.abs(b.column - row[place].column))[0]
      .cell.focus();
  }

  #edge(cell, first, ofAll) {
    const row = ofAll ? this.rows.at(first ? 0 : -1) : this.rows.find((one) => one.some((seat) => seat.cell === cell));
    row.at(first ? 0 : -1).cell.focus();
  }
}
