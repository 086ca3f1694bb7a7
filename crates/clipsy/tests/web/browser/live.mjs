// What moves by itself, and what happens when the line to the server is cut.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { until } from "./stage.mjs";
import { drop } from "./upload.mjs";

const rows = (page) =>
  page.$$eval("[data-rendition]", (all) =>
    all.map((row) => ({ name: row.dataset.rendition, state: row.dataset.state, cells: [...row.cells].map((cell) => cell.textContent.trim()) })),
  );

export async function renditionsMove(stage) {
  const { page } = stage;
  await page.goto(`/studio/${stage.left.number}`);
  await page.locator("[data-renditions]").waitFor();
  const seen = new Map();
  const read = async () => {
    for (const row of await rows(page)) {
      const percents = seen.get(row.name) ?? [];
      const value = Number(/(\d+) %/.exec(row.cells[2])?.[1] ?? Number.NaN);
      if (row.state === "RUNNING" && value !== percents.at(-1)) percents.push(value);
      seen.set(row.name, percents);
    }
  };
  await until("every rendition has moved three times", async () => {
    await read();
    return seen.size >= 3 && [...seen.values()].every((percents) => percents.length >= 3);
  });
  const [first] = await rows(page);
  assert.match(first.cells[3], /^\d+$/, `frames a second: ${first.cells}`);
  assert.match(first.cells[4], /×$/, `speed: ${first.cells}`);
  assert.match(first.cells[6], /\w/, `encoder: ${first.cells}`);
  for (const [name, percents] of seen) {
    assert.deepEqual(percents, [...percents].sort((a, b) => a - b), `${name} goes back`);
    assert.ok(percents.every((value) => value < 100), `${name} shows 100 % while it runs`);
  }
  await stage.accessible("studio, processing");
  await stage.snap("studio-processing");

  // The studio's list shows the same, in its row.
  await page.goto("/studio");
  await page.locator("[data-row]").getByRole("img", { name: /\d+p/ }).waitFor();
  await stage.accessible("studio list, processing");
  await stage.snap("studio-list-processing");
}

export async function losesTheSocket(stage) {
  const page = await stage.visitor();
  let cut = false;
  const lines = [];
  await page.routeWebSocket(/\/graphql$/, (line) => {
    if (cut) return void line.close();
    line.connectToServer();
    lines.push(line);
  });
  await stage.signIn(page);
  await drop(page, "socket.mp4", readFileSync(stage.clip("trailer_bbb.mp4")));
  const studio = page.getByRole("link", { name: "Open in the studio" });
  await studio.waitFor();
  await studio.click();
  await until("something moves", async () => (await rows(page)).some((row) => row.state === "RUNNING"));

  cut = true;
  for (const line of lines) await line.close();
  await page.getByText("Reconnecting …").waitFor();
  // Still true: it is asked for instead.
  const before = await rows(page);
  await until("it goes on without the socket", async () => JSON.stringify(await rows(page)) !== JSON.stringify(before));
  await stage.snap("reconnecting", page);
  cut = false;
  await page.getByText("Reconnecting …").waitFor({ state: "hidden" });
  stage.forgetComplaints();

  // To its end, which shows without anybody asking.
  await page.getByText("Ready", { exact: true }).first().waitFor();
  const after = await rows(page);
  assert.ok(after.every((row) => row.state === "DONE" && row.cells[2].includes("100 %")), JSON.stringify(after));
  await page.context().close();
}
