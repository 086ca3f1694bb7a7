// Signing in and out, the first run, and what strangers may see.

import assert from "node:assert/strict";
import { PASSWORD, until } from "./stage.mjs";

export async function emptyLibrary(stage) {
  const { page } = stage;
  const response = await page.goto("/");
  const policy = response.headers()["content-security-policy"];
  assert.match(policy, /script-src 'self';/);
  assert.match(policy, /style-src-attr 'none'/);
  assert.match(policy, /frame-ancestors 'none'/);
  await page.getByRole("heading", { name: "No videos yet" }).waitFor();
  await stage.accessible("empty library");

  const missing = await page.goto("/there/is/no/such/page");
  assert.equal(missing.status(), 404);
  await page.getByRole("heading", { name: "Page not found" }).waitFor();
  await stage.accessible("not found");
  // The browser says that the document was not found; that is right.
  stage.forgetComplaints();
}

export async function firstRun(stage) {
  const { page } = stage;
  await page.goto("/studio");
  await page.waitForURL("**/sign-in");
  await stage.accessible("sign in");
  await page.getByLabel("User name").fill("admin");
  await page.getByLabel("Password", { exact: true }).fill("wrong");
  await page.getByRole("button", { name: "Sign in" }).click();
  await page.getByRole("alert").waitFor();
  await page.getByLabel("Password", { exact: true }).fill("admin123");
  await page.getByRole("button", { name: "Sign in" }).click();

  // Where one wanted to go at first.
  await page.waitForURL("**/studio");

  // Every page says that this is a demonstration.
  const banner = page.getByRole("note").filter({ hasText: "Demonstration on this computer only" });
  for (const path of ["/", "/studio", "/watch/1", "/embed/1", "/nowhere"]) {
    await page.goto(path);
    await banner.waitFor();
  }
  stage.forgetComplaints();
  await page.goto("/account");
  await banner.waitFor();
  await page.getByLabel("Current password", { exact: true }).waitFor();
  await stage.accessible("demonstration");
  await stage.snap("first-run");
  await page.getByLabel("Current password", { exact: true }).fill("admin123");
  await page.getByLabel("New password", { exact: true }).fill(PASSWORD);
  await page.getByLabel("New password again").fill("something else");
  await page.getByRole("button", { name: "Save the password" }).click();
  await page.getByText("The two new passwords differ.").waitFor();
  await page.getByLabel("New password again").fill(PASSWORD);
  await page.getByRole("button", { name: "Save the password" }).click();
  await page.getByText("The password was changed.").waitFor();
  await page.goto("/studio");

  // The token is nowhere that a script could read it after a reload, and yet one stays signed in.
  const kept = await page.evaluate(() => JSON.stringify({ ...localStorage, ...sessionStorage }) + document.cookie);
  assert.doesNotMatch(kept, /eyJ/);
  await page.reload();
  await page.getByRole("heading", { name: "Studio" }).waitFor();
}

export async function accounts(stage) {
  const { page } = stage;
  // Pages of one, so that two people are two pages.
  const ones = async (route) => {
    const body = route.request().postDataJSON();
    if (/query Users/.test(body.query)) body.variables.first = 1;
    await route.continue({ postData: JSON.stringify(body) });
  };
  await page.route("**/graphql", ones);
  await page.goto("/admin/users");
  await page.getByRole("button", { name: "Add a user" }).click();
  const dialog = page.getByRole("dialog");
  await dialog.getByLabel("User name").fill("zoe");
  await dialog.getByLabel("Password").fill(PASSWORD);
  await dialog.getByRole("button", { name: "Save" }).click();
  await dialog.waitFor({ state: "hidden" });
  const row = (name) => page.getByRole("rowheader", { name, exact: true });
  await row("admin").waitFor();
  assert.equal(await row("zoe").count(), 0);
  await page.getByRole("button", { name: "Show more" }).click();
  await row("zoe").waitFor();
  await row("admin").waitFor();
  await page.getByRole("button", { name: "Show more" }).waitFor({ state: "hidden" });
  await page.unroute("**/graphql", ones);

  await page.getByLabel("Search users").fill("nobody at all");
  await page.getByText("No users found.").waitFor();
  await page.getByLabel("Search users").fill("zo");
  await row("zoe").waitFor();
  await row("admin").waitFor({ state: "hidden" });

  // Limits of one account; what is empty comes from the settings.
  const uploads = dialog.getByLabel("Unfinished uploads");
  await page.getByRole("button", { name: "Edit zoe" }).click();
  assert.deepEqual([await uploads.inputValue(), await uploads.getAttribute("placeholder")], ["", "100"]);
  await uploads.fill("3");
  await dialog.getByLabel("Storage in GB").fill("1.5");
  await dialog.getByRole("button", { name: "Save" }).click();
  await dialog.waitFor({ state: "hidden" });
  await page.reload();
  await page.getByRole("button", { name: "Edit zoe" }).click();
  assert.equal(await uploads.inputValue(), "3");
  assert.equal(await dialog.getByLabel("Storage in GB").inputValue(), "1.5");
  await uploads.fill("");
  await dialog.getByRole("button", { name: "Save" }).click();
  await dialog.waitFor({ state: "hidden" });
  await page.getByRole("button", { name: "Edit zoe" }).click();
  assert.equal(await uploads.inputValue(), "");
  await page.keyboard.press("Escape");
}

export async function privateStaysPrivate(stage) {
  const { number } = stage.left;
  const { page } = stage;
  await page.goto(`/studio/${number}`);
  await page.getByLabel("Who may see it").selectOption("PRIVATE");
  await page.getByText("Saved", { exact: true }).waitFor();

  const stranger = await stage.visitor();
  const looked = await stranger.goto(`/watch/${number}`);
  assert.doesNotMatch(await looked.text(), /og:title/);
  await stranger.getByRole("heading", { name: "This video is not available" }).waitFor();
  const media = await stranger.request.get(`/media/videos/processed/${number}/master.m3u8`);
  assert.ok(media.status() === 404 || media.status() === 401 || media.status() === 403, `strangers get ${media.status()}`);
  const oembed = await stranger.request.get(`/oembed?url=${encodeURIComponent(`${stage.url}/watch/${number}`)}`);
  assert.equal(oembed.status(), 404);

  // What the browser says of 404 is right.
  stage.forgetComplaints();

  // Whoever turns out to be its owner gets to it.
  await stage.accessible("not found", stranger);
  await stranger.getByRole("main").getByRole("link", { name: "Sign in" }).click();
  await stranger.getByLabel("User name").fill("admin");
  await stranger.getByLabel("Password", { exact: true }).fill(PASSWORD);
  await stranger.getByRole("button", { name: "Sign in" }).click();
  await stranger.waitForURL(`**/watch/${number}`);
  assert.equal(looked.status(), 404);
  await until("it plays for its owner", () => stranger.evaluate(() => document.querySelector("hls-video")?.currentTime > 0.5));
  await stranger.context().close();
  // The page that was not there.
  stage.forgetComplaints();

  // Its owner plays it, by an address that only holds for a while.
  await page.goto(`/watch/${number}`);
  await until("the owner's video plays", () => page.evaluate(() => document.querySelector("hls-video")?.currentTime > 0.5));
  await page.goto(`/studio/${number}`);
  await page.getByLabel("Who may see it").selectOption("PUBLIC");
  await page.getByText("Saved", { exact: true }).waitFor();
}

export async function signOut(stage) {
  const page = await stage.visitor();
  const sockets = [];
  page.on("websocket", (socket) => {
    const one = { open: true };
    sockets.push(one);
    socket.on("close", () => (one.open = false));
  });
  await stage.signIn(page);
  await until("a socket is open", () => sockets.some((one) => one.open));
  await page.getByRole("button", { name: /Account of/ }).click();
  await page.getByRole("menuitem", { name: "Sign out" }).click();
  await page.getByRole("link", { name: "Sign in" }).first().waitFor();
  await until("the socket is closed", () => sockets.every((one) => !one.open));
  await page.reload();
  await page.getByRole("link", { name: "Sign in" }).first().waitFor();
  await page.context().close();
}
