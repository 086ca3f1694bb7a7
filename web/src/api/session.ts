/**
 * Who is signed in.
 *
 * The access token lives in memory only; the refresh token is an HttpOnly cookie that no script can
 * read. `RefreshSession` turns the cookie into a new access token. One refresh runs at a time: in
 * this tab by sharing the promise, across tabs by a Web Lock, because each refresh spends the cookie.
 */

import { base } from "../ui/format";
import { stringifyDocument, type TypedDocumentNode } from "@urql/core";
import {
  ChangePasswordDocument,
  RefreshSessionDocument,
  SignInDocument,
  SignOutDocument,
  type ProblemFragment,
  type ViewerFragment,
} from "../gql/graphql";

/** What the rest of the app sees of the session. */
export type SessionState =
  | { status: "starting"; viewer: null }
  | { status: "out"; viewer: null }
  /** Somebody was signed in here, and the server cannot be asked whether they still are. */
  | { status: "away"; viewer: null }
  | { status: "in"; viewer: ViewerFragment };

/** What a sign-in or a change of password ends with: nothing, or what was wrong. */
export type Refusal = ProblemFragment | null;

interface Token {
  text: string;
  /** Milliseconds since 1970. */
  expiresAt: number;
}

interface Payload {
  accessToken?: string | null;
  expiresAt?: string | null;
  viewer?: ViewerFragment | null;
  userErrors: ProblemFragment[];
}

/** Somebody was signed in here: worth asking for a token at the start. Says nothing about whom. */
const HINT = "clipsy.session";
/** A token this close to its end is renewed before it is used. */
const MARGIN_MS = 20_000;

export interface SessionParts {
  fetch: typeof fetch;
  now: () => number;
  storage: Pick<Storage, "getItem" | "setItem" | "removeItem"> | null;
  /** Runs a task while no other tab runs one. */
  exclusively: <T>(task: () => Promise<T>) => Promise<T>;
  /** Notes for the server's documents that somebody is signed in; it says nothing about whom. */
  mark?: (signedIn: boolean) => void;
}

/** The longest pause between tries to ask a server that is away, in milliseconds. */
const LONGEST_WAIT_MS = 8_000;

export class NetworkError extends Error {
  override name = "NetworkError";
}

export function createSession(parts: SessionParts) {
  let state: SessionState = { status: "starting", viewer: null };
  let token: Token | null = null;
  let refreshing: Promise<string | null> | null = null;
  let renewal: ReturnType<typeof setTimeout> | undefined;
  const listeners = new Set<() => void>();
  const tokenListeners = new Set<() => void>();

  function set(next: SessionState) {
    state = next;
    for (const listener of listeners) listener();
  }

  async function send<D, V>(
    document: TypedDocumentNode<D, V>,
    variables: V,
    headers: Record<string, string> = {},
  ): Promise<D> {
    let response: Response;
    try {
      response = await parts.fetch(`${base}/graphql`, {
        method: "POST",
        credentials: "same-origin",
        headers: {
          "Content-Type": "application/json",
          Accept: "application/graphql-response+json, application/json",
          ...headers,
        },
        body: JSON.stringify({ query: stringifyDocument(document), variables }),
      });
    } catch (cause) {
      throw new NetworkError("the server cannot be reached", { cause });
    }
    if (response.status >= 500 || response.status === 429) {
      throw new NetworkError(`the server answered ${response.status}`);
    }
    const body = (await response.json()) as { data?: D | null; errors?: { message: string }[] };
    if (!body.data) throw new Error(body.errors?.[0]?.message ?? `HTTP ${response.status}`);
    return body.data;
  }

  /** Takes over what the server says the session is; gives back what was wrong. */
  function adopt(payload: Payload): Refusal {
    const { accessToken, expiresAt, viewer } = payload;
    if (!accessToken || !viewer) {
      return payload.userErrors[0] ?? { code: "unknown", message: "No session was given.", field: null };
    }
    const end = expiresAt ? Date.parse(expiresAt) : parts.now() + 5 * 60_000;
    token = { text: accessToken, expiresAt: end };
    remember(true);
    clearTimeout(renewal);
    // Sockets cannot be given a new token, so it is renewed before they are thrown out.
    renewal = setTimeout(
      () => void refresh().catch(() => undefined),
      Math.max(5_000, end - parts.now() - 3 * MARGIN_MS),
    );
    set({ status: "in", viewer });
    for (const listener of tokenListeners) listener();
    return null;
  }

  function forget() {
    token = null;
    clearTimeout(renewal);
    remember(false);
    set({ status: "out", viewer: null });
    for (const listener of tokenListeners) listener();
  }

  function remember(yes: boolean) {
    parts.mark?.(yes);
    try {
      if (yes) parts.storage?.setItem(HINT, "1");
      else parts.storage?.removeItem(HINT);
    } catch {
      // A full or forbidden storage costs one needless question at the next start.
    }
  }

  /** Asks at the start until there is an answer: a server that is away for a moment signs nobody out. */
  async function open(wait = 1_000): Promise<void> {
    try {
      await refresh();
    } catch {
      if (state.status === "starting") set({ status: "away", viewer: null });
      if (state.status === "away") setTimeout(() => void open(Math.min(2 * wait, LONGEST_WAIT_MS)), wait);
    }
  }

  /** A new access token from the cookie; null when there is no session any more. */
  function refresh(): Promise<string | null> {
    refreshing ??= parts
      .exclusively(async () => {
        const data = await send(RefreshSessionDocument, {}, { "X-Clipsy-CSRF": "1" });
        if (adopt(data.refreshSession)) forget();
        return token?.text ?? null;
      })
      .finally(() => {
        refreshing = null;
      });
    return refreshing;
  }

  return {
    get: () => state,
    subscribe: (listener: () => void) => {
      listeners.add(listener);
      return () => void listeners.delete(listener);
    },
    /** Called whenever the token changes: sockets opened with the old one have to go. */
    onToken: (listener: () => void) => {
      tokenListeners.add(listener);
      return () => void tokenListeners.delete(listener);
    },
    refresh,

    /** The token as it is, however old. */
    currentToken: () => token?.text ?? null,
    expiresSoon: () => token !== null && token.expiresAt - parts.now() < MARGIN_MS,

    /** A token that is still good for a moment; null when nobody is signed in. */
    async freshToken(): Promise<string | null> {
      if (!token) return refreshing ?? null;
      return token.expiresAt - parts.now() < MARGIN_MS ? refresh() : token.text;
    },

    /** Finds out at the start whether the cookie still opens a session. */
    async start() {
      let hint: string | null = null;
      try {
        hint = parts.storage?.getItem(HINT) ?? null;
      } catch {
        // As above.
      }
      if (!hint) return set({ status: "out", viewer: null });
      await open();
    },

    async signIn(username: string, password: string): Promise<Refusal> {
      const data = await send(SignInDocument, { input: { username, password, cookie: true } });
      return adopt(data.signIn);
    },

    async changePassword(currentPassword: string, newPassword: string): Promise<Refusal> {
      const bearer = await this.freshToken();
      const data = await send(
        ChangePasswordDocument,
        { input: { currentPassword, newPassword, cookie: true } },
        bearer ? { Authorization: `Bearer ${bearer}` } : {},
      );
      return adopt(data.changePassword);
    },

    async signOut() {
      const bearer = token?.text;
      // First here: links to media end with the session, and nothing of the page is to ask for them then.
      forget();
      if (bearer) await send(SignOutDocument, {}, { Authorization: `Bearer ${bearer}` });
    },

    /** Another tab signed out. */
    forget,
  };
}

export type Session = ReturnType<typeof createSession>;

/** The tab's session. */
export const session: Session = createSession({
  fetch: (...args) => fetch(...args),
  now: () => Date.now(),
  storage: storageOrNull(),
  exclusively: (task) =>
    typeof navigator !== "undefined" && "locks" in navigator
      ? navigator.locks.request("clipsy-refresh", task)
      : task(),
  mark(signedIn) {
    if (typeof document === "undefined") return;
    document.cookie = `clipsy_in=1; path=${base}/watch; samesite=strict; max-age=${signedIn ? 31_536_000 : 0}`;
  },
});

function storageOrNull(): Storage | null {
  try {
    return localStorage;
  } catch {
    return null;
  }
}
