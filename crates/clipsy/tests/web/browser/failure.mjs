// What goes wrong, what is deleted, and titles that try to be code.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { runOutOfMemory } from "./children.mjs";
import { PATIENCE, until } from "./stage.mjs";
import { drop } from "./upload.mjs";

const EVIL = `<img src=x onerror=alert(1)>"'><script>alert(2)</script>{{7*7}}`;

export async function markupStaysText(stage) {
  const { page } = stage;
  const { number } = stage.left;
  await page.goto(`/studio/${number}`);
  await page.getByLabel("Title").fill(EVIL);
  await page.getByLabel("Description").fill(`${EVIL}\njavascript:alert(3)`);
  await page.getByText("Saved", { exact: true }).waitFor();
  for (const path of ["/", "/studio", `/studio/${number}`, `/watch/${number}`, `/embed/${number}`]) {
    await page.goto(path);
    if (!path.startsWith("/embed")) await page.getByText(EVIL).first().waitFor();
    else await page.locator("hls-video").waitFor();
    assert.equal(await page.locator("img[src=x]").count(), 0, path);
  }
  await page.goto(`/studio/${number}`);
  await page.getByLabel("Title").fill("Big Buck Bunny, the trailer");
  await page.getByLabel("Description").fill("A rabbit, a butterfly, and three who should not have laughed.\n\nFrom the open movie project.");
  await page.getByText("Saved", { exact: true }).waitFor();
}

export async function failsForGood(stage) {
  const { page } = stage;
  await page.goto("/upload");
  await drop(page, `broken ${"<b>"}.mp4`, readFileSync(stage.fixture("bad-noise.mp4")));
  const studio = page.getByRole("link", { name: "Open in the studio" });
  await studio.waitFor();
  await studio.click();
  const failure = page.locator("[data-failure]");
  await failure.waitFor();
  assert.ok((await failure.innerText()).length > 60, "it says what to do");
  await stage.accessible("studio, failed");
  await stage.snap("studio-failed");
  stage.left.broken = Number(/\d+/.exec(new URL(page.url()).pathname)[0]);

  await page.goto("/admin/failures");
  await page.getByRole("link", { name: "broken <b>" }).waitFor();
  await page.goto(`/studio/${stage.left.broken}`);
  await failure.waitFor();
  await page.getByText("trying again does not help").waitFor();
}

export async function failsAndRetries(stage) {
  const { page } = stage;
  await page.goto("/upload");
  await drop(page, "unlucky.mp4", readFileSync(stage.clip("trailer_bbb.mp4")));
  // Its process is ended as soon as there is one. The server of this visit tries once only.
  await until("there is a process to end", () => runOutOfMemory(stage.server));
  const studio = page.getByRole("link", { name: "Open in the studio" });
  await studio.waitFor();
  await studio.click();
  const failure = page.locator("[data-failure=crashed]");
  await failure.waitFor();
  await page.getByText("trying again may help").waitFor();
  await until("it says what happened", async () => (await failure.textContent()).includes("signal 9"));
  assert.equal(await page.getByRole("link", { name: "Watch" }).count(), 0, "nothing half-made can be watched");
  await stage.accessible("studio, failed, worth a retry");
  await stage.snap("studio-retry");

  // This time it is left alone.
  await page.getByRole("button", { name: "Retry" }).click();
  await failure.waitFor({ state: "hidden" });
  await until("its renditions move", async () => (await page.locator("[data-rendition][data-state=RUNNING]").count()) > 0);
  // A minute of video may take a while on a machine that has other things to do.
  await page.getByText("Ready", { exact: true }).first().waitFor({ timeout: 3 * PATIENCE });
  assert.equal(await page.getByRole("button", { name: "Retry" }).count(), 0);
  const states = await page.$$eval("[data-rendition]", (rows) => rows.map((row) => row.dataset.state));
  assert.ok(states.length >= 3 && states.every((state) => state === "DONE"), states.join());
  await page.locator("#main").getByRole("link", { name: "Watch" }).click();
  await until("it plays", () => page.evaluate(() => document.querySelector("hls-video")?.currentTime > 0.5));
}

export async function deletes(stage) {
  const { page } = stage;
  await page.goto(`/studio/${stage.left.broken}`);
  const row = page.locator(`[data-video="${stage.left.broken}"]`);
  await page.getByRole("button", { name: "Delete" }).click();
  await page.waitForURL("**/studio");
  await page.getByText("deleted").first().waitFor();
  assert.equal(await row.count(), 0);
  await page.getByRole("button", { name: "Undo" }).click();
  await row.waitFor();
  await row.getByRole("button", { name: /^Delete/ }).click();
  await until("it is off the list", async () => (await row.count()) === 0);
  // Leaving the page does what was asked for.
  await page.goto("/");
  await until("it is gone", async () => {
    await page.goto(`/studio/${stage.left.broken}`);
    return page.getByRole("heading", { name: "This video is not available" }).waitFor({ timeout: 3_000 }).then(() => true, () => false);
  });
}
