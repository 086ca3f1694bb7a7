/** The tab's upload queue, for components. */

import { createContext, use, useEffect, useMemo, useSyncExternalStore, type ReactNode } from "react";
import { useClient } from "urql";
import { session } from "../api/session";
import { useViewer } from "../api/hooks";
import { createQueue, type Item, type Queue } from "./queue";
import { createTransport } from "./transport";

const now = () => performance.now();

const QueueContext = createContext<Queue | null>(null);

export function UploadProvider({ children }: { children: ReactNode }) {
  const client = useClient();
  const viewerId = useViewer()?.id;
  const queue = useMemo(
    () =>
      createQueue({
        transport: createTransport(client, session),
        now,
        later(ms, task) {
          const timer = setTimeout(task, ms);
          return () => clearTimeout(timer);
        },
        online: () => navigator.onLine,
        parallel: 2,
        isSame: async (uploadId, file) => (await import("./kept")).isSameFile(uploadId, file),
      }),
    [client],
  );

  useEffect(() => {
    const online = () => queue.cameOnline();
    const offline = () => queue.wentOffline();
    const leaving = (event: BeforeUnloadEvent) => {
      if (queue.busy()) event.preventDefault();
    };
    const left = () => queue.left();
    addEventListener("online", online);
    addEventListener("offline", offline);
    addEventListener("beforeunload", leaving);
    addEventListener("pagehide", left);
    return () => {
      removeEventListener("online", online);
      removeEventListener("offline", offline);
      removeEventListener("beforeunload", leaving);
      removeEventListener("pagehide", left);
      queue.clear();
    };
  }, [queue]);

  // What an earlier visit left unfinished.
  useEffect(() => {
    if (!viewerId) return;
    const gone = new AbortController();
    void import("./resume").then(({ takeUpUnfinished }) => takeUpUnfinished(client, queue, gone.signal));
    return () => gone.abort();
  }, [client, queue, viewerId]);

  return <QueueContext value={queue}>{children}</QueueContext>;
}

export function useQueue(): Queue {
  const queue = use(QueueContext);
  if (!queue) throw new Error("no upload queue around this component");
  return queue;
}

export function useItems(): readonly Item[] {
  const queue = useQueue();
  return useSyncExternalStore(queue.subscribe, queue.get);
}
