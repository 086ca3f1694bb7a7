// Looks at videos in a bucket with a real browser: the library, the page of a video, the player on
// another site, and a player of somebody else.

import assert from "node:assert/strict";
import { createServer } from "node:http";
import { plays, showsPictures } from "../web/browser/playing.mjs";
import { openStage, until } from "../web/browser/stage.mjs";

const { CLIPSY_URL, CLIPSY_PUBLIC, CLIPSY_PRIVATE, CLIPSY_PASSWORD, CLIPSY_ELSEWHERE } = process.env;

/** Where the segments that a page got came from. */
function watchSegments(page) {
  const origins = new Map();
  page.on("response", (response) => {
    const { origin, pathname } = new URL(response.url());
    if (!pathname.endsWith(".ts") || response.status() !== 200) return;
    origins.set(origin, (origins.get(origin) ?? 0) + 1);
  });
  return origins;
}

function cameFrom(origins, expected) {
  assert.deepEqual([...origins.keys()], [expected]);
  origins.clear();
}

async function library(stage, page, videos) {
  await page.goto("/");
  for (const number of videos) {
    // One that was begun is there twice.
    const images = page.locator(`article[data-video="${number}"] img`);
    await images.first().waitFor();
    await until("the thumbnails are loaded", () => images.evaluateAll((all) => all.every((one) => one.complete && one.naturalWidth > 0)));
  }
  stage.noComplaints();
}

async function watch(stage, page, number, from) {
  const origins = watchSegments(page);
  await page.goto(`/watch/${number}`);
  await plays(page);
  await showsPictures(page);
  cameFrom(origins, from);
  stage.noComplaints();
}

/** Our player in a frame of another site, and a script of that site that reads media itself. */
async function elsewhere(stage, from) {
  const other = createServer((_request, response) => {
    const frame = `<iframe src="${CLIPSY_URL}/embed/${CLIPSY_PUBLIC}?autoplay=1" allow="autoplay" width="640" height="360"></iframe>`;
    response.writeHead(200, { "Content-Type": "text/html" }).end(`<!doctype html><link rel="icon" href="data:,"><title>Elsewhere</title>${frame}`);
  });
  await new Promise((resolve) => other.listen(0, "127.0.0.1", resolve));
  const page = await stage.visitor();
  const origins = watchSegments(page);
  await page.goto(`http://127.0.0.1:${other.address().port}/`);
  const frame = await until("the frame is there", () => page.frames().find((one) => one.url().includes("/embed/")));
  await plays(frame);
  cameFrom(origins, from);
  const first = await page.evaluate(async (folder) => {
    const master = await (await fetch(`${folder}/master.m3u8`)).text();
    const rung = master.split("\n").find((line) => line && !line.startsWith("#")).split("/")[0];
    const playlist = await (await fetch(`${folder}/${rung}/playlist.m3u8`)).text();
    const first = playlist.split("\n").find((line) => line && !line.startsWith("#"));
    const segment = await fetch(`${folder}/${rung}/${first}`);
    return { status: segment.status, byte: new Uint8Array(await segment.arrayBuffer())[0] };
  }, `${CLIPSY_URL}/media/videos/processed/${CLIPSY_PUBLIC}`);
  assert.deepEqual(first, { status: 200, byte: 0x47 });
  stage.noComplaints();
  await page.context().close();
  other.close();
}

const stage = await openStage();
try {
  const { page } = stage;
  const from = CLIPSY_ELSEWHERE || CLIPSY_URL;
  await library(stage, page, [CLIPSY_PUBLIC]);
  await watch(stage, page, CLIPSY_PUBLIC, from);
  await elsewhere(stage, from);
  await stage.signIn(page, "admin", CLIPSY_PASSWORD);
  await library(stage, page, [CLIPSY_PUBLIC, CLIPSY_PRIVATE]);
  // A signed address would open to whoever gets hold of it.
  await watch(stage, page, CLIPSY_PRIVATE, CLIPSY_URL);
} catch (error) {
  console.error(`${error.stack}\nThe page: ${stage.page.url()}\n${stage.complaints.join("\n")}`);
  process.exitCode = 1;
}
await stage.close();
