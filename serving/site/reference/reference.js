// Shows the API's description. A call is sent with the key that the reader enters, or that the service gives everyone.

import { ROOT } from "../shared/api.js";
import { at } from "../shared/dom.js";

const ui = SwaggerUIBundle({
  url: new URL("openapi.json", ROOT).href,
  dom_id: "#main",
  deepLinking: true,
  docExpansion: "list",
  tryItOutEnabled: true,
  displayRequestDuration: true,
  validatorUrl: null, // it would show the description to another site
  async onComplete() {
    const { key } = await (await fetch(new URL("site/key", ROOT), { cache: "no-store" })).json();
    if (key) ui.preauthorizeApiKey("key", key);
  },
});

/** What Swagger UI leaves out for those who use a keyboard or listen: axe-core finds it. */
const MENDS = {
  "h3:not([aria-level])": (heading) => heading.setAttribute("aria-level", 2),
  ":is(h4, h5):not([aria-level])": (heading) => heading.setAttribute("aria-level", 3),
  "h6:not([aria-level])": (heading) => heading.setAttribute("aria-level", 4),
  ".modal-btn[aria-label]": (button) => button.removeAttribute("aria-label"), // it says something else than the button
  "button a[href]": (link) => link.removeAttribute("href"), // the button does what the link in it does
  "button.close-modal:not([aria-label])": (button) => button.setAttribute("aria-label", "Close"),
  "pre:is(.example, .microlight):not([tabindex])": (example) => {
    for (const [name, value] of [["tabindex", 0], ["role", "group"], ["aria-label", "Example"]])
      example.setAttribute(name, value);
  },
  "tr[data-param-name] :is(select, input, textarea):not([aria-label])": (field) =>
    field.setAttribute("aria-label", field.closest("tr").dataset.paramName),
};

function mend() {
  for (const [which, how] of Object.entries(MENDS)) for (const one of at("main").querySelectorAll(which)) how(one);
}

new MutationObserver(mend).observe(at("main"), { childList: true, subtree: true });
