// Destinations: add one, enter its code, erase it. An address is typed once and never shown again.

import { send } from "../shared/api.js";
import { at, html } from "../shared/dom.js";

const KINDS = { mail: ["Mail", "name@example.com"], discord: ["Discord", "https://discord.com/api/webhooks/…"],
  slack: ["Slack", "https://hooks.slack.com/services/…"], telegram: ["Telegram", "BOT-TOKEN/CHAT-ID"],
  ntfy: ["ntfy", "https://ntfy.sh/topic"], webhook: ["Webhook", "https://example.com/path"] };

/** Show destinations and the form for a new one. `act(work, words)` does something and says so. */
export function showDestinations(destinations, act) {
  at("destinations").replaceChildren(...destinations.map((one) => {
    const code = html("input", { id: `code-${one.destination_id}`, inputMode: "numeric", autocomplete: "one-time-code",
      required: true, maxLength: 6 });
    const enter = html("form", {}, html("div", {},
      html("label", { htmlFor: code.id, textContent: `Code that was sent to ${one.name}` }), code),
      html("button", { textContent: "Confirm" }));
    enter.addEventListener("submit", (event) => {
      event.preventDefault();
      act(() => send("POST", `alerts/destinations/${encodeURIComponent(one.name)}/verify`, { code: code.value }),
        `Alerts can be sent to ${one.name}.`);
    });
    return html("li", {}, html("span", { textContent: `${one.name} (${KINDS[one.kind]?.[0] ?? one.kind})` }),
      ...(one.verified_at ? [] : [enter]),
      html("button", { type: "button", textContent: "Erase", ariaLabel: `Erase: ${one.name}`,
        onclick: () => act(() => send("DELETE", `alerts/destinations/${encodeURIComponent(one.name)}`),
          "The destination is erased.") }));
  }));
  if (!at("new-destination").firstElementChild) at("new-destination").append(form(act));
}

function form(act) {
  const field = (label, control) => html("div", {}, html("label", { htmlFor: control.id, textContent: label }), control);
  const name = html("input", { id: "destination-name", required: true, maxLength: 100, autocomplete: "off" });
  const kind = html("select", { id: "destination-kind" },
    ...Object.entries(KINDS).map(([value, [textContent]]) => html("option", { value, textContent })));
  const address = html("input", { id: "destination-address", required: true, maxLength: 1000, autocomplete: "off",
    spellcheck: false, placeholder: KINDS.mail[1] });
  kind.addEventListener("change", () => (address.placeholder = KINDS[kind.value][1]));
  const made = html("form", { ariaLabel: "New destination" }, field("Name", name), field("Kind", kind),
    field("Address", address), html("button", { textContent: "Add" }));
  made.addEventListener("submit", async (event) => {
    event.preventDefault();
    const asked = { name: name.value, kind: kind.value, address: address.value };
    const secret = (added) => (added.secret ? ` The secret that signs its messages, shown only now: ${added.secret}` : "");
    if (await act(() => send("POST", "alerts/destinations", asked),
      (added) => `A code was sent. Enter it below.${secret(added)}`)) made.reset();
  });
  return made;
}
