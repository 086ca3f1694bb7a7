/** How components get at the session, the link and a video that changes. */

import { createContext, use, useEffect, useState, useSyncExternalStore } from "react";
import { useClient, useSubscription } from "urql";
import { pipe, subscribe } from "wonka";
import {
  MyVideosDocument,
  VideoNowDocument,
  VideoProgressDocument,
  type VideoState,
  type ViewerFragment,
} from "../gql/graphql";
import { session, type SessionState } from "./session";
import type { Link, Live } from "./socket";

export const LiveContext = createContext<Live | null>(null);

export function useSession(): SessionState {
  return useSyncExternalStore(session.subscribe, session.get);
}

export function useViewer(): ViewerFragment | null {
  return useSession().viewer;
}

/** How it stands with the socket. */
export function useLink(): Link {
  const live = use(LiveContext);
  return useSyncExternalStore(
    live?.subscribe ?? noSubscription,
    live?.link ?? noLink,
  );
}

export function useOnline(): boolean {
  return useSyncExternalStore(subscribeOnline, () => navigator.onLine);
}

/** How often data is asked for while no changes arrive, in milliseconds. */
export const POLL_MS = 4_000;

/** Whether a video in this state can still change by itself. */
export function isMoving(state: VideoState): boolean {
  return state === "QUEUED" || state === "PROCESSING";
}

/**
 * Keeps the cache's copy of a video up to date: by subscription, and by asking again and again while
 * the socket is lost. Whoever shows the video reads it from its query as always.
 */
export function useLiveVideo(id: string | undefined, active: boolean) {
  const client = useClient();
  const link = useLink();
  useSubscription({
    query: VideoProgressDocument,
    variables: { id: id ?? "" },
    pause: !active || id === undefined,
  });
  const polling = active && id !== undefined && link === "lost";
  useEffect(() => {
    if (!polling) return;
    // Unsubscribing drops an answer under way, so that it cannot overwrite what the socket brings.
    let stop = () => {};
    const ask = () => {
      stop();
      const asked = pipe(
        client.query(VideoNowDocument, { id }, { requestPolicy: "network-only" }),
        subscribe(() => undefined),
      );
      stop = () => asked.unsubscribe();
    };
    ask();
    const timer = setInterval(ask, POLL_MS);
    return () => {
      clearInterval(timer);
      stop();
    };
  }, [client, id, polling]);
}

/** Brings lists and cards up to date with what happens to the viewer's videos, on any device. */
export function useMyVideos() {
  const viewer = useViewer();
  const [{ data }] = useSubscription({ query: MyVideosDocument, pause: viewer === null });
  return data?.myVideos;
}

/** Asks a query again every few seconds while the socket is lost. */
export function usePollWhenLost(refetch: (options: { requestPolicy: "network-only" }) => void) {
  const link = useLink();
  useEffect(() => {
    if (link !== "lost") return;
    const timer = setInterval(() => refetch({ requestPolicy: "network-only" }), POLL_MS);
    return () => clearInterval(timer);
  }, [link, refetch]);
}

/** `value`, but only after it has stayed the same for `ms`. */
export function useSettled<T>(value: T, ms: number): T {
  const [settled, setSettled] = useState(value);
  useEffect(() => {
    const timer = setTimeout(() => setSettled(value), ms);
    return () => clearTimeout(timer);
  }, [value, ms]);
  return settled;
}

function subscribeOnline(listener: () => void) {
  addEventListener("online", listener);
  addEventListener("offline", listener);
  return () => {
    removeEventListener("online", listener);
    removeEventListener("offline", listener);
  };
}

const noSubscription = () => () => undefined;
const noLink = (): Link => "idle";
