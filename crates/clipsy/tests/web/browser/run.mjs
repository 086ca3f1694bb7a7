// Runs the steps of the visit, one after the other; the first that fails ends it.

import { openStage } from "./stage.mjs";
import * as account from "./account.mjs";
import * as administer from "./administer.mjs";
import * as captions from "./captions.mjs";
import * as cast from "./cast.mjs";
import * as embed from "./embed.mjs";
import * as failure from "./failure.mjs";
import * as live from "./live.mjs";
import * as looks from "./looks.mjs";
import * as pages from "./pages.mjs";
import * as tags from "./tags.mjs";
import * as thumbnail from "./thumbnail.mjs";
import * as tracks from "./tracks.mjs";
import * as upload from "./upload.mjs";
import * as watch from "./watch.mjs";

const steps = [
  ["an empty library, signed out", account.emptyLibrary],
  ["first run: the default password has to go", account.firstRun],
  ["a dropped file survives a cut connection and a reload", upload.dropCutReloadResume],
  ["every rendition moves", live.renditionsMove],
  ["playing before it is ready, and after", watch.playsBeforeReady],
  ["cards look ahead", watch.looksAhead],
  ["a server that is away for a while", watch.outlivesTheServer],
  ["qualities, keys, seeking with pictures", watch.controls],
  ["a file that the browser keeps hold of goes on by itself", upload.goesOnByHandle],
  ["another picture stands for the video", thumbnail.choosesAPicture],
  ["a picture of one's own stands for the video", administer.ownPicture],
  ["captions are brought along and read", captions.bringsCaptions],
  ["which tracks are used, and what is worth knowing", tracks.tellsWhatItUses],
  ["tags, of one and of many", tags.tags],
  ["tags while a file goes up", tags.tagsWhileUploading],
  ["sharing, embedding, previews", embed.embeds],
  ["markup in titles stays text", failure.markupStaysText],
  ["a broken file says why, and is not tried again", failure.failsForGood],
  ["what the machine is at fault for is tried again, and works", failure.failsAndRetries],
  ["back to where one was", pages.backToThePlace],
  ["what is typed is kept", pages.typedIsKept],
  ["only what plays, for viewers", pages.onlyWhatPlays],
  ["output that is missing", pages.missingOutput],
  ["the search field", pages.searchField],
  ["room for the player", pages.roomForThePlayer],
  ["pages recover by themselves", pages.recoversByItself],
  ["refused and undone", pages.refusedAndUndone],
  ["cures and colours", pages.curesAndColours],
  ["before any script", pages.beforeScripts],
  ["the player remembers", pages.playerRemembers],
  ["another screen", cast.casts],
  ["many at once", pages.manyAtOnce],
  ["without the socket: reconnecting, polling, back", live.losesTheSocket],
  ["accounts, page by page", account.accounts],
  ["where one is signed in", administer.sessions],
  ["an account goes, its videos to another", administer.deletesAUser],
  ["settings and where they come from", administer.settings],
  ["room is freed", administer.freesRoom],
  ["administration in German", administer.inGerman],
  ["every page, light and dark, wide and narrow", looks.everyPage],
  ["private videos stay private", account.privateStaysPrivate],
  ["deleting", failure.deletes],
  ["signing out closes the socket", account.signOut],
];

const only = process.env.CLIPSY_ONLY;
const stage = await openStage();
let failed = false;
for (const [name, step] of steps) {
  if (only && !only.split(",").some((part) => name.includes(part))) continue;
  const started = Date.now();
  try {
    await step(stage);
    stage.noComplaints();
    console.log(`ok    ${name} (${((Date.now() - started) / 1000).toFixed(1)} s)`);
  } catch (error) {
    failed = true;
    await stage.snap("failed").catch(() => undefined);
    console.log(`FAILED ${name}\n${error.stack}\nThe page: ${stage.page.url()}\n${stage.complaints.join("\n")}`);
    break;
  }
}
await stage.close();
process.exit(failed ? 1 : 0);
