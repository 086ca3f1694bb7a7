// What videos are put under: in the studio, one and many at once, and where viewers find it.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { ask, tokenOf, until } from "./stage.mjs";
import { drop } from "./upload.mjs";

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
  await bar.getByLabel("Tags, separated by commas").fill("Shelf, rabbits");
  await stage.accessible("tags for many");
  await stage.snap("studio-bulk-tags");
  await page.keyboard.press("Enter");
  await page.getByText("Added to 2 videos: Shelf, rabbits").waitFor();
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

/** Tags are typed while a file goes up, are suggested, and go along with it; what is typed last is kept, too (W2). */
export async function tagsWhileUploading(stage) {
  const { page } = stage;
  // What there is to suggest.
  const token = await tokenOf(page);
  const { number, tracks } = stage.left;
  const retag = (id, tags) =>
    ask(stage, "mutation($input: UpdateVideoInput!) { updateVideo(input: $input) { userErrors { code } } }", { input: { id: String(id), tags } }, token);
  await retag(number, ["Rabbits"]);
  await retag(tracks, ["Rabbit holes"]);

  await page.goto("/upload");
  const held = [];
  const hold = (route) => (route.request().method() === "PATCH" ? void held.push(route) : route.continue());
  await page.route("**/api/uploads/*", hold);
  await drop(page, "tagged.mp4", readFileSync(stage.clip("bikes.mp4")));
  const row = page.locator("[data-upload]");
  await until("its bytes are under way", () => held.length > 0);
  const field = row.getByRole("combobox", { name: "Tags" });
  const shown = () => row.locator("[data-tag]").evaluateAll((all) => all.map((one) => one.dataset.tag));
  await field.click();
  await page.keyboard.type("Street,");
  await until("a comma ends a tag", async () => (await shown()).join() === "Street");
  await page.keyboard.type("rabb");
  // Not those of the field for who may see it.
  const options = row.getByRole("listbox").getByRole("option");
  // Another video has it with a small letter; either is as good.
  const likeThat = (found, wanted) => found.join().toLowerCase() === wanted.toLowerCase();
  await until("both are suggested", async () => likeThat(await options.allInnerTexts(), "Rabbit holes,Rabbits"));
  await page.evaluate(() => scrollTo(0, 0));
  await stage.accessible("tags of an upload, suggested");
  await stage.snap("upload-tags");
  await page.keyboard.press("ArrowDown");
  await page.keyboard.press("ArrowDown");
  assert.equal(await options.nth(1).getAttribute("aria-selected"), "true");
  await page.keyboard.press("Enter");
  await until("the chosen one is there", async () => likeThat(await shown(), "Street,Rabbits"));
  // One that it has is not suggested again; Escape closes, and what is typed stays.
  await page.keyboard.type("rabbit");
  await until("only the other one is suggested", async () => (await options.allInnerTexts()).join() === "Rabbit holes");
  await page.keyboard.press("Escape");
  await until("nothing is suggested", async () => (await options.count()) === 0);
  assert.equal(await field.inputValue(), "rabbit");
  await page.keyboard.type(" h");
  await until("it is suggested again", async () => (await options.count()) === 1);
  await options.first().click();
  await until("a click takes it", async () => likeThat(await shown(), "Street,Rabbits,Rabbit holes"));

  // Typed, and left at once by a link.
  await row.getByLabel("Title").fill("Typed while it went up");
  await page.getByRole("navigation", { name: "Pages" }).getByRole("link", { name: "Library" }).click();
  await page.waitForURL("**/");
  await page.unroute("**/api/uploads/*", hold);
  // Playwright lets those go by itself that it still knows.
  for (const route of held) await route.continue().catch(() => {});
  const find = "{ videos(first: 5, filter: { mine: true }) { nodes { number title tags } } }";
  const made = await until("it became a video", async () => (await ask(stage, find, {}, token)).data.videos.nodes.find((one) => one.title === "Typed while it went up"));
  assert.ok(likeThat(made.tags, "Street,Rabbits,Rabbit holes"), made.tags.join());

  await ask(stage, "mutation($id: ID!) { deleteVideo(input: { id: $id }) { deletedId } }", { id: String(made.number) }, token);
  await until("its upload is off the page", async () => {
    const close = page.getByRole("region", { name: "Uploads" }).getByRole("button", { name: "Close" });
    if (await close.isVisible()) await close.click();
    return (await page.locator("[data-upload]").count()) === 0;
  });
  stage.forgetComplaints();
}
