// The board: events as rows.

import { ask, Failure } from "../shared/api.js";
import { at, html } from "../shared/dom.js";
import { keyGate } from "../shared/key.js";
import { States } from "../shared/states.js";

const states = new States(at("events"), () => gate.open());
const gate = keyGate(at("main"), load, (why) => states.show("error", why));
const list = html("ul");
at("events").append(list);

async function load() {
  states.show("loading", "Loading …");
  try {
    const { data } = await ask("board");
    list.replaceChildren(...data.map((row) =>
      html("li", {}, html("a", { href: `events/${row.id}`, textContent: row.name }))));
    if (data.length) states.show("ready");
    else states.show("empty", "There are no events yet. The first tick finds them.");
  } catch (failure) {
    if (failure.status === 401) gate.ask(failure);
    else states.show("error", failure instanceof Failure ? failure.message : `The page failed: ${failure.message}`);
  }
}

gate.open();
