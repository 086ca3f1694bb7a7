// Looks at videos in a bucket with a real browser: the library, the page of a video, the player on
// another site, and a player of somebody else.

import assert from "node:assert/strict";
import { createServer } from "node:http";
import { openStage, until } from "../web/browser/stage.mjs";

const { CLIPSY_URL, CLIPSY_PUBLIC, CLIPSY_PRIVATE, CLIPSY_PASSWORD, CLIPSY_ELSEWHERE } = process.env;

/** Seconds that have to have been played, and to be there beyond. */
const PLAYED = 1;
const AHEAD = 1;

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

/** hls.js plays: the picture moves, and there is more than enough of it in memory. */
async function plays(frame) {
  let last = null;
  const played = await until("it plays", async () => {
    last = await frame.evaluate(() => {
      const video = document.querySelector("hls-video");
      if (!video) return null;
      const { buffered, currentTime: time } = video;
      const ranges = Array.from({ length: buffered.length }, (_, n) => [buffered.start(n), buffered.end(n)]);
      const ahead = Math.max(0, ...ranges.filter(([from, to]) => from <= time && time <= to).map(([, to]) => to - time));
      return { time, most: ranges.reduce((sum, [from, to]) => sum + to - from, 0), ahead, width: video.videoWidth, levels: video.api?.levels?.length ?? 0, error: video.error?.message };
    });
    assert.ok(!last?.error, last?.error);
    return last && last.time > PLAYED && last.most > PLAYED + AHEAD && last;
  });
  assert.ok(played.width > 0 && played.levels > 0, JSON.stringify(played));
}

/** The picture that stands for the video, and those on the seek bar. */
async function showsPictures(page) {
  await until("the poster is loaded", () =>
    page.evaluate(() => {
      const image = document.querySelector("media-poster-image")?.shadowRoot.querySelector("img");
      return image?.complete && image.naturalWidth > 0;
    }),
  );
  await page.locator("media-controller").hover();
  const bar = await page.locator("media-time-range").boundingBox();
  await page.mouse.move(bar.x + bar.width * 0.6, bar.y + bar.height / 2);
  await until("the seek bar shows a picture", () =>
    page.evaluate(() => {
      const image = document.querySelector("media-preview-thumbnail")?.shadowRoot.querySelector("img");
      return image?.complete && image.naturalWidth > 0;
    }),
  );
}

async function library(stage, page, videos) {
  await page.goto("/");
  for (const number of videos) {
    const image = page.locator(`article[data-video="${number}"] img`);
    await image.waitFor();
    await until("the thumbnail is loaded", () => image.evaluate((one) => one.complete && one.naturalWidth > 0));
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
