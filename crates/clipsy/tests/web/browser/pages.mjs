// What people trip over: places that are lost, words that are forgotten, things that cannot be taken back.
// Everything is done with the pointer, a finger or keys, since a click by script goes where no click would.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { PASSWORD, ask, until, tokenOf } from "./stage.mjs";
import { drop } from "./upload.mjs";

const video = (page) =>
  page.evaluate(() => {
    const element = document.querySelector("hls-video");
    return element && { time: element.currentTime, height: element.videoHeight, paused: element.paused, rate: element.playbackRate, loop: element.loop };
  });
const at = (page) => page.evaluate(() => scrollY);

/** A click where the middle of it is, as a person does it. */
async function clickOn(page, locator) {
  await locator.scrollIntoViewIfNeeded();
  const box = await locator.boundingBox();
  await page.mouse.click(box.x + box.width / 2, box.y + Math.min(box.height / 2, 20));
}

async function tapOn(page, locator, share = 0.5) {
  const box = await locator.boundingBox();
  await page.touchscreen.tap(box.x + box.width * share, box.y + box.height / 2);
}

/** Many videos in the list, without making them: the answers of the server are repeated. */
async function manyVideos(page, count) {
  await page.route("**/graphql", async (route) => {
    const body = route.request().postDataJSON();
    if (!/query (Library|StudioList)\b/.test(body?.query ?? "")) return route.continue();
    const answer = await route.fetch({ postData: { ...body, variables: { ...body.variables, after: null } } });
    const json = await answer.json();
    const nodes = json.data.videos.nodes;
    const first = Number(body.variables.after ?? 0);
    const size = Math.min(body.variables.first, count - first);
    json.data.videos.nodes = Array.from({ length: size }, (_, index) => {
      const number = 1000 + first + index;
      const copy = structuredClone(nodes[index % nodes.length]);
      return { ...copy, id: `copy${number}`, number, title: `Copy ${number}`, renditions: [] };
    });
    json.data.videos.totalCount = count;
    json.data.videos.pageInfo = { ...json.data.videos.pageInfo, hasNextPage: first + size < count, endCursor: String(first + size) };
    return route.fulfill({ response: answer, json });
  });
}

/** W1: Back leads to where one was, however far that is. */
export async function backToThePlace(stage) {
  for (const mobile of [false, true]) {
    const page = await stage.visitor(mobile ? { viewport: { width: 390, height: 844 }, hasTouch: true, isMobile: true } : {});
    await stage.signIn(page);
    await manyVideos(page, 5000);
    const open = async (locator) => (mobile ? tapOn(page, locator) : clickOn(page, locator));

    await page.goto("/");
    await page.locator("article").first().waitFor();
    // Far enough that more pages have come by themselves.
    await until("the list is long", async () => {
      await page.mouse.wheel(0, 2500);
      await page.waitForTimeout(80);
      return (await page.locator("article").count()) >= 120;
    });
    await page.mouse.wheel(0, -1500);
    await page.waitForTimeout(300);
    const inView = () => page.evaluate(() => [...document.querySelectorAll("article")].find((card) => card.getBoundingClientRect().top > 120)?.dataset.video);
    const before = await at(page);
    const card = await inView();
    assert.ok(before > 2000, `scrolled to ${before}`);
    const place = await page.evaluate((one) => document.querySelector(`article[data-video="${one}"]`).getBoundingClientRect().top, card);
    await open(page.locator(`article[data-video="${card}"] h3`));
    await page.waitForURL("**/watch/**");
    await until("the new page begins at its top", async () => (await at(page)) === 0);
    await page.goBack();
    // By what is seen: pixels above it may differ, since what was out of sight has an estimated height.
    const top = (number) => page.evaluate((one) => document.querySelector(`article[data-video="${one}"]`)?.getBoundingClientRect().top, number);
    await until("it is where it was", async () => Math.abs((await top(card)) - place) < 4);

    await page.goto("/studio");
    await page.locator("[data-row]").first().waitFor();
    await page.getByRole("button", { name: "Show more" }).click();
    await until("more rows are there", async () => (await page.locator("[data-row]").count()) >= 100);
    await page.mouse.wheel(0, 4000);
    await page.waitForTimeout(400);
    const row = await page.evaluate(() => [...document.querySelectorAll("[data-row]")].find((one) => one.getBoundingClientRect().top > 150)?.dataset.video);
    const low = await page.evaluate((one) => document.querySelector(`[data-video="${one}"]`).getBoundingClientRect().top, row);
    await open(page.locator(`[data-video="${row}"] h2 a`));
    await page.waitForURL("**/studio/*");
    await page.goBack();
    await until("the studio is where it was", async () => Math.abs((await page.evaluate((one) => document.querySelector(`[data-video="${one}"]`)?.getBoundingClientRect().top, row)) - low) < 4);
    // An answer may be under way, and ends with the page.
    await page.unrouteAll({ behavior: "ignoreErrors" });
    await page.context().close();
  }
  stage.forgetComplaints();
}

/** W2: what is typed is kept, whichever way one leaves. */
export async function typedIsKept(stage) {
  const { page } = stage;
  const { number } = stage.left;
  await page.goto(`/studio/${number}`);
  const title = page.getByLabel("Title");
  const usual = await title.inputValue();
  await title.fill("Typed and left");
  await clickOn(page, page.getByRole("navigation", { name: "Pages" }).getByRole("link", { name: "Library" }));
  await page.waitForURL("**/");
  await until("it was saved", async () => (await ask(stage, `{ video(id: "${number}") { title } }`)).data.video?.title === "Typed and left");

  await page.goto(`/studio/${number}`);
  await until("it is there", async () => (await title.inputValue()) === "Typed and left");
  await title.fill("Another one");
  await page.getByText("Saved", { exact: true }).waitFor();
  await page.getByRole("button", { name: "Undo" }).click();
  await until("undo is saved", async () => (await ask(stage, `{ video(id: "${number}") { title } }`)).data.video?.title === "Typed and left");
  await title.fill(" ");
  await page.getByText("A video needs a title.").waitFor();
  // What is half under the bar at the top would count as too small.
  await page.evaluate(() => scrollTo(0, 0));
  await stage.accessible("details, no title");
  await title.fill(usual);
  await page.getByText("Saved", { exact: true }).waitFor();
}

/** W3: viewers see what they can watch. */
export async function onlyWhatPlays(stage) {
  const page = await stage.visitor();
  await page.goto("/");
  await page.locator("article").first().waitFor();
  const { data } = await ask(stage, "{ videos(first: 100, filter: { watchable: true }) { nodes { number playable visibility } } }");
  const numbers = data.videos.nodes.map((one) => one.number);
  assert.ok(data.videos.nodes.every((one) => one.playable && one.visibility === "PUBLIC"));
  const shown = await page.locator("article").evaluateAll((cards) => cards.map((card) => Number(card.dataset.video)));
  assert.deepEqual([...new Set(shown)].filter((one) => !numbers.includes(one)), []);
  assert.equal(await page.getByRole("button", { name: "Failed" }).count(), 0);

  // The owner's page, by the name on the card.
  await page.locator("article").first().getByRole("link", { name: "admin" }).click();
  await page.getByRole("heading", { name: "Videos of admin" }).waitFor();
  await page.locator("article").first().waitFor();
  await stage.accessible("owner's page", page);
  await page.getByLabel("Length").selectOption("long");
  await page.getByRole("heading", { name: "Nothing matches" }).waitFor();
  await stage.accessible("nothing matches", page);
  await page.goto("/u/nobody-of-that-name");
  await page.getByRole("heading", { name: "nobody-of-that-name has no public videos" }).waitFor();
  await page.context().close();
}

/** W4: a video whose files are gone says so, and offers to try again. */
export async function missingOutput(stage) {
  const page = await stage.visitor();
  let gone = true;
  await page.route("**/*.m3u8*", (route) => (gone ? route.fulfill({ status: 404 }) : route.continue()));
  await page.goto(`/watch/${stage.left.number}`);
  const trouble = page.locator("[data-trouble=missing]");
  await trouble.waitFor();
  await stage.accessible("missing output", page);
  await stage.snap("missing-output", page);
  gone = false;
  await clickOn(page, trouble.getByRole("button", { name: "Try again" }));
  await until("it plays after all", async () => (await video(page))?.time > 0.3);
  assert.equal(await trouble.count(), 0);
  await page.context().close();
  stage.forgetComplaints();
}

/** W5: the field says what is searched for, and nothing else; and suggests titles. */
export async function searchField(stage) {
  const page = await stage.visitor();
  await page.goto("/");
  const field = page.getByRole("combobox", { name: "Search videos" });
  await field.fill("no such words");
  await page.getByRole("heading", { name: "Nothing matches" }).waitFor();
  await page.getByRole("link", { name: "Show all" }).click();
  await until("the field is empty", async () => (await field.inputValue()) === "");
  await field.fill("bunny");
  await page.waitForURL("**/?q=bunny");
  await clickOn(page, page.getByRole("link", { name: "Clipsy, to the library" }));
  await until("the field is empty again", async () => (await field.inputValue()) === "");

  await page.goto(`/watch/${stage.left.number}`);
  await field.click();
  await page.keyboard.type("bunn");
  const option = page.getByRole("option").first();
  await option.waitFor();
  await stage.accessible("suggestions", page);
  await page.keyboard.press("ArrowDown");
  assert.equal(await option.getAttribute("aria-selected"), "true");
  await page.keyboard.press("Escape");
  await option.waitFor({ state: "hidden" });
  await page.keyboard.type("y");
  await option.waitFor();
  await page.keyboard.press("ArrowUp");
  await page.keyboard.press("Enter");
  await page.waitForURL("**/?q=bunny");
  await page.locator("article").first().waitFor();
  await page.context().close();
}

/** W6, W7, W8: all of the player is in reach, however little or much room there is. */
export async function roomForThePlayer(stage) {
  const { number } = stage.left;
  const reachable = (page, selector) =>
    page.evaluate((wanted) => {
      const element = document.querySelector(wanted);
      const box = element.getBoundingClientRect();
      const hit = document.elementFromPoint(box.x + box.width / 2, box.y + box.height / 2);
      return box.width > 0 && box.right <= innerWidth + 0.5 && box.left >= 0 && box.bottom <= innerHeight + 0.5 && (hit === element || element.contains(hit));
    }, selector);

  const frame = await stage.visitor({ viewport: { width: 320, height: 180 } });
  await frame.goto(`/embed/${number}?autoplay=1`);
  await until("the frame plays", async () => (await video(frame))?.time > 0.3);
  await frame.mouse.move(100, 90);
  for (const control of ["media-fullscreen-button", ".player-bar media-play-button", "media-mute-button", "media-rendition-menu-button"]) {
    assert.ok(await reachable(frame, control), `${control} in a frame of 320 by 180`);
  }
  await stage.snap("embed-small", frame);
  await frame.context().close();

  // A phone that lies, and a window at twice its size.
  for (const viewport of [{ width: 667, height: 375 }, { width: 640, height: 400 }]) {
    const page = await stage.visitor({ viewport });
    await stage.signIn(page);
    await page.goto(`/watch/${number}`);
    await until("it plays", async () => (await video(page))?.time > 0.3);
    await page.locator("media-controller").scrollIntoViewIfNeeded();
    await page.evaluate(() => document.querySelector("media-fullscreen-button").scrollIntoView({ block: "end" }));
    const box = await page.locator("media-controller").boundingBox();
    await page.mouse.move(box.x + 50, box.y + 50);
    assert.ok(await reachable(page, "media-fullscreen-button"), `full screen at ${viewport.width} by ${viewport.height}`);
    assert.equal(await page.evaluate(() => getComputedStyle(document.querySelector(".tabs")).position), "static");
    await stage.snap(`watch-${viewport.width}`, page);
    await page.context().close();
  }

  const wide = await stage.visitor({ viewport: { width: 2560, height: 1300 } });
  await wide.goto(`/watch/${number}`);
  await until("it plays", async () => (await video(wide))?.time > 0.3);
  await wide.keyboard.press("t");
  await until("the theatre is as wide as the page", () =>
    wide.evaluate(() => Math.abs(document.querySelector("media-controller").getBoundingClientRect().width - document.body.getBoundingClientRect().width) < 1 && innerWidth - document.body.getBoundingClientRect().width < 20),
  );
  await stage.snap("theatre", wide);
  await wide.context().close();
}

/** W9: pages that were opened while the server was away come by themselves. */
export async function recoversByItself(stage) {
  const page = await stage.visitor();
  await stage.signIn(page);
  let away = true;
  await page.route("**/graphql", (route) => (away ? route.abort("connectionrefused") : route.continue()));
  for (const path of ["/studio", `/watch/${stage.left.number}`, `/studio/${stage.left.number}`]) {
    away = true;
    await page.goto(path);
    await page.getByRole("heading", { name: "The server cannot be reached" }).waitFor();
    assert.equal(new URL(page.url()).pathname, path, "nobody is sent away");
    away = false;
    await page.getByRole("heading", { name: path === "/studio" ? "Studio" : "Big Buck Bunny" }).first().waitFor();
  }
  await page.context().close();
  stage.forgetComplaints();
}

/** W11, W12: what is no video is refused at once; what was cancelled comes back. */
export async function refusedAndUndone(stage) {
  const { page } = stage;
  await page.goto("/upload");
  await drop(page, "notes.txt", Buffer.from("Milk, bread, and a rabbit.\n"), "text/plain");
  await page.getByText("notes.txt is not a video but a text").waitFor();
  await drop(page, "holiday.mp4", Buffer.from("<html>Not found</html>"));
  await page.getByText("holiday.mp4 is not a video but a text").waitFor();
  assert.equal(await page.locator("[data-upload]").count(), 0);
  await stage.accessible("refused files");

  // Held back, so that there is something to cancel.
  await page.route("**/api/uploads/*", (route) => (route.request().method() === "PATCH" ? undefined : route.continue()));
  await drop(page, "bikes.mp4", readFileSync(stage.clip("bikes.mp4")));
  const row = page.locator("[data-upload]");
  await row.waitFor();
  await clickOn(page, row.getByRole("button", { name: /^Cancel/ }));
  await row.waitFor({ state: "detached" });
  await page.getByRole("button", { name: "Undo" }).click();
  await row.waitFor();
  await clickOn(page, row.getByRole("button", { name: /^Cancel/ }));
  await row.waitFor({ state: "detached" });
  await page.unroute("**/api/uploads/*");
  stage.forgetComplaints();
}

/** W10, W13, W14: cures first, in the language of the page, and for those who chose their own colours. */
export async function curesAndColours(stage) {
  const { page } = stage;
  await page.goto(`/studio/${stage.left.broken}`);
  const failure = page.locator("[data-failure]");
  await failure.waitFor();
  assert.equal(await failure.locator(".btn-primary").innerText(), "Upload another file");
  assert.ok(!(await failure.innerText()).includes("while probe"));

  const german = await stage.visitor({ locale: "de-DE", forcedColors: "active" });
  await german.goto("/sign-in");
  await german.getByLabel("Benutzername").fill("admin");
  await german.getByLabel("Passwort", { exact: true }).fill("wrong");
  await german.keyboard.press("Enter");
  await german.getByText("Name oder Passwort stimmt nicht.").waitFor();
  await german.getByLabel("Passwort", { exact: true }).fill(PASSWORD);
  await german.keyboard.press("Enter");
  await german.waitForURL("**/");
  for (const tab of ["[aria-current=page]", "a:not([aria-current])"]) await german.locator(`header nav ${tab}`).first().waitFor();
  const tab = await german.evaluate(() => {
    const [on, off] = ["[aria-current=page]", "a:not([aria-current])"].map((one) => getComputedStyle(document.querySelector(`header nav ${one}`)).backgroundColor);
    return on !== off;
  });
  assert.ok(tab, "the current tab shows");
  await german.goto(`/studio/${stage.left.broken}`);
  await german.locator("[data-failure]").waitFor();
  const words = await german.locator("[data-failure]").innerText();
  assert.match(words, /hochladen/);
  assert.doesNotMatch(words, /\b(this|file|upload it)\b/i);
  await german.context().close();
  stage.forgetComplaints();
}

/** W16: right before any script runs. */
export async function beforeScripts(stage) {
  const missing = await fetch(`${stage.url}/watch/999999`);
  assert.equal(missing.status, 404);
  assert.match(await missing.text(), /<title>Video · Clipsy<\/title>/);
  const there = await fetch(`${stage.url}/watch/${stage.left.number}`);
  assert.equal(there.status, 200);
  assert.match(await there.text(), /<title>Big Buck Bunny, the trailer · Clipsy<\/title>/);
  assert.match(await (await fetch(`${stage.url}/`)).text(), /<title>Library · Clipsy<\/title>/);
  const map = await (await fetch(`${stage.url}/sitemap.xml`)).text();
  assert.ok(map.includes(`<loc>${stage.url}/watch/${stage.left.number}</loc>`), map);
  assert.match(await (await fetch(`${stage.url}/robots.txt`)).text(), /Disallow: \/studio[^]*Sitemap: http/);
  for (const [path, kind] of [["/site.webmanifest", "application/manifest+json"], ["/icon-192.png", "image/png"], ["/icon-512.png", "image/png"], ["/worker.js", "text/javascript"]]) {
    const file = await fetch(`${stage.url}${path}`);
    assert.equal(file.status, 200, path);
    assert.ok(file.headers.get("content-type").startsWith(kind), path);
  }
  // One's own private video is not called missing by the browser of its owner.
  const { page } = stage;
  const own = await page.goto(`/watch/${stage.left.broken}`);
  assert.equal(own.status(), 200);
}

/** W17, and what else a player has to do: keys, taps, the end, the corner. */
export async function playerRemembers(stage) {
  const { number } = stage.left;
  const page = await stage.visitor();
  await page.goto(`/watch/${number}?t=3.4`);
  await until("it plays", async () => (await video(page))?.time > 3.3);
  await page.keyboard.press(">");
  await page.locator("media-rendition-menu-button").click();
  await page.locator("media-rendition-menu").getByText("360p").first().click();
  await until("the quality is on", async () => (await video(page)).height === 360);
  await page.goto(`/watch/${number}?t=1`);
  await until("both are kept", async () => {
    const now = await video(page);
    return now?.rate === 1.25 && now.height === 360;
  });

  // Frame by frame, to both ends, in circles.
  await page.keyboard.press("k");
  await until("it stands", async () => (await video(page)).paused);
  const before = (await video(page)).time;
  await page.keyboard.press(".");
  await until("one frame on", async () => {
    const step = (await video(page)).time - before;
    return step > 0 && step < 0.12;
  });
  await page.keyboard.press("Home");
  await until("at the beginning", async () => (await video(page)).time === 0);
  await page.keyboard.press("r");
  await until("in circles", async () => (await video(page)).loop);
  await page.keyboard.press("r");
  await page.keyboard.press("n");
  await page.getByRole("group", { name: "Statistics" }).getByText("Codecs").waitFor();
  await stage.accessible("statistics", page);
  await page.keyboard.press("n");

  // Two clicks on the picture fill the screen and leave it.
  const box = await page.locator("media-controller").boundingBox();
  await page.mouse.dblclick(box.x + box.width / 2, box.y + box.height / 3);
  await until("it fills the screen", () => page.evaluate(() => document.fullscreenElement !== null));
  await page.keyboard.press("f");
  await until("it does not any more", () => page.evaluate(() => document.fullscreenElement === null));

  // The end offers what comes next, and to see it again.
  await page.keyboard.press("End");
  const end = page.getByRole("group", { name: "The video has ended" });
  if ((await video(page)).paused) await page.keyboard.press("k");
  await end.waitFor();
  await stage.accessible("the end", page);
  await stage.snap("the-end", page);
  await clickOn(page, end.getByRole("button", { name: "Watch again" }));
  await until("it begins again", async () => {
    const now = await video(page);
    return now.time < 5 && !now.paused;
  });

  // It goes on in the corner while one looks around.
  await clickOn(page, page.getByRole("navigation", { name: "Pages" }).getByRole("link", { name: "Library" }));
  const corner = page.getByRole("region", { name: "Small player" });
  await corner.waitFor();
  const then = (await video(page)).time;
  await until("it plays on", async () => (await video(page)).time > then + 0.5);
  await stage.accessible("the corner", page);
  await stage.snap("corner", page);
  await clickOn(page, corner.getByRole("link"));
  await page.waitForURL(`**/watch/${number}*`);
  assert.ok((await video(page)).time >= then, "it is the same player");
  await clickOn(page, page.getByRole("navigation", { name: "Pages" }).getByRole("link", { name: "Library" }));
  await clickOn(page, corner.getByRole("button", { name: "Close" }));
  await corner.waitFor({ state: "hidden" });
  await page.context().close();

  // Fingers.
  const phone = await stage.visitor({ viewport: { width: 390, height: 844 }, hasTouch: true, isMobile: true });
  await phone.goto(`/watch/${number}?t=20`);
  await until("it plays", async () => (await video(phone))?.time > 20);
  const picture = await phone.locator("media-controller").boundingBox();
  for (let taps = 0; taps < 2; taps += 1) await phone.touchscreen.tap(picture.x + picture.width * 0.15, picture.y + picture.height / 3);
  await until("two taps on the left go back", async () => (await video(phone)).time < 15);
  await phone.context().close();
  stage.forgetComplaints();
}

/** The studio: many at once, and everything can be taken back. */
export async function manyAtOnce(stage) {
  const { page } = stage;
  await page.goto("/studio");
  const rows = page.locator("[data-row]");
  await until("there are rows", async () => (await rows.count()) >= 3);
  await stage.accessible("studio list");
  const boxes = page.getByRole("checkbox", { name: /^Select (?!all)/ });
  await clickOn(page, boxes.nth(0));
  await page.keyboard.down("Shift");
  await clickOn(page, boxes.nth(2));
  await page.keyboard.up("Shift");
  await page.getByText("3 selected").waitFor();
  await stage.accessible("studio, selection");
  await stage.snap("studio-selection");
  const numbers = await rows.evaluateAll((all) => all.slice(0, 3).map((row) => row.dataset.video));
  const token = await tokenOf(page);
  const seen = async () => {
    const asked = numbers.map((number) => ask(stage, `{ video(id: "${number}") { visibility } }`, {}, token));
    return (await Promise.all(asked)).map(({ data }) => data.video?.visibility);
  };
  const before = await seen();
  const bar = page.getByRole("region", { name: "Selected videos" });
  await bar.getByLabel("Who may see it").selectOption("UNLISTED");
  await until("all are unlisted", async () => (await seen()).every((one) => one === "UNLISTED"));
  await page.getByRole("button", { name: "Undo" }).click();
  await until("all are as they were", async () => JSON.stringify(await seen()) === JSON.stringify(before));

  // Deleting is taken back, too.
  await clickOn(page, boxes.nth(0));
  await bar.getByRole("button", { name: "Delete" }).click();
  await until("it is off the list", async () => (await page.locator(`[data-video="${numbers[0]}"]`).count()) === 0);
  await page.getByRole("button", { name: "Undo" }).last().click();
  await page.locator(`[data-video="${numbers[0]}"]`).waitFor();
  assert.notEqual((await seen())[0], undefined);

  // Narrowed, sorted, and still so after a look at one.
  await page.getByLabel("Search your videos").fill("bunny");
  await until("only what matches is there", async () => (await rows.count()) >= 1 && (await rows.count()) <= 2);
  await page.getByRole("columnheader", { name: "Video" }).getByRole("button").click();
  await page.getByRole("columnheader", { name: "Video" }).and(page.locator("[aria-sort=ascending]")).waitFor();
  await rows.first().locator("h2 a").click();
  await page.waitForURL("**/studio/*");
  await page.goBack();
  assert.equal(await page.getByLabel("Search your videos").inputValue(), "bunny");

  // A finger that rests selects; then taps do.
  const phone = await stage.visitor({ viewport: { width: 390, height: 844 }, hasTouch: true, isMobile: true });
  await stage.signIn(phone);
  await phone.goto("/studio");
  const row = phone.locator("[data-row]").first();
  await row.waitFor();
  const box = await row.boundingBox();
  const cdp = await phone.context().newCDPSession(phone);
  const touch = (type) => cdp.send("Input.dispatchTouchEvent", { type, touchPoints: type === "touchEnd" ? [] : [{ x: box.x + 200, y: box.y + 30 }] });
  await touch("touchStart");
  await phone.waitForTimeout(700);
  await touch("touchEnd");
  await phone.getByText("1 selected").waitFor();
  await tapOn(phone, phone.locator("[data-row]").nth(1));
  await phone.getByText("2 selected").waitFor();
  await stage.accessible("studio, phone, selection", phone);
  await stage.snap("studio-selection-phone", phone);
  await phone.context().close();
  stage.forgetComplaints();
}
