/** Uploads that an earlier visit left unfinished. */

import { forgetOldFiles, handleOf, openHandle } from "./kept";
import type { Queue } from "./queue";
import { heldElsewhere, lockName } from "./transport";

/** Goes on with those whose file the browser still lets this page read; others wait for a click. */
export async function goOn(queue: Queue) {
  await forgetOldFiles(Date.now()).catch(() => undefined);
  for (const { key, phase, uploadId } of queue.get()) {
    if (phase !== "needsFile" || !uploadId) continue;
    try {
      const handle = await handleOf(uploadId);
      const may = await handle?.queryPermission?.({ mode: "read" });
      if (!handle || may !== "granted") continue;
      // Another tab may have been as quick.
      if ((await heldElsewhere()).has(lockName(uploadId))) continue;
      await queue.provide(key, await openHandle(handle));
    } catch {
      // Moved or deleted: the person knows where it is.
    }
  }
}
