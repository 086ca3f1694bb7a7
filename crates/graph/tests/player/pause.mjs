// Watches a private video, pauses it, and after hours seeks to where nothing is loaded.

import assert from "node:assert/strict";
import { createInterface } from "node:readline";
import { openStage, until } from "../../../clipsy/tests/web/browser/stage.mjs";

const { CLIPSY_VIDEO, CLIPSY_PASSWORD } = process.env;
const TO = 875;

const state = (page) =>
  page.evaluate(() => {
    const video = document.querySelector("hls-video");
    if (!video) return null;
    const { buffered, currentTime: time } = video;
    const there = Array.from({ length: buffered.length }, (_, n) => [buffered.start(n), buffered.end(n)]);
    return { time, there, paused: video.paused, ready: video.readyState, src: video.src };
  });

const stage = await openStage();
try {
  const { page } = stage;
  await stage.signIn(page, "ann", CLIPSY_PASSWORD);
  await page.goto(`/watch/${CLIPSY_VIDEO}`);
  await until("it plays", async () => (await state(page))?.time > 1);
  await page.evaluate(() => document.querySelector("hls-video").pause());
  const before = await until("it has loaded all that it loads ahead", async () => {
    const first = await state(page);
    await new Promise((resolve) => setTimeout(resolve, 1_500));
    const second = await state(page);
    return JSON.stringify(first.there) === JSON.stringify(second.there) && second;
  });
  assert.match(before.src, /\/media\/s\//);
  assert.ok(before.paused && before.there.every(([, end]) => end < TO), JSON.stringify(before));
  stage.noComplaints();

  console.log("paused");
  await new Promise((resolve) => createInterface({ input: process.stdin }).once("line", resolve));
  assert.equal((await page.request.get(before.src)).status(), 404, "the link is still good");

  await page.evaluate((to) => (document.querySelector("hls-video").currentTime = to), TO);
  const after = await until("the sought place is there", async () => {
    const now = await state(page);
    return now && now.ready >= 2 && now.there.some(([from, end]) => from <= TO && TO < end) && now;
  });
  assert.notEqual(after.src, before.src);
  assert.ok(Math.abs(after.time - TO) < 1, JSON.stringify(after));
  assert.ok(after.paused, "it plays by itself");
  await page.evaluate(() => document.querySelector("hls-video").play());
  const playing = await until("it plays on", async () => {
    const now = await state(page);
    return now.time > TO + 1 && now;
  });
  assert.ok(playing.time < TO + 20, JSON.stringify(playing));
} finally {
  await stage.close();
}
process.exit(0);
