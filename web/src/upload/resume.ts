/** Uploads that an earlier visit left unfinished. */

import type { Client } from "urql";
import { MyUploadsDocument } from "../gql/graphql";
import { forgetOldFiles, handleOf, openHandle } from "./kept";
import { retryMs, type Queue } from "./queue";
import { heldElsewhere, lockName } from "./transport";

/** Puts all of them into the queue, now or once no other tab sends them, until `gone`. */
export async function takeUpUnfinished(client: Client, queue: Queue, gone: AbortSignal) {
  for (let tries = 1; ; tries++) {
    const result = await client.query(MyUploadsDocument, {}, { requestPolicy: "network-only" }).toPromise();
    const held = await heldElsewhere();
    if (gone.aborted) return;
    if (result.error?.networkError) {
      await new Promise((resolve) => setTimeout(resolve, retryMs(tries)));
      continue;
    }
    const uploads = result.data?.viewer?.uploads ?? [];
    const open = uploads.filter((upload) => !upload.video && upload.length !== null);
    // What this tab sends itself is in the queue already.
    const here = new Set(queue.get().map((item) => item.uploadId));
    const others = open.filter((upload) => held.has(lockName(upload.id)) && !here.has(upload.id));
    queue.restore(open.filter((upload) => !others.includes(upload)));
    await goOn(queue);
    if (others.length === 0) return;
    // The page before this one may not have let go yet; another tab may be closed before it is done.
    if (!(await oneIsFree(others.map((upload) => lockName(upload.id)), gone))) return;
    tries = 0;
  }
}

/** Waits until whoever holds one of the locks gives it up; false: nobody needs to know any more. */
async function oneIsFree(names: string[], gone: AbortSignal): Promise<boolean> {
  const enough = new AbortController();
  const signal = AbortSignal.any([gone, enough.signal]);
  try {
    await Promise.any(names.map((name) => navigator.locks.request(name, { signal }, () => true)));
    return true;
  } catch {
    return false;
  } finally {
    enough.abort();
  }
}

/** Goes on with those whose file the browser still lets this page read; others wait for a click. */
async function goOn(queue: Queue) {
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
