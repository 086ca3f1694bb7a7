// Every page in both languages, in both lights and in three widths: no barriers, nothing that sticks out, pictures of them.

import assert from "node:assert/strict";
import { PASSWORD } from "./stage.mjs";

/** Language, light, and widths of each round. */
const ROUNDS = [
  ["en-GB", "light", [1280, 390, 320]],
  ["en-GB", "dark", [1280, 390]],
  ["de-DE", "light", [390]],
  ["de-DE", "dark", [1280]],
];

export async function everyPage(stage) {
  const { number, tracks } = stage.left;
  const pages = [
    ["library", "/", "Library", "Mediathek"],
    ["library-tag", "/?tag=rabbits", "Videos with #rabbits", "Videos mit #rabbits"],
    ["nothing-found", "/?q=no+such+words", "Nothing matches", "Nichts gefunden"],
    ["no-such-page", "/no/such/page", "Page not found", "Diese Seite gibt es nicht"],
    ["no-such-video", "/watch/999999", "This video is not available", "Dieses Video gibt es hier nicht"],
    ["upload", "/upload", "Upload videos", "Videos hochladen"],
    ["studio", "/studio", "Studio", "Studio"],
    ["studio-video", `/studio/${number}`, "Big Buck Bunny", "Big Buck Bunny"],
    ["studio-tracks", `/studio/${tracks}`, "Tracks", "Spuren"],
    ["watch-page", `/watch/${number}`, "Big Buck Bunny", "Big Buck Bunny"],
    ["admin-queue", "/admin", "Queue", "Warteschlange"],
    ["admin-workers", "/admin/workers", "Workers", "Worker"],
    ["admin-failures", "/admin/failures", "Failures", "Fehler"],
    ["admin-users", "/admin/users", "Users", "Benutzer"],
    ["admin-storage", "/admin/storage", "Storage", "Speicher"],
    ["admin-settings", "/admin/settings", "Settings", "Einstellungen"],
    ["admin-log", "/admin/audit", "Log", "Protokoll"],
    ["account", "/account", "Account", "Konto"],
  ];
  for (const [locale, colorScheme, widths] of ROUNDS) {
    const german = locale.startsWith("de");
    const page = await stage.visitor({ locale, colorScheme, reducedMotion: "reduce" });
    // Signing in is in English there and in German here.
    await page.goto("/sign-in");
    await page.getByLabel(german ? "Benutzername" : "User name").fill("admin");
    await page.getByLabel(german ? "Passwort" : "Password", { exact: true }).fill(PASSWORD);
    await stage.accessible(`sign in, ${locale}, ${colorScheme}`, page);
    await page.keyboard.press("Enter");
    await page.waitForURL("**/");
    assert.equal(await page.evaluate(() => document.documentElement.lang), german ? "de" : "en");
    for (const width of widths) {
      await page.setViewportSize({ width, height: width === 1280 ? 800 : 844 });
      for (const [name, path, english, deutsch] of pages) {
        await page.goto(path);
        await page.getByRole("heading", { name: german ? deutsch : english }).first().waitFor();
        await page.waitForLoadState("networkidle").catch(() => undefined);
        await stage.accessible(`${name}, ${locale}, ${colorScheme}, ${width} px`, page);
        const over = await page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth);
        assert.ok(over <= 0, `${name} is ${over} px wider than ${width} px in ${locale}`);
        await stage.snap(`${name}-${german ? "german-" : ""}${colorScheme}-${width}`, page);
      }
    }
    await page.context().close();
    // What the browser says of the pages that are not there.
    stage.forgetComplaints();
  }
}
