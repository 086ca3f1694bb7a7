/**
 * The one WebSocket of the tab, and what the person is told about it.
 *
 * It opens with the first subscription, closes with the last, comes back by itself after a loss and
 * is opened anew when the access token changes.
 */

import type { Client as SocketClient, ClientOptions, SubscribePayload } from "graphql-ws";
import type { Session } from "./session";

/**
 * `idle`: nothing to listen to. `online`: changes arrive. `waiting`: not connected, not for long.
 * `lost`: not connected for so long that people should know, and data is polled instead.
 */
export type Link = "idle" | "online" | "waiting" | "lost";

/** A pause shorter than this is not worth a word. */
const GRACE_MS = 1_500;

export interface Live {
  readonly link: () => Link;
  readonly subscribe: (listener: () => void) => () => void;
  /** Starts a subscription; survives losses and new tokens. */
  listen: (payload: SubscribePayload, sink: Sink) => () => void;
  close: () => void;
}

export interface Sink {
  next: (value: unknown) => void;
  error: (error: unknown) => void;
  complete: () => void;
}

export function openLive(session: Session, url: string): Live {
  let link: Link = "idle";
  let open = 0;
  let closed = false;
  let grace: ReturnType<typeof setTimeout> | undefined;
  const listeners = new Set<() => void>();

  function set(next: Link) {
    if (next === link) return;
    link = next;
    for (const listener of listeners) listener();
  }

  function lost() {
    if (closed || open === 0) {
      clearTimeout(grace);
      grace = undefined;
      return set("idle");
    }
    if (link === "lost") return;
    set("waiting");
    grace ??= setTimeout(() => {
      grace = undefined;
      if (open > 0 && link !== "online") set("lost");
    }, GRACE_MS);
  }

  // Visitors who only look at finished videos never need it.
  let made: Promise<SocketClient> | null = null;
  const socket = () => (made ??= import("graphql-ws").then((module) => module.createClient(options)));
  const terminate = () => void made?.then((client) => client.terminate());

  const options: ClientOptions = {
    url,
    lazy: true,
    // Moving from one page to the next must not cost a new connection.
    lazyCloseTimeout: 5_000,
    keepAlive: 12_000,
    connectionAckWaitTimeout: 10_000,
    retryAttempts: Infinity,
    shouldRetry: () => !closed,
    retryWait: (retries) => wait(backoffMs(retries)),
    connectionParams: async () => {
      const token = await session.freshToken();
      return token ? { Authorization: `Bearer ${token}` } : {};
    },
    on: {
      connected: () => {
        clearTimeout(grace);
        grace = undefined;
        set("online");
      },
      closed: () => lost(),
      error: () => lost(),
    },
  };

  // A socket speaks for whoever opened it: a new token needs a new one. Subscriptions go over to it
  // and begin with a snapshot again.
  const offToken = session.onToken(() => {
    if (open > 0) terminate();
  });
  const online = () => {
    if (open > 0 && link !== "online") terminate();
  };
  globalThis.addEventListener("online", online);

  function listen(payload: SubscribePayload, sink: Sink): () => void {
    let stopped = false;
    let stop: (() => void) | undefined;
    let again: ReturnType<typeof setTimeout> | undefined;
    let failures = 0;
    open += 1;
    if (link === "idle") lost();

    function begin() {
      let inner: (() => void) | undefined;
      stop = () => inner?.();
      const failed = (error: unknown) => {
        if (stopped) return;
        // Errors of the operation itself are an answer; a socket that was closed for good (refused
        // token, server full) is tried again with a new token.
        if (Array.isArray(error)) return sink.error(error);
        lost();
        failures += 1;
        again = setTimeout(() => {
          void session
            .freshToken()
            .catch(() => null)
            .then(() => {
              if (!stopped) begin();
            });
        }, backoffMs(failures));
      };
      socket().then((client) => {
        if (stopped) return;
        inner = client.subscribe(payload, {
          next: (value) => {
            failures = 0;
            sink.next(value);
          },
          error: failed,
          complete: () => {
            if (!stopped && !closed) sink.complete();
          },
        });
      }, (error: unknown) => {
        made = null;
        failed(error);
      });
    }
    begin();

    return () => {
      if (stopped) return;
      stopped = true;
      open -= 1;
      clearTimeout(again);
      stop?.();
      if (open === 0 && link !== "online") lost();
    };
  }

  return {
    link: () => link,
    subscribe: (listener) => {
      listeners.add(listener);
      return () => void listeners.delete(listener);
    },
    listen,
    close() {
      closed = true;
      offToken();
      globalThis.removeEventListener("online", online);
      clearTimeout(grace);
      void made?.then((client) => client.dispose());
      set("idle");
    },
  };
}

/** Half a second, doubling to ten, half of it by chance so that a thousand tabs do not come at once. */
export function backoffMs(failures: number, random: () => number = Math.random): number {
  const full = Math.min(10_000, 500 * 2 ** Math.min(failures, 8));
  return full / 2 + (full / 2) * random();
}

function wait(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
