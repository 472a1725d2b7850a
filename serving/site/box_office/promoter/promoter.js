// A promoter's events, and the form for a new one.

import { ROOT } from "../../shared/api.js";
import { at, html } from "../../shared/dom.js";
import { States } from "../../shared/states.js";
import { count, money } from "../../shared/words.js";
import { asUser, visit, user } from "../shared/account.js";
import { ask, send, wordsOf } from "../shared/api.js";
import { instantOf, OWN_ZONE, ZONES } from "../shared/local-time.js";
import { option, whenOf, whereOf } from "../shared/words.js";
import { part, STATUS } from "../shared/sales-words.js";

const LOG_IN = "Log in to see what you sell.";
const states = new States(at("sold"), () => load());

async function load() {
  try {
    await visit();
    const found = await asUser(() => (user().promoter ? ask("promoter/events") : null), LOG_IN);
    if (found === undefined) return states.show("empty", LOG_IN);
    at("new").hidden = !found;
    if (!found)
      return states.show("empty", "This account cannot sell. Whoever runs this service can make it a promoter’s.");
    at("rows").replaceChildren(...found.data.map(rowOf));
    if (found.data.length) states.show("ready");
    else states.show("empty", "You sell nothing yet. Create your first event below.");
  } catch (failure) {
    states.show("error", wordsOf(failure));
  }
}

const linkOf = ({ event_id: id }) => new URL(`box-office/promoter/events/${id}`, ROOT).href;

function rowOf(event) {
  const cell = (name, ...children) => {
    const made = html("td", { role: "cell" }, ...children);
    made.dataset.name = name;
    return made;
  };
  return html(
    "tr",
    { role: "row" },
    html(
      "th",
      { scope: "row", role: "rowheader" },
      html("a", { href: linkOf(event), textContent: event.title }),
      html("small", {}, whenOf(event)),
      html("small", { textContent: whereOf(event) }),
    ),
    cell("State", STATUS[event.status]),
    cell("Sold", count(event.tickets_sold)),
    cell("Left", count(event.tickets_available)),
    cell("Sell-through", part(event.sell_through)),
    cell("Net", money(event.net, event.currency)),
  );
}

function setUpForm() {
  const form = at("new-event"),
    wrong = form.querySelector(".wrong");
  at("venue-time-zone").append(...ZONES.map((zone) => option(zone, zone.replaceAll("_", " "), zone === OWN_ZONE)));
  at("currency").append(...Intl.supportedValuesOf("currency").map((one) => option(one, one, one === "USD")));
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    const value = (id) => at(id).value.trim(),
      zone = value("venue-time-zone");
    const instant = (id) => (value(id) ? instantOf(value(id), zone) : undefined);
    const asked = {
      title: value("event-title"),
      venue: value("venue"),
      city: value("city"),
      country: value("country"),
      description: value("description"),
      start_time: instant("start"),
      doors_open_time: instant("doors"),
      venue_time_zone: zone,
      currency: value("currency"),
    };
    wrong.textContent = "";
    try {
      const given = Object.fromEntries(Object.entries(asked).filter(([, one]) => one));
      const made = await asUser(() => send("POST", "promoter/events", given), LOG_IN);
      if (made) location.assign(linkOf(made));
    } catch (failure) {
      wrong.textContent = wordsOf(failure);
    }
  });
}

setUpForm();
load();
