// Every page in both lights and two widths: no barriers, nothing that sticks out, pictures of them.

import assert from "node:assert/strict";

export async function everyPage(stage) {
  const { number, tracks } = stage.left;
  const pages = [
    ["library", "/", "Library"],
    ["library-tag", "/?tag=rabbits", "Videos with #rabbits"],
    ["nothing-found", "/?q=no+such+words", "Nothing matches"],
    ["upload", "/upload", "Upload videos"],
    ["studio", "/studio", "Studio"],
    ["studio-video", `/studio/${number}`, "Big Buck Bunny"],
    ["studio-tracks", `/studio/${tracks}`, "Tracks"],
    ["watch-page", `/watch/${number}`, "Big Buck Bunny"],
    ["admin-queue", "/admin", "Queue"],
    ["admin-workers", "/admin/workers", "Workers"],
    ["admin-failures", "/admin/failures", "Failures"],
    ["admin-users", "/admin/users", "Users"],
    ["admin-storage", "/admin/storage", "Storage"],
    ["admin-settings", "/admin/settings", "Settings"],
    ["admin-log", "/admin/audit", "Log"],
    ["account", "/account", "Account"],
  ];
  for (const colorScheme of ["light", "dark"]) {
    const page = await stage.visitor({ colorScheme, reducedMotion: "reduce" });
    await stage.signIn(page);
    for (const width of [1280, 390]) {
      await page.setViewportSize({ width, height: width === 1280 ? 800 : 844 });
      for (const [name, path, heading] of pages) {
        await page.goto(path);
        await page.getByRole("heading", { name: heading }).first().waitFor();
        await page.waitForLoadState("networkidle").catch(() => undefined);
        await stage.accessible(`${name}, ${colorScheme}, ${width} px`, page);
        const over = await page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth);
        assert.ok(over <= 0, `${name} is ${over} px wider than ${width} px`);
        await stage.snap(`${name}-${colorScheme}-${width}`, page);
      }
    }
    await page.context().close();
  }

  // The other language.
  const page = await stage.visitor({ locale: "de-DE" });
  await page.goto("/");
  await page.getByRole("heading", { name: "Mediathek" }).waitFor();
  assert.equal(await page.evaluate(() => document.documentElement.lang), "de");
  await page.context().close();
}
