// Uploads one file with @uppy/tus in Chromium, from a page of another origin than the server's, as the
// job on the command line says, and tells what happens.
//
//     node tools/js/uppy.mjs JOB
//
// JOB is a JSON object with endpoint, token, file, metadata, chunk, pauseAt and tries as for
// tools/js/tus.mjs, and
//
//     folder     where the page's script and the browser's profile go
//     leaveAt    loads the page anew when so many bytes were acknowledged, and adds the file again
//
// One JSON object a line is written, as there, and "leaving" and "console" with what the browser said.

import { readFile } from "node:fs/promises";
import { createServer } from "node:http";
import { fileURLToPath } from "node:url";
import { join } from "node:path";
import { build } from "esbuild";
import { chromium } from "playwright-core";

const job = JSON.parse(process.argv[2]);
const BROWSER = "/usr/bin/chromium";
const FLAGS = [
  "--no-sandbox",
  "--disable-gpu",
  "--disable-quic",
  "--disable-background-networking",
  "--disable-component-update",
  "--disable-sync",
];

let leaveAt = job.leaveAt;
const tell = (event, facts = {}) => process.stdout.write(`${JSON.stringify({ event, ...facts })}\n`);

const script = join(job.folder, "uppy-page.js");
await build({
  entryPoints: [fileURLToPath(new URL("uppy-page.mjs", import.meta.url))],
  bundle: true,
  format: "iife",
  outfile: script,
  logLevel: "error",
});
const origin = await servePage();
const browser = await chromium.launchPersistentContext(join(job.folder, "profile"), {
  executablePath: BROWSER,
  args: FLAGS,
});
const page = browser.pages()[0] ?? (await browser.newPage());
page.on("console", (said) => tell("console", { text: said.text() }));
page.on("pageerror", (error) => end("failed", { message: String(error) }));
await page.exposeFunction("tell", (event, facts) => {
  if (event === "leaving") {
    tell(event, facts);
    leaveAt = undefined;
    start().catch(gone);
  } else if (event === "done" || event === "failed") {
    end(event, facts);
  } else {
    tell(event, facts);
  }
});
start().catch(gone);

async function start() {
  await page.goto(origin);
  await page.setInputFiles("input", job.file);
  const { endpoint, token, metadata, chunk, pauseAt, tries } = job;
  page.evaluate((it) => window.upload(it), { endpoint, token, metadata, chunk, pauseAt, tries, leaveAt }).catch(gone);
}

// A page that is left ends what runs in it; anything else that ends is an error.
function gone(error) {
  if (!/navigation|context was destroyed|closed/i.test(error.message)) end("failed", { message: error.message });
}

async function end(event, facts) {
  tell(event, facts);
  await browser.close();
  process.exit(event === "done" ? 0 : 1);
}

function servePage() {
  const server = createServer(async (request, response) => {
    if (request.url === "/page.js") {
      response.setHeader("Content-Type", "text/javascript");
      response.end(await readFile(script));
    } else {
      response.setHeader("Content-Type", "text/html");
      response.end('<!doctype html><title>Upload</title><input type="file"><script src="/page.js"></script>');
    }
  });
  return new Promise((resolve) => {
    server.listen(0, "127.0.0.1", () => resolve(`http://localhost:${server.address().port}`));
  });
}
