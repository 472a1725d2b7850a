// Seats from a CSV file, and tickets without a seat.

import { at } from "../../shared/dom.js";
import { send } from "../shared/api.js";
import { counted } from "../shared/words.js";

/** `change` does something and shows what has become of it. */
export function setUpSeats(path, change) {
  at("import").addEventListener("submit", async (event) => {
    event.preventDefault();
    const [file] = at("file").files;
    const done = await change(() => send("POST", `${path}/seats`, file), {
      wrong: at("import-wrong"),
      said: ({ seats_added: seats }) => `${counted(seats, "seat")} added.`,
    });
    if (done) at("file").value = "";
  });
  at("add-tier").addEventListener("submit", async (event) => {
    event.preventDefault();
    const value = (id) => at(id).value.trim();
    const tier = {
      name: value("tier-name"),
      price: Number(value("tier-price")),
      quantity: Number(value("tier-quantity")),
      ...(value("tier-most") ? { max_purchase: Number(value("tier-most")) } : {}),
    };
    const done = await change(() => send("POST", `${path}/tiers`, tier), {
      wrong: at("tier-wrong"),
      said: ({ name }) => `${name} added.`,
    });
    if (done) at("add-tier").reset();
  });
}
