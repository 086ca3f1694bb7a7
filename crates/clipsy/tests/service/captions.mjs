// Captions of a video that flashes in each second, with a cue for each flash: the playlists by hls-parser, and
// cue and picture in hls.js and in our own player.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { createServer } from "node:http";
import { pathToFileURL } from "node:url";
import { openStage, until } from "../web/browser/stage.mjs";

const { CLIPSY_URL, CLIPSY_VIDEO, CLIPSY_HLS, CLIPSY_TOOLS } = process.env;
const MASTER = `${CLIPSY_URL}/media/videos/processed/${CLIPSY_VIDEO}/master.m3u8`;
/** Start, middle and end, in seconds. */
const MOMENTS = [2, 23, 43];
/** How far cue and picture may be apart, in seconds. */
const DRIFT = 0.04;

const read = createRequire(CLIPSY_TOOLS);
const HLS = (await import(pathToFileURL(read.resolve("hls-parser")))).default;

/** Another program's opinion of the playlists. */
async function playlists() {
  HLS.setOptions({ strictMode: true });
  const get = async (url) => {
    const response = await fetch(url);
    assert.equal(response.status, 200, url);
    return response.text();
  };
  const master = HLS.parse(await get(MASTER));
  assert.ok(master.isMasterPlaylist && master.variants.length > 0);
  for (const variant of master.variants) {
    const told = variant.subtitles.map(({ type, language, isDefault, autoselect, forced, characteristics }) => ({ type, language, isDefault, autoselect, forced, deaf: Boolean(characteristics) }));
    assert.deepEqual(told, [
      { type: "SUBTITLES", language: "de", isDefault: true, autoselect: true, forced: false, deaf: false },
      { type: "SUBTITLES", language: "en", isDefault: false, autoselect: true, forced: false, deaf: true },
    ]);
    const video = HLS.parse(await get(new URL(variant.uri, MASTER)));
    for (const { uri } of variant.subtitles) {
      const address = new URL(uri, MASTER);
      const list = HLS.parse(await get(address));
      assert.equal(list.endlist, true);
      assert.equal(list.targetDuration, video.targetDuration);
      assert.deepEqual(list.segments.map(({ duration }) => duration), video.segments.map(({ duration }) => duration));
      for (const segment of list.segments) {
        const text = await get(new URL(segment.uri, address));
        assert.match(text, /^WEBVTT\nX-TIMESTAMP-MAP=MPEGTS:\d+,LOCAL:00:00:00\.000\n/);
        assert.ok(text.includes(" --> "), text);
      }
    }
  }
}

/** When, by the player's clock, the picture turns white around a second, and when the cue of that second begins. */
const measure = (page, find, second) =>
  page.evaluate(
    async ([find, second]) => {
      const video = find === "video" ? document.querySelector("video") : document.querySelector("hls-video").nativeEl;
      const canvas = document.createElement("canvas");
      [canvas.width, canvas.height] = [4, 4];
      const context = canvas.getContext("2d", { willReadFrequently: true });
      const isWhite = () => {
        context.drawImage(video, 0, 0, 4, 4);
        return context.getImageData(2, 2, 1, 1).data[0] > 128;
      };
      video.pause();
      video.currentTime = second - 0.6;
      await new Promise((resolve) => video.addEventListener("seeked", resolve, { once: true }));
      const flash = new Promise((resolve) => {
        const frames = [];
        const look = (_now, { mediaTime }) => {
          frames.push(mediaTime);
          if (mediaTime > second - 0.5 && isWhite()) resolve({ at: mediaTime, frames });
          else if (mediaTime > second + 0.9) resolve({ at: null, frames });
          else video.requestVideoFrameCallback(look);
        };
        video.requestVideoFrameCallback(look);
      });
      video.playbackRate = 0.25;
      await video.play();
      const seen = await flash;
      const tracks = [...video.textTracks].filter(({ mode, kind }) => mode === "showing" && kind !== "metadata");
      const cues = tracks.flatMap((track) => [...(track.cues ?? [])]).filter((cue) => cue.text === `at ${second}`);
      video.pause();
      return { flash: seen.at, frames: seen.frames, cues: cues.map(({ startTime, endTime }) => ({ startTime, endTime })), tracks: tracks.map(({ kind, language }) => `${kind} ${language}`) };
    },
    [find, second],
  );

async function judge(page, find, who) {
  for (const second of MOMENTS) {
    let last;
    await until(`${who} shows cue and flash of second ${second}`, async () => {
      last = await measure(page, find, second);
      return last.flash !== null && last.cues.length > 0;
    }).catch((error) => {
      throw new Error(`${error.message}: ${JSON.stringify(last)}`);
    });
    assert.equal(last.cues.length, 1, JSON.stringify(last));
    const drift = last.cues[0].startTime - last.flash;
    console.log(`${who}, second ${second}: the picture at ${last.flash.toFixed(4)}, the cue ${(drift * 1000).toFixed(1)} ms later`);
    assert.ok(Math.abs(drift) <= DRIFT, JSON.stringify(last));
    assert.ok(Math.abs(last.cues[0].endTime - last.cues[0].startTime - 1) < 0.01, JSON.stringify(last));
  }
}

const other = createServer((request, response) => {
  if (request.url === "/hls.js") {
    response.writeHead(200, { "Content-Type": "text/javascript" }).end(readFileSync(CLIPSY_HLS));
  } else {
    response.writeHead(200, { "Content-Type": "text/html" }).end('<!doctype html><link rel="icon" href="data:,"><title>Elsewhere</title><script src="/hls.js"></script><video muted></video>');
  }
});

const stage = await openStage();
try {
  await playlists();
  await new Promise((resolve) => other.listen(0, "127.0.0.1", resolve));
  const page = await stage.visitor();
  await page.goto(`http://127.0.0.1:${other.address().port}/`);
  await page.evaluate(
    ([source]) => {
      const hls = new globalThis.Hls();
      globalThis.hls = hls;
      globalThis.trouble = [];
      // A slow machine has it break off a segment for a smaller one.
      hls.on("hlsError", (_name, { details, fatal }) => details !== "aborted" && globalThis.trouble.push({ details, fatal }));
      hls.loadSource(source);
      hls.attachMedia(document.querySelector("video"));
    },
    [MASTER],
  );
  await until("hls.js has the captions", () => page.evaluate(() => globalThis.hls.subtitleTracks.length === 2 && globalThis.hls.subtitleTrack === 0 && document.querySelector("video").readyState >= 2));
  await judge(page, "video", "hls.js");
  assert.deepEqual(await page.evaluate(() => globalThis.trouble), []);
  stage.noComplaints();

  // Our own player takes the file as a whole; the default is shown without a click.
  await page.goto(`${CLIPSY_URL}/watch/${CLIPSY_VIDEO}`);
  await until("our player plays", () => page.evaluate(() => document.querySelector("hls-video")?.readyState >= 2));
  await judge(page, "hls-video", "our player");
  stage.noComplaints();
} catch (error) {
  console.error(`${error.stack}\nThe page: ${stage.page.url()}\n${stage.complaints.join("\n")}`);
  process.exitCode = 1;
}
await stage.close();
other.close();
