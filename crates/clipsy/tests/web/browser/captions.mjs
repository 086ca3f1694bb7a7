// Captions: brought along in the studio, read in the player.

import assert from "node:assert/strict";
import { until } from "./stage.mjs";

const SRT = "1\n00:00:00,500 --> 00:00:50,000\nIch habe nichts <i>gesagt</i> & du?\n";

/** What the player shows. */
const shown = (page) =>
  page.evaluate(() => {
    const tracks = [...(document.querySelector("hls-video")?.textTracks ?? [])];
    const showing = tracks.filter(({ mode, kind }) => mode === "showing" && kind !== "metadata");
    return showing.map((track) => `${track.kind} ${track.language} ${track.label}: ${[...(track.activeCues ?? [])].map((cue) => cue.text).join("|")}`);
  });

export async function bringsCaptions(stage) {
  const { page } = stage;
  const { number } = stage.left;
  await page.goto(`/studio/${number}`);
  const part = page.getByRole("region", { name: "Captions" });
  await part.getByText("This video has no captions yet.").waitFor();
  const choose = async (name, text) => {
    const chooser = page.waitForEvent("filechooser");
    await part.getByRole("button", { name: "Choose a file" }).click();
    await (await chooser).setFiles({ name, mimeType: "application/x-subrip", buffer: Buffer.from(text, "latin1") });
    await part.getByText(name).waitFor();
  };
  await choose("wrong.srt", SRT.replace("00:00:50", "00:00:00"));
  await part.getByLabel("Language", { exact: true }).selectOption("de");
  await stage.accessible("captions, a file chosen");
  await part.getByRole("button", { name: "Add captions" }).click();
  await part.getByText("Line 2: This caption ends before it begins.").waitFor();
  await stage.accessible("captions, refused");
  await stage.snap("studio-captions-refused");
  // What the server said 400 to.
  stage.forgetComplaints();

  await choose("right.srt", SRT);
  await part.getByLabel("Made for").selectOption("CAPTIONS");
  await part.getByLabel("Name (optional)").fill("Für \"alle\"");
  await part.getByRole("button", { name: "Add captions" }).click();
  const track = part.locator("[data-captions] li");
  await track.getByText("Für \"alle\"").waitFor();
  assert.equal(await track.count(), 1);
  assert.equal(await part.getByRole("alert").count(), 0);
  await stage.accessible("captions");
  await stage.snap("studio-captions");

  // With the key, and off again; the choice is kept.
  await page.goto(`/watch/${number}?t=5`);
  await until("it plays", () => page.evaluate(() => document.querySelector("hls-video")?.currentTime > 5));
  assert.deepEqual(await shown(page), []);
  await page.keyboard.press("c");
  const text = 'captions de Für "alle": Ich habe nichts <i>gesagt</i> &amp; du?';
  await until("captions are shown", async () => (await shown(page)).join() === text);
  await stage.accessible("watch with captions");
  await stage.snap("watch-captions");
  await page.goto(`/watch/${number}?t=6`);
  await until("they are still shown on the next visit", async () => (await shown(page)).join() === text);
  await page.keyboard.press("c");
  await until("captions are off", async () => (await shown(page)).length === 0);

  // With the menu.
  await page.keyboard.press("k");
  await page.locator("media-captions-menu-button").click();
  await stage.accessible("the menu of captions");
  await page.locator("media-captions-menu").getByText("Für \"alle\"").click();
  await until("captions are shown again", async () => (await shown(page)).join() === text);
  await page.locator("media-captions-menu-button").click();
  await page.locator("media-captions-menu").getByText("Off").click();
  await until("captions are off again", async () => (await shown(page)).length === 0);
  await page.goto(`/watch/${number}?t=7`);
  await until("it plays again", () => page.evaluate(() => document.querySelector("hls-video")?.currentTime > 7));
  assert.deepEqual(await shown(page), []);

  // The owner may have them shown to everybody.
  await page.goto(`/studio/${number}`);
  await part.getByRole("button", { name: "Make default: Für \"alle\"" }).click();
  await part.getByText("Default", { exact: true }).waitFor();
  const visitor = await stage.visitor();
  await visitor.goto(`/watch/${number}?t=5`);
  await until("a visitor sees them", async () => (await shown(visitor)).join() === text);
  await visitor.context().close();

  await part.getByRole("button", { name: "Remove Für \"alle\"" }).click();
  await part.getByText("This video has no captions yet.").waitFor();
  await page.goto(`/watch/${number}`);
  await page.locator("media-play-button").first().waitFor({ state: "attached" });
  assert.equal(await page.locator("media-captions-menu-button").count(), 0);
}
