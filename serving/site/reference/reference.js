// Shows the API's description. A call is sent with the key that the reader enters, or that the service gives everyone.

const ui = SwaggerUIBundle({
  url: "../../openapi.json",
  dom_id: "#main",
  deepLinking: true,
  docExpansion: "list",
  tryItOutEnabled: true,
  displayRequestDuration: true,
  validatorUrl: null, // it would show the description to another site
  async onComplete() {
    const { key } = await (await fetch("../../site/key", { cache: "no-store" })).json();
    if (key) ui.preauthorizeApiKey("key", key);
  },
});
