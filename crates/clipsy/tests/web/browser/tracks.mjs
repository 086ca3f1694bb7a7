// What became of the tracks of a file, and what else is worth knowing about it.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { drop } from "./upload.mjs";

export async function tellsWhatItUses(stage) {
  const { page } = stage;
  await open(page, "two sounds.mkv", readFileSync(stage.fixture("audio-two-tracks.mkv")));
  // It comes by itself, while the video is made or soon after.
  const tracks = page.locator("[data-tracks]");
  await tracks.waitFor();
  const lines = await tracks.locator("li").allInnerTexts();
  assert.deepEqual(
    lines.map((line) => line.split("\n").map((part) => part.trim()).filter(Boolean).join(" | ")),
    [
      "Picture | H.264 (High Profile) | used",
      "Sound 1 | MPEG-4 AAC · English | the file marks another one as the default | not used",
      "Sound 2 | MPEG-4 AAC · German | used",
    ],
  );
  await page.getByText("Ready", { exact: true }).first().waitFor();
  assert.equal(await page.locator("[data-warnings]").count(), 0, "nothing went wrong");
  stage.left.tracks = Number(/\d+/.exec(new URL(page.url()).pathname)[0]);

  // Only a part of it arrived at whoever uploads it.
  const bytes = readFileSync(stage.fixture("audio-two-tracks.mkv"));
  await open(page, "cut.mkv", bytes.subarray(0, Math.floor(bytes.length * 0.6)));
  await page.locator("[data-warning=TRUNCATED]").waitFor();
  await page.getByText("The file ends early.").waitFor();
  await stage.accessible("studio, warnings");
  await stage.snap("studio-warnings");
}

/** Uploads it and goes to its page in the studio. */
async function open(page, name, bytes) {
  await page.goto("/upload");
  await drop(page, name, bytes, "video/x-matroska");
  const studio = page.getByRole("link", { name: "Open in the studio" });
  await studio.waitFor();
  await studio.click();
  await page.locator("[data-rendition]").first().waitFor();
}
