/** Deleting videos so that it can be taken back: they are gone from the page at once, from the server a little later. */

import { useSyncExternalStore } from "react";
import type { Client } from "urql";
import { DeleteVideoDocument } from "../gql/graphql";
import { t } from "../i18n";
import { toast, UNDO_MS } from "../ui/toasts";
import { sendNow } from "./leaving";

let going: ReadonlySet<string> = new Set();
const listeners = new Set<() => void>();

function set(next: ReadonlySet<string>) {
  going = next;
  for (const listener of listeners) listener();
}

/** Global ids of the videos that are about to be deleted, which lists leave out. */
export function useGoing(): ReadonlySet<string> {
  return useSyncExternalStore(subscribe, () => going);
}

/** Deletes the videos unless the person takes it back in time. `words` say what was done. */
export function removeSoon(client: Client, ids: readonly string[], words: string) {
  set(new Set([...going, ...ids]));
  const finish = () => {
    removeEventListener("pagehide", leave);
    hide();
    void remove(client, ids);
  };
  // A page that is left does not wait: what was asked for is done.
  const leave = () => {
    clearTimeout(timer);
    for (const id of ids) sendNow(DeleteVideoDocument, { id });
  };
  const timer = setTimeout(finish, UNDO_MS);
  addEventListener("pagehide", leave, { once: true });
  const hide = toast(words, {
    ms: UNDO_MS,
    action: {
      label: t("action.undo"),
      run() {
        clearTimeout(timer);
        removeEventListener("pagehide", leave);
        keep(ids);
      },
    },
  });
}

async function remove(client: Client, ids: readonly string[]) {
  let failed = 0;
  for (const id of ids) {
    const { data } = await client.mutation(DeleteVideoDocument, { id }).toPromise();
    if (!data?.deleteVideo.deletedId) failed += 1;
  }
  keep(ids);
  if (failed > 0) toast(t("delete.failed", { count: failed }), { tone: "bad" });
}

function keep(ids: readonly string[]) {
  set(new Set([...going].filter((one) => !ids.includes(one))));
}

function subscribe(listener: () => void) {
  listeners.add(listener);
  return () => void listeners.delete(listener);
}
