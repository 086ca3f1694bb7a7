// Uploading.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { slowNetwork } from "./network.mjs";
import { PASSWORD, PATIENCE, ask, tokenOf, until } from "./stage.mjs";

const NAME = "trailer_bbb.mp4";

export async function dropCutReloadResume(stage) {
  const { page } = stage;
  const bytes = readFileSync(stage.clip(NAME));
  // Slow enough that there is something to cut on a slow machine: 40 seconds for all of it.
  const network = await slowNetwork(stage.url, 200_000);
  await stage.signIn(page, "admin", PASSWORD, network.url);

  await drop(page, NAME, bytes);
  const dock = page.getByRole("region", { name: "Uploads" });
  await dock.getByText(/\d+ % · .* \/s/).or(dock.getByText(/\d+ % · .*\/s/)).first().waitFor();
  await stage.accessible("uploading");
  await stage.snap("uploading");

  // Pause, resume.
  await dock.getByRole("button", { name: /^Pause/ }).click();
  await dock.getByText(/Paused at/).waitFor();
  await dock.getByRole("button", { name: /^Resume/ }).click();
  await dock.getByText(/\d+ % · .*\/s/).first().waitFor();

  // Edit while it goes up.
  await dock.getByRole("button", { name: /^Edit details/ }).click();
  await dock.getByLabel("Title").fill("Big Buck Bunny, the trailer");
  await dock.getByLabel("Who may see it").selectOption("PUBLIC");
  await dock.getByText("Saved", { exact: true }).waitFor();
  await dock.getByText("Big Buck Bunny, the trailer").first().waitFor();

  // The network goes away in the middle of it, and the browser notices.
  network.lose();
  await page.context().setOffline(true);
  await dock.getByText(/No connection/).waitFor();
  await page.getByText("You are offline").waitFor();
  await stage.snap("offline");

  // It comes back, but before much can happen the page is loaded anew: the file has to be chosen again.
  network.be(20_000);
  network.comeBack();
  await page.context().setOffline(false);
  await page.reload();
  stage.forgetComplaints();
  const again = page.locator("button", { hasText: `Choose ${NAME} again` });
  await again.waitFor();
  const words = await page.getByText(/Stopped at/).textContent();
  const share = Number(/(\d+) %/.exec(words)[1]);
  assert.ok(share > 0 && share < 100, `the server kept ${share} %`);
  await stage.accessible("resuming");
  network.be(0);

  const wrong = page.waitForEvent("filechooser");
  await again.click();
  await (await wrong).setFiles(stage.clip("bikes.mp4"));
  await page.getByText("bikes.mp4 is a different file.").waitFor();

  const offsets = [];
  page.on("request", (request) => {
    if (request.method() === "PATCH") offsets.push(Number(request.headers()["upload-offset"]));
  });
  const right = page.waitForEvent("filechooser");
  await again.click();
  await (await right).setFiles(stage.clip(NAME));
  const watch = page.getByRole("link", { name: "Open in the studio" });
  await watch.waitFor({ timeout: PATIENCE });
  assert.ok(offsets[0] > 0, `it went on at byte ${offsets[0]}`);
  stage.left.number = Number(/\d+/.exec(await watch.getAttribute("href"))[0]);
  await until("the details arrived with it", async () => (await page.getByText("Big Buck Bunny, the trailer").count()) > 0);
  await page.goto("/");
  stage.forgetComplaints();
}

/**
 * Where the browser keeps a handle of the file, a reload costs a click or nothing. Nobody can answer its
 * questions here, so a file of the browser's own file system stands in for one of the disk, and the page is
 * told what the person would have answered.
 */
export async function goesOnByHandle(stage) {
  const page = await stage.visitor();
  await page.addInitScript(() => {
    globalThis.showOpenFilePicker = async () => [await (await navigator.storage.getDirectory()).getFileHandle("kept.mp4")];
    FileSystemFileHandle.prototype.queryPermission = async () => localStorage.getItem("test.may") ?? "prompt";
    FileSystemFileHandle.prototype.requestPermission = async () => "granted";
  });
  const network = await slowNetwork(stage.url, 100_000);
  await stage.signIn(page, "admin", PASSWORD, network.url);
  await page.goto(`${network.url}/upload`);
  await page.evaluate(async (base64) => {
    const handle = await (await navigator.storage.getDirectory()).getFileHandle("kept.mp4", { create: true });
    const file = await handle.createWritable();
    await file.write(Uint8Array.from(atob(base64), (character) => character.charCodeAt(0)));
    await file.close();
  }, readFileSync(stage.clip(NAME)).toString("base64"));
  await page.getByLabel("New uploads are").selectOption("UNLISTED");
  await page.locator("button", { hasText: "Choose files" }).click();
  const moves = page.getByText(/[1-9]\d* % · .*\/s/).first();
  await moves.waitFor();
  assert.equal(await page.getByLabel("Who may see it").inputValue(), "UNLISTED");

  const offsets = [];
  page.on("request", (request) => {
    if (request.method() === "PATCH") offsets.push(Number(request.headers()["upload-offset"]));
  });
  // By a click.
  network.cut();
  await page.reload();
  assert.equal(await page.getByLabel("New uploads are").inputValue(), "UNLISTED");
  const goOn = page.getByRole("button", { name: "Continue" });
  await goOn.waitFor();
  await stage.accessible("going on", page);
  await stage.snap("going-on", page);
  await goOn.click();
  await moves.waitFor();
  await until("it went on where it was", () => offsets[0] > 0);

  // By itself.
  await page.evaluate(() => localStorage.setItem("test.may", "granted"));
  network.cut();
  await page.reload();
  await moves.waitFor();
  await until("it went on again", () => offsets.at(-1) > offsets[0]);

  // Another tab leaves it alone, and goes on with it when this one is gone.
  const other = await page.context().newPage();
  stage.watchOver(other);
  const later = [];
  other.on("request", (request) => {
    if (request.method() === "PATCH") later.push(Number(request.headers()["upload-offset"]));
  });
  const asked = other.waitForResponse((response) => response.request().postData()?.includes("MyUploads") ?? false);
  await other.goto(`${network.url}/upload`);
  await (await asked).finished();
  await other.getByLabel("New uploads are").waitFor();
  assert.equal(await other.getByRole("progressbar").count(), 0, "two tabs send the same file");
  network.cut();
  await page.close();
  await until("the other tab goes on where it was", () => later[0] > 0);
  await other.getByRole("button", { name: /^Cancel/ }).click();
  await other.getByRole("progressbar").waitFor({ state: "detached" });
  // Whoever leaves at once has cancelled all the same.
  await other.goto("about:blank");
  const token = await tokenOf(stage.page);
  const unfinished = async () => (await ask(stage, "{ viewer { uploads { filename } } }", {}, token)).data.viewer.uploads;
  await until("the server has forgotten it", async () => (await unfinished()).every((one) => one.filename !== "kept.mp4"));
  await other.context().close();
  stage.forgetComplaints();
}

/** Drops a file onto the page, as a file manager does: a browser says that it is over the page until it is let go. */
export async function drop(page, name, bytes, type = "video/mp4") {
  const transfer = await page.evaluateHandle(
    ([base64, name, type]) => {
      const text = atob(base64);
      const array = Uint8Array.from(text, (character) => character.charCodeAt(0));
      const transfer = new DataTransfer();
      transfer.items.add(new File([array], name, { type }));
      return transfer;
    },
    [bytes.toString("base64"), name, type],
  );
  await page.dispatchEvent("body", "dragenter", { dataTransfer: transfer });
  await until("the page takes it", async () => {
    await page.dispatchEvent("body", "dragover", { dataTransfer: transfer });
    return page.getByText("Drop to upload").isVisible();
  });
  await page.dispatchEvent("body", "drop", { dataTransfer: transfer });
}
