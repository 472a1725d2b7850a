// The seats that the buyer has chosen and does not hold yet. They stay while the buyer looks at other sections.

import { at, html } from "../../shared/dom.js";
import { money } from "../../shared/words.js";
import { counted, placeOf } from "../shared/words.js";

export class Tray {
  /** `change()` is called after the buyer removed a seat, `hold(ids)` when they want them. */
  constructor({ change, hold }) {
    this.seats = new Map(); // by id: {id, section, row, seat, price}
    this.most = Infinity;
    this.change = change;
    this.list = html("ul");
    this.total = html("p", { className: "total", role: "status" });
    this.button = html("button", { type: "button", className: "primary", onclick: () => hold([...this.seats.keys()]) });
    at("tray").append(this.list, this.total, this.button);
  }

  has(id) {
    return this.seats.has(id);
  }

  /** Take a seat in, or out. False if there are as many as one booking may have. */
  toggle(seat) {
    if (!this.seats.delete(seat.id)) {
      if (this.seats.size >= this.most) return false;
      this.seats.set(seat.id, seat);
    }
    this.show();
    return true;
  }

  /** Take out the seats of a section that are no longer free. Returns them. */
  keepFree(section, free) {
    const gone = [...this.seats.values()].filter((one) => one.section === section && !free.has(one.id));
    for (const one of gone) this.seats.delete(one.id);
    if (gone.length) this.show();
    return gone;
  }

  clear() {
    this.seats.clear();
    this.show();
  }

  show(currency = this.currency) {
    this.currency = currency;
    const seats = [...this.seats.values()];
    at("tray").hidden = !seats.length;
    this.list.replaceChildren(
      ...seats.map((one) =>
        html(
          "li",
          {},
          html("span", { textContent: placeOf(one) }),
          html("span", { textContent: money(one.price, currency) }),
          html("button", {
            type: "button",
            className: "plain",
            textContent: "Remove",
            ariaLabel: `Remove ${placeOf(one)}`,
            onclick: () => {
              this.toggle(one);
              this.change();
              (this.list.querySelector("button") ?? at("section")).focus();
            },
          }),
        ),
      ),
    );
    const cents = seats.reduce((sum, one) => sum + Math.round(one.price * 100), 0);
    this.total.textContent = seats.length ? `${counted(seats.length, "seat")}, ${money(cents / 100, currency)}` : "";
    this.button.textContent = seats.length === 1 ? "Hold this seat" : `Hold these ${seats.length} seats`;
  }
}
