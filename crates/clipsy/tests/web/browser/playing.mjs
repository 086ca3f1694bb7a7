// What can be seen of a player that plays.

import assert from "node:assert/strict";
import { until } from "./stage.mjs";

/** Seconds that have to have been played, and to be there beyond. */
const PLAYED = 1;
const AHEAD = 1;

/** hls.js plays: the picture moves, and there is more than enough of it in memory. */
export async function plays(frame) {
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
export async function showsPictures(page) {
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
