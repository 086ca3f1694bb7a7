// Running the server: accounts that go, sessions that end, settings, room that is freed.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { PASSWORD, ask, tokenOf, until } from "./stage.mjs";

const table = (page) => page.getByRole("rowheader");

/** A picture of one's own stands for a video, and goes again. */
export async function ownPicture(stage) {
  const { page } = stage;
  const { number } = stage.left;
  await page.goto(`/studio/${number}`);
  const part = page.getByRole("region", { name: "Picture" });
  const picture = part.locator("img");
  await picture.waitFor();
  const before = await picture.getAttribute("src");
  const bring = async (name, mimeType, buffer) => {
    const chooser = page.waitForEvent("filechooser");
    await part.getByRole("button", { name: "Use a picture of your own" }).click();
    await (await chooser).setFiles({ name, mimeType, buffer });
  };
  await bring("notes.png", "image/png", Buffer.from("milk and bread"));
  await part.getByText("This is not a JPEG, PNG or WebP picture.").waitFor();
  await bring("broken.png", "image/png", Buffer.from("\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\0\0\x05\0\0\0\x05 and no more", "latin1"));
  await part.getByText("The picture cannot be read.").waitFor();
  await stage.accessible("own picture, refused");
  // What the server said 400 to.
  stage.forgetComplaints();

  const red = await page.evaluate(async () => {
    const canvas = new OffscreenCanvas(1600, 900);
    const context = canvas.getContext("2d");
    context.fillStyle = "#d01020";
    context.fillRect(0, 0, 1600, 900);
    const bytes = new Uint8Array(await (await canvas.convertToBlob({ type: "image/webp" })).arrayBuffer());
    return [...bytes];
  });
  await bring("red.webp", "image/webp", Buffer.from(red));
  await until("it stands for the video", async () => (await picture.getAttribute("src")) !== before);
  await until("it is loaded", () => picture.evaluate((image) => image.complete && image.naturalWidth > 0));
  const [shown, width] = await picture.evaluate((image) => {
    const canvas = document.createElement("canvas");
    const context = canvas.getContext("2d");
    context.drawImage(image, 0, 0, 1, 1);
    return [[...context.getImageData(0, 0, 1, 1).data], image.naturalWidth];
  });
  assert.equal(width, 1280);
  assert.ok(Math.abs(shown[0] - 0xd0) < 12 && shown[1] < 40 && shown[2] < 60, `it is ${shown}`);
  await stage.accessible("own picture");
  await stage.snap("studio-own-picture");
  await part.getByRole("button", { name: "Use the first picture again" }).click();
  await until("the first one is back", async () => (await picture.getAttribute("src")) === before);
}

/** One sees where one is signed in, and ends that. */
export async function sessions(stage) {
  const { page } = stage;
  await page.goto("/account");
  const list = page.getByRole("list", { name: "Where admin is signed in" });
  await list.locator("[data-session=current]").waitFor();
  await list.getByText("Chrome · Linux").first().waitFor();
  const elsewhere = await stage.visitor();
  await stage.signIn(elsewhere);
  await page.reload();
  await list.locator("[data-session=other]").first().waitFor();
  await stage.accessible("sessions");
  await stage.snap("sessions");
  const others = page.getByRole("button", { name: "Sign out all others" });
  if (await others.isVisible()) await others.click();
  else await list.getByRole("button", { name: /^Sign out/ }).click();
  await until("only this one is left", async () => (await list.locator("[data-session=other]").count()) === 0);
  await elsewhere.goto("/studio");
  await elsewhere.waitForURL("**/sign-in");
  await elsewhere.context().close();
  stage.forgetComplaints();
  await page.reload();
  await list.locator("[data-session=current]").waitFor();
}

/** An account goes; its videos go to somebody else. */
export async function deletesAUser(stage) {
  const { page } = stage;
  await page.goto("/admin/users");
  const dialog = page.getByRole("dialog");
  await page.getByRole("button", { name: "Add a user" }).click();
  await dialog.getByLabel("User name").fill("yves");
  await dialog.getByLabel("Password").fill(PASSWORD);
  await dialog.getByRole("button", { name: "Save" }).click();
  await dialog.waitFor({ state: "hidden" });
  const theirs = await stage.visitor();
  await stage.signIn(theirs, "yves");
  // Something of theirs, and somebody who has no room for it.
  const [token, yves] = [await tokenOf(page), await tokenOf(theirs)];
  const sent = await theirs.request.post("/api/videos/", {
    headers: { Authorization: `Bearer ${yves}` },
    multipart: { title: "Left behind", visibility: "private", video_file: { name: "left.mp4", mimeType: "video/mp4", buffer: readFileSync(stage.fixture("bad-noise.mp4")) } },
  });
  assert.equal(sent.status(), 201);
  const left = (await sent.json()).id;
  const kim = (await ask(stage, "mutation($input: CreateUserInput!) { createUser(input: $input) { user { id } } }", { input: { username: "kim", password: PASSWORD } }, token)).data.createUser.user.id;
  await ask(stage, "mutation($input: SetUserLimitsInput!) { setUserLimits(input: $input) { user { id } } }", { input: { id: kim, bytes: 10 } }, token);

  await page.getByRole("button", { name: "Edit yves" }).click();
  await dialog.locator("summary").filter({ hasText: "Signed in on" }).click();
  const session = dialog.getByRole("list", { name: "Where yves is signed in" });
  await session.getByText("Chrome · Linux").waitFor();
  await stage.accessible("sessions of somebody else");
  await session.getByRole("button", { name: "Sign out Chrome · Linux" }).click();
  await dialog.getByText("Nowhere.").waitFor();
  await theirs.goto("/studio");
  await theirs.waitForURL("**/sign-in");
  stage.forgetComplaints();

  await dialog.getByRole("button", { name: "Delete …" }).click();
  const sure = page.getByRole("dialog", { name: "Delete yves" });
  await sure.waitFor();
  const now = sure.getByRole("button", { name: "Delete the account" });
  assert.ok(await now.isDisabled(), "one has to say what becomes of the videos");
  await sure.getByLabel("Transfer them to another account").check();
  await sure.getByLabel("New owner").selectOption("kim");
  await now.click();
  await sure.getByText("has no room for them").waitFor();
  await stage.accessible("an heir without room");
  await sure.getByLabel("New owner").selectOption("admin");
  await stage.accessible("deleting an account");
  await stage.snap("delete-user");
  await now.click();
  await sure.waitFor({ state: "hidden" });
  await page.getByText("yves was deleted").waitFor();
  const heir = await ask(stage, "query($id: ID!) { video(id: $id) { owner { username } } }", { id: String(left) }, token);
  assert.equal(heir.data.video.owner.username, "admin");
  await ask(stage, "mutation($id: ID!) { deleteVideo(input: { id: $id }) { deletedId } }", { id: String(left) }, token);
  await until("they are off the list", async () => (await table(page).filter({ hasText: "yves" }).count()) === 0);
  await theirs.getByLabel("User name").fill("yves");
  await theirs.getByLabel("Password", { exact: true }).fill(PASSWORD);
  await theirs.keyboard.press("Enter");
  await theirs.getByRole("alert").waitFor();
  await theirs.context().close();
  // One's own account has no such button.
  await page.getByRole("button", { name: "Edit admin" }).click();
  await dialog.getByRole("button", { name: "Save" }).waitFor();
  assert.equal(await dialog.getByRole("button", { name: "Delete …" }).count(), 0);
  await page.keyboard.press("Escape");

  await page.goto("/admin/audit");
  await page.locator("[data-action=delete_user]").filter({ hasText: "yves" }).waitFor();
  await page.locator("[data-action=end_session]").filter({ hasText: "yves" }).waitFor();
  stage.forgetComplaints();
}

/** Every setting with where it comes from, and no secrets. */
export async function settings(stage) {
  const { page } = stage;
  await page.goto("/admin/settings");
  const row = (name) => page.locator(`[data-setting=${name}]`);
  await row("listen").waitFor();
  assert.equal(await row("listen").getAttribute("data-source"), "ENVIRONMENT");
  assert.match(await row("listen").innerText(), /127\.0\.0\.1:0[^]*CLIPSY_LISTEN/);
  assert.equal(await row("segment_seconds").getAttribute("data-source"), "FLAG");
  assert.equal(await row("max_uploads").getAttribute("data-source"), "DEFAULT");
  assert.match(await row("s3_secret_key").innerText(), /not set/);
  await page.getByLabel("Only what is set").check();
  await row("max_uploads").waitFor({ state: "hidden" });
  await page.getByLabel("Only what is set").uncheck();
  await page.getByLabel("Search settings").fill("upload bytes");
  await row("listen").waitFor({ state: "hidden" });
  await row("max_upload_bytes").waitFor();
  await page.getByLabel("Search settings").fill("nothing is called that");
  await page.getByRole("heading", { name: "Nothing matches" }).waitFor();
}

/** What can be freed, and freeing it. */
export async function freesRoom(stage) {
  const { page } = stage;
  await page.goto("/admin/storage");
  const part = page.getByRole("region", { name: "What can be freed" });
  await part.locator("[data-freeable=failed]").waitFor();
  await stage.snap("admin-freeable");
  const now = part.getByRole("button", { name: "Delete what is not needed now" });
  // What there is of it goes by itself, too, so that there may be nothing left.
  if (await now.isEnabled()) {
    await now.click();
    await page.getByText(/Space freed|this continues in the background/).first().waitFor();
  }
  await until("nothing waits", async () => /^0 /.test(await part.locator("[data-freeable=garbage]").innerText()));
  assert.ok(await now.isDisabled());
  await stage.accessible("storage");
}

/** The pages of administrators in the other language. */
export async function inGerman(stage) {
  const page = await stage.visitor({ locale: "de-DE" });
  await page.goto("/sign-in");
  await page.getByLabel("Benutzername").fill("admin");
  await page.getByLabel("Passwort", { exact: true }).fill(PASSWORD);
  await page.keyboard.press("Enter");
  await page.waitForURL("**/");
  const { number } = stage.left;
  for (const [path, heading] of [
    ["/admin/settings", "Einstellungen"],
    ["/admin/storage", "Was frei werden kann"],
    ["/admin/users", "Benutzer"],
    ["/account", "Angemeldet auf"],
    [`/studio/${number}`, "Big Buck Bunny"],
    ["/?tag=rabbits", "Videos mit #rabbits"],
  ]) {
    await page.goto(path);
    await page.getByRole("heading", { name: heading }).first().waitFor();
    await page.waitForLoadState("networkidle").catch(() => undefined);
    await stage.accessible(`${path}, in German`, page);
    await stage.snap(`german-${path.replaceAll(/\W+/g, "-")}`, page);
  }
  // What settings do is said in German, too, and found by its words.
  await page.goto("/admin/settings");
  await page.getByLabel("Einstellungen suchen").fill("größte Videodatei");
  await page.locator("[data-setting=max_upload_bytes]").getByText("Größte Videodatei, die angenommen wird").waitFor();
  assert.equal(await page.locator("[data-setting]").count(), 1);
  await page.context().close();
  stage.forgetComplaints();
}
