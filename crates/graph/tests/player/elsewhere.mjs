// A page of another origin: hls.js with what it can be told to send (CMCD in headers, headers of the
// page's own), and scripts that use REST, GraphQL and event streams.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { createServer } from "node:http";
import { openStage, until } from "../../../clipsy/tests/web/browser/stage.mjs";

const { CLIPSY_URL, CLIPSY_VIDEO, CLIPSY_TOKEN, CLIPSY_PORT, CLIPSY_HLS } = process.env;

const other = createServer((request, response) => {
  if (request.url === "/hls.js") {
    response.writeHead(200, { "Content-Type": "text/javascript" }).end(readFileSync(CLIPSY_HLS));
  } else {
    response.writeHead(200, { "Content-Type": "text/html" }).end('<!doctype html><link rel="icon" href="data:,"><title>Elsewhere</title><script src="/hls.js"></script><video muted></video>');
  }
});

async function plays(page) {
  await page.evaluate(
    ([source]) => {
      const hls = new globalThis.Hls({
        cmcd: { useHeaders: true, contentId: "x", sessionId: "4a9d6d7e-9a2b-4f53-8a51-9d6d7e9a2b4f" },
        xhrSetup(xhr) {
          xhr.setRequestHeader("Content-Type", "application/octet-stream");
          xhr.setRequestHeader("X-Requested-With", "XMLHttpRequest");
          xhr.setRequestHeader("Pragma", "no-cache");
          xhr.setRequestHeader("X-Of-Our-Own", "1");
        },
      });
      globalThis.trouble = [];
      hls.on("hlsError", (_name, { details, fatal }) => globalThis.trouble.push({ details, fatal }));
      hls.loadSource(source);
      hls.attachMedia(document.querySelector("video"));
      hls.on("hlsManifestParsed", () => document.querySelector("video").play());
    },
    [`${CLIPSY_URL}/media/videos/processed/${CLIPSY_VIDEO}/master.m3u8`],
  );
  await until("it plays elsewhere", async () => {
    const [time, trouble] = await page.evaluate(() => [document.querySelector("video").currentTime, globalThis.trouble]);
    assert.deepEqual(trouble.filter(({ fatal }) => fatal), []);
    return time > 1;
  });
}

/** What a script of the page gets, and sees of errors. */
const asks = (page) =>
  page.evaluate(
    async ([server, token]) => {
      const headers = { Authorization: `Bearer ${token}`, "Content-Type": "application/json", "X-Of-Our-Own": "1" };
      const me = await fetch(`${server}/api/auth/me/`, { headers });
      const refused = await fetch(`${server}/api/videos/9999/`, { method: "PATCH", headers, body: "{}" });
      const graphql = await fetch(`${server}/graphql`, { method: "POST", headers, body: JSON.stringify({ query: "{ viewer { username } }" }) });
      const events = await fetch(`${server}/graphql`, {
        method: "POST",
        headers: { ...headers, Accept: "text/event-stream" },
        body: JSON.stringify({ query: "subscription { myVideos { kind } }" }),
      });
      const reader = events.body.getReader();
      const first = new TextDecoder().decode((await reader.read()).value);
      await reader.cancel();
      return {
        me: (await me.json()).username,
        code: [refused.status, refused.headers.get("Clipsy-Error-Code")],
        graphql: (await graphql.json()).data.viewer.username,
        first,
      };
    },
    [CLIPSY_URL, CLIPSY_TOKEN],
  );

const stage = await openStage();
try {
  await new Promise((resolve) => other.listen(Number(CLIPSY_PORT), "127.0.0.1", resolve));
  const page = await stage.visitor();
  await page.goto(`http://127.0.0.1:${CLIPSY_PORT}/`);
  await plays(page);
  stage.noComplaints();
  assert.deepEqual(await asks(page), { me: "ann", code: [404, "not_found"], graphql: "ann", first: ":\n\n" });
  stage.forgetComplaints();

  // Another origin, which nobody listed: media plays, and the API says nothing.
  await page.goto(`http://localhost:${CLIPSY_PORT}/`);
  await plays(page);
  await assert.rejects(asks(page), /Failed to fetch/);
} finally {
  await stage.close();
  other.close();
}
process.exit(0);
