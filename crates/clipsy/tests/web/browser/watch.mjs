// Playing.

import assert from "node:assert/strict";
import { until } from "./stage.mjs";

const video = (page) =>
  page.evaluate(() => {
    const element = document.querySelector("hls-video");
    return element && { time: element.currentTime, width: element.videoWidth, height: element.videoHeight, paused: element.paused, rate: element.playbackRate, muted: element.muted, error: element.error?.message };
  });

export async function playsBeforeReady(stage) {
  const { page } = stage;
  const { number } = stage.left;
  // Without H.264 none of this would mean anything.
  assert.ok(await page.evaluate(() => MediaSource.isTypeSupported('video/mp4; codecs="avc1.640028,mp4a.40.2"')));

  await page.goto(`/studio/${number}`);
  await page.getByRole("link", { name: "Watch" }).waitFor();
  stage.left.early = (await page.locator("[data-state=RUNNING]").count()) > 0;
  await page.getByRole("link", { name: "Watch" }).click();
  await page.waitForURL(`**/watch/${number}`);
  await until("it plays", async () => (await video(page))?.time > 1);
  const playing = await video(page);
  assert.ok(playing.width > 0 && playing.height > 0);
  await stage.snap("watch-early");

  // Becoming ready does not start it again.
  await page.goto(`/studio/${number}`);
  await page.getByText("Ready", { exact: true }).first().waitFor();
  await page.goto(`/watch/${number}`);
  await until("it goes on where it was left", async () => (await video(page))?.time > 0.5);
}

/** The pointer on a card looks through its video; clicking there opens it. */
export async function looksAhead(stage) {
  const { page } = stage;
  const { number } = stage.left;
  await page.goto("/");
  const card = page.locator(`article[data-video="${number}"]`);
  const picture = await card.locator("img").boundingBox();
  const at = (share) => page.mouse.move(picture.x + picture.width * share, picture.y + picture.height / 2);
  await at(0.3);
  const shown = () => card.locator("[style*='background-image']").evaluateAll((all) => all[0]?.style.backgroundPosition);
  const early = await until("the card shows a moment of the video", shown);
  await at(0.8);
  await until("the card shows another one", async () => (await shown()) !== early);
  await stage.accessible("library, looking ahead");
  await page.mouse.click(picture.x + picture.width / 2, picture.y + picture.height / 2);
  await page.waitForURL(`**/watch/${number}`);
}

/** hls.js gives up after a few tries; a person who watches does not. */
export async function outlivesTheServer(stage) {
  const page = await stage.visitor();
  let refused = 0;
  let away = true;
  await page.route("**/*.m3u8", (route) => {
    if (!away || route.request().url().includes("master")) return route.continue();
    refused += 1;
    return route.abort("connectionrefused");
  });
  await page.goto(`/watch/${stage.left.number}`);
  // Each of at most four renditions is asked for three times before hls.js gives up.
  await until("the page asks again and again", () => refused > 12);
  away = false;
  await until("it plays as soon as it can", async () => (await video(page))?.time > 0.5);
  assert.equal((await video(page)).error, undefined);
  stage.forgetComplaints();
  await page.context().close();
}

export async function controls(stage) {
  const { page } = stage;
  const { number } = stage.left;
  await page.goto(`/watch/${number}?t=5`);
  await until("it starts at the moment of the link", async () => (await video(page))?.time >= 5);
  await stage.accessible("watch");

  // Keys, wherever the focus is.
  await page.keyboard.press("k");
  await until("k pauses", async () => (await video(page)).paused);
  await page.keyboard.press("5");
  await until("5 goes to the middle", async () => Math.abs((await video(page)).time - 27.5) < 3);
  await page.keyboard.press("m");
  await until("m mutes", async () => (await video(page)).muted);
  await page.keyboard.press(">");
  await until("> is faster", async () => (await video(page)).rate === 1.25);
  await page.keyboard.press("<");
  await page.keyboard.press("?");
  await page.getByRole("dialog", { name: "Keyboard shortcuts" }).waitFor();
  await stage.accessible("keys");
  await page.keyboard.press("Escape");
  await page.getByRole("dialog").waitFor({ state: "hidden" });
  await page.keyboard.press("t");
  await page.locator("button[aria-pressed=true][aria-label='Theatre mode']").waitFor({ state: "attached" });
  await page.keyboard.press("t");

  // Qualities: the picture really changes.
  const sizes = new Set();
  await page.keyboard.press("k");
  for (const quality of ["360p", "720p"]) {
    await page.locator("media-rendition-menu-button").click();
    await page.locator("media-rendition-menu").getByText(quality, { exact: false }).first().click();
    await until(`${quality} is on`, async () => (await video(page)).height === Number.parseInt(quality, 10));
    sizes.add((await video(page)).width);
  }
  assert.equal(sizes.size, 2);

  // Pictures on the seek bar.
  const bar = await page.locator("media-time-range").boundingBox();
  await page.mouse.move(bar.x + bar.width * 0.6, bar.y + bar.height / 2);
  await until("the seek bar shows a picture", () =>
    page.evaluate(() => {
      const preview = document.querySelector("media-preview-thumbnail");
      const picture = preview?.shadowRoot.querySelector("img");
      return picture?.complete && picture.naturalWidth > 0 && preview.getBoundingClientRect().width > 40;
    }),
  );
  await stage.snap("watch");
  await page.mouse.click(bar.x + bar.width * 0.8, bar.y + bar.height / 2);
  await until("it is at 80 %", async () => Math.abs((await video(page)).time - 44) < 4);
}
