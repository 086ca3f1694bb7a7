// Choosing the picture that stands for a video.

import assert from "node:assert/strict";
import { until } from "./stage.mjs";

const SECONDS = 27.5;

/** A small version of what an element shows, in RGB. */
const pixels = (shown) =>
  shown.evaluate((element) => {
    const canvas = document.createElement("canvas");
    [canvas.width, canvas.height] = [32, 18];
    const context = canvas.getContext("2d");
    context.drawImage(element.nativeEl ?? element, 0, 0, 32, 18);
    return [...context.getImageData(0, 0, 32, 18).data];
  });

const difference = (one, other) => one.reduce((sum, value, at) => sum + Math.abs(value - other[at]), 0) / one.length;

export async function choosesAPicture(stage) {
  const { page } = stage;
  const { number } = stage.left;
  await page.goto(`/studio/${number}`);
  const picture = page.getByRole("region", { name: "Picture" }).locator("img");
  await picture.waitFor();
  const before = await picture.getAttribute("src");

  await page.getByRole("button", { name: "Choose another picture" }).click();
  const dialog = page.getByRole("dialog", { name: "Choose another picture" });
  await dialog.locator("hls-video").waitFor();
  const player = () =>
    page.evaluate(() => {
      const element = document.querySelector("[role=dialog] hls-video");
      return { time: element.currentTime, there: element.readyState >= 2 && !element.seeking };
    });
  await until("the video is there", async () => (await player()).there);
  // Without a mouse: the middle of the video.
  await page.keyboard.press("5");
  await until("it is in the middle", async () => {
    const { time, there } = await player();
    return there && Math.abs(time - SECONDS) < 1;
  });
  await stage.accessible("choosing a picture");
  await stage.snap("studio-picture");
  const shown = await pixels(dialog.locator("hls-video"));
  await dialog.getByRole("button", { name: "Take this picture" }).click();
  await dialog.waitFor({ state: "hidden" });
  await until("the page shows another picture", async () => (await picture.getAttribute("src")) !== before);
  await until("it is loaded", () => picture.evaluate((image) => image.complete && image.naturalWidth > 0));
  const after = await picture.getAttribute("src");
  const off = difference(shown, await pixels(picture));
  assert.ok(off < 12, `the picture is not what was shown: ${off}`);

  // Everywhere, also in the preview that others make of the page.
  await page.goto("/");
  await page.locator(`img[src="${after}"]`).waitFor();
  const head = await (await page.request.get(`/watch/${number}`)).text();
  assert.ok(head.includes(after), "the preview has another picture");

  // And back.
  await page.goto(`/studio/${number}`);
  await page.getByRole("button", { name: "Choose another picture" }).click();
  await dialog.getByRole("button", { name: "Use the first picture again" }).click();
  await dialog.waitFor({ state: "hidden" });
  await until("the first picture is back", async () => (await picture.getAttribute("src")) === before);
}
