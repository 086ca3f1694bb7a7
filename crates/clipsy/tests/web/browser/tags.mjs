// What videos are put under: in the studio, one and many at once, and where viewers find it.

import assert from "node:assert/strict";
import { until } from "./stage.mjs";

export async function tags(stage) {
  const { page } = stage;
  const { number } = stage.left;
  await page.goto(`/studio/${number}`);
  const field = page.getByLabel("Tags", { exact: true }).and(page.locator("input"));
  const shown = () => page.locator("#details [data-tag]").evaluateAll((all) => all.map((one) => one.dataset.tag));
  await field.click();
  await page.keyboard.type("#Rabbits,");
  await until("a comma ends a tag", async () => (await shown()).join() === "Rabbits");
  await page.keyboard.type("Open films");
  await page.keyboard.press("Enter");
  await until("Enter ends a tag", async () => (await shown()).join() === "Rabbits,Open films");
  // The same again is not one more.
  await page.keyboard.type("RABBITS");
  await page.keyboard.press("Enter");
  await until("it is taken", async () => (await field.inputValue()) === "");
  assert.equal((await shown()).join(), "Rabbits,Open films");
  await page.keyboard.type("x".repeat(51));
  await page.keyboard.press("Enter");
  await page.getByText("A tag has at most 50 characters").waitFor();
  // Nothing half below the bar of the page.
  await page.evaluate(() => scrollTo(0, 0));
  await stage.accessible("tags, refused");
  await field.fill("");
  await page.keyboard.press("Backspace");
  await until("the last one goes", async () => (await shown()).join() === "Rabbits");
  await page.getByRole("button", { name: "Undo" }).last().click();
  await until("and comes back", async () => (await shown()).join() === "Rabbits,Open films");
  await page.getByRole("button", { name: "Remove the tag Open films" }).click();
  await until("one goes by its button", async () => (await shown()).join() === "Rabbits");
  await page.evaluate(() => scrollTo(0, 0));
  await stage.accessible("tags");
  await stage.snap("studio-tags");

  // Many at once.
  await page.goto("/studio");
  const boxes = page.getByRole("checkbox", { name: /^Select (?!all)/ });
  await boxes.nth(0).click();
  await boxes.nth(1).click();
  const bar = page.getByRole("region", { name: "Selected videos" });
  await bar.locator("summary").click();
  await bar.getByLabel("Tags, with commas").fill("Shelf, rabbits");
  await stage.accessible("tags for many");
  await stage.snap("studio-bulk-tags");
  await page.keyboard.press("Enter");
  await page.getByText("2 videos have now: Shelf, rabbits").waitFor();
  await page.goto("/studio");
  await page.locator("summary").filter({ hasText: "Columns" }).click();
  await page.getByLabel("Tags").check();
  await page.getByRole("columnheader", { name: "Tags" }).waitFor();
  await until("both have it", async () => (await page.locator("[data-row]").filter({ hasText: "Shelf" }).count()) === 2);
  await page.getByLabel("Tags").uncheck();

  // What viewers see of it: links that lead to all that have it, whatever its case.
  const viewer = await stage.visitor();
  await viewer.goto(`/watch/${number}`);
  const links = viewer.getByRole("list", { name: "Tags" });
  await viewer.getByRole("heading", { level: 1 }).waitFor();
  await links.waitFor();
  await stage.accessible("watch, tags", viewer);
  await links.getByRole("link", { name: "#Rabbits" }).click();
  await viewer.waitForURL("**/?tag=Rabbits");
  await viewer.getByRole("heading", { name: "Videos with #Rabbits" }).waitFor();
  await viewer.locator(`a[href*="/watch/${number}"]`).first().waitFor();
  await stage.accessible("library, tag", viewer);
  await stage.snap("library-tag", viewer);
  await viewer.goto("/?tag=nothing+has+it");
  await viewer.getByRole("heading", { name: "Nothing matches" }).waitFor();
  await viewer.goto("/?tag=RABBITS");
  await viewer.getByRole("button", { name: "Show those without #RABBITS, too" }).click();
  await until("all are shown", async () => new URL(viewer.url()).search === "");
  await viewer.goto("/?q=rabbi");
  await viewer.locator(`a[href*="/watch/${number}"]`).first().waitFor();
  await viewer.context().close();
  stage.forgetComplaints();
}
