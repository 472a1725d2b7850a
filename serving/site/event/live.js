// Follows an event's stream: says when there are new prices, and whether it is being told.

import { askStream } from "../shared/api.js";

const AGAIN_MS = [1_000, 2_000, 5_000, 15_000, 30_000];

/**
 * Follow the stream at `path` as long as the page is looked at. `news()` is called when the data has changed; `tell`
 * with "live", "waiting" while there is no connection, or the problem that ended it.
 */
export function follow(path, { news, tell }) {
  let going = null, last = null, lost = 0, timer = null;

  async function read() {
    clearTimeout(timer);
    const mine = (going = new AbortController());
    try {
      const body = await askStream(path, mine.signal);
      for await (const { event, id, data } of messages(body)) {
        lost = 0;
        if (event === "problem") return tell(JSON.parse(data).detail);
        tell("live");
        if (event === "latest" && id !== last) {
          if (last !== null) news();
          last = id;
        }
      }
    } catch (failure) {
      if (mine.signal.aborted) return;
      if (failure.status >= 400 && failure.status < 500 && failure.status !== 429) return tell(failure.message);
    }
    if (mine.signal.aborted) return;
    tell("waiting");
    timer = setTimeout(read, AGAIN_MS[Math.min(lost++, AGAIN_MS.length - 1)]);
  }

  function stop() {
    clearTimeout(timer);
    going?.abort();
  }

  // a page that nobody sees needs no connection; a browser has only six to a service
  const look = () => {
    if (!document.hidden) return read();
    tell("waiting");
    return stop();
  };
  document.addEventListener("visibilitychange", look);
  if (!document.hidden) read();
  return () => {
    stop();
    document.removeEventListener("visibilitychange", look);
  };
}

/** The messages of a stream of server-sent events: {event, id, data}. A comment is one without any. */
async function* messages(body) {
  const reader = body.pipeThrough(new TextDecoderStream()).getReader();
  for (let rest = ""; ; ) {
    const { value, done } = await reader.read();
    if (done) return;
    const blocks = (rest + value).split("\n\n");
    rest = blocks.pop();
    for (const block of blocks) {
      const message = {};
      for (const line of block.split("\n")) {
        const colon = line.indexOf(":");
        if (colon > 0) message[line.slice(0, colon)] = line.slice(colon + 1).trimStart();
      }
      yield message;
    }
  }
}
