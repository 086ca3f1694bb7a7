import { afterEach, beforeEach, expect, it, vi } from "vitest";
import { createSession } from "./session";

const viewer = { id: "u1", username: "ann", email: null, role: "USER" };

function parts(answer: (query: string) => unknown) {
  const asked: { query: string; headers: Record<string, string> }[] = [];
  const stored = new Map<string, string>([["clipsy.session", "1"]]);
  let now = 1_000_000;
  return {
    asked,
    stored,
    pass: (ms: number) => (now += ms),
    fetch: vi.fn((_url: unknown, init?: RequestInit) => {
      const { query } = JSON.parse(init?.body as string) as { query: string };
      asked.push({ query, headers: init?.headers as Record<string, string> });
      return Promise.resolve(new Response(JSON.stringify({ data: answer(query) })));
    }) as unknown as typeof fetch,
    now: () => now,
    storage: {
      getItem: (key: string) => stored.get(key) ?? null,
      setItem: (key: string, value: string) => void stored.set(key, value),
      removeItem: (key: string) => void stored.delete(key),
    },
    exclusively: <T,>(task: () => Promise<T>) => task(),
  };
}

let tokens = 0;
const payload = (now: number) => ({ accessToken: `token${++tokens}`, expiresAt: new Date(now + 15 * 60_000).toISOString(), viewer, userErrors: [] });

beforeEach(() => {
  tokens = 0;
  vi.useFakeTimers();
});
afterEach(() => vi.useRealTimers());

it("refreshes once, however many ask at the same time", async () => {
  const world = parts(() => ({ refreshSession: payload(1_000_000) }));
  const session = createSession(world);
  await session.start();
  expect(session.get().status).toBe("in");
  world.pass(16 * 60_000);
  const all = await Promise.all([session.freshToken(), session.freshToken(), session.refresh()]);
  expect(new Set(all)).toEqual(new Set(["token2"]));
  expect(world.asked.length).toBe(2);
  expect(world.asked[1]?.headers["X-Clipsy-CSRF"]).toBe("1");
});

it("does not ask at the start when nobody was signed in", async () => {
  const world = parts(() => ({}));
  world.stored.clear();
  const session = createSession(world);
  await session.start();
  expect(session.get().status).toBe("out");
  expect(world.asked).toEqual([]);
});

it("ends when the server says the cookie is no good", async () => {
  const world = parts(() => ({ refreshSession: { userErrors: [{ code: "refresh_token", message: "ended" }] } }));
  const session = createSession(world);
  const changes: number[] = [];
  session.onToken(() => changes.push(1));
  await session.start();
  expect(session.get()).toEqual({ status: "out", viewer: null });
  expect(world.stored.has("clipsy.session")).toBe(false);
  expect(changes.length).toBe(1);
});

it("signs nobody out because the server is away, and goes on when it is back", async () => {
  const world = parts(() => ({ refreshSession: payload(1_000_000) }));
  const there = world.fetch;
  world.fetch = () => Promise.reject(new TypeError("no route"));
  const session = createSession(world);
  await session.start();
  expect(session.get().status).toBe("away");
  expect(world.stored.has("clipsy.session")).toBe(true);
  await vi.advanceTimersByTimeAsync(1_001);
  expect(session.get().status).toBe("away");
  world.fetch = there;
  await vi.advanceTimersByTimeAsync(2_001);
  expect(session.get().status).toBe("in");
});

it("tells what was wrong with a sign-in and stays out", async () => {
  const world = parts(() => ({ signIn: { userErrors: [{ code: "credentials", message: "No such account." }] } }));
  const session = createSession(world);
  expect(await session.signIn("ann", "x")).toMatchObject({ message: "No such account." });
  expect(session.currentToken()).toBeNull();
});

it("renews the token before it runs out, so that sockets live on", async () => {
  const world = parts(() => ({ refreshSession: payload(1_000_000) }));
  const session = createSession(world);
  await session.start();
  await vi.advanceTimersByTimeAsync(14 * 60_000 + 1);
  expect(session.currentToken()).toBe("token2");
});

it("forgets the token at sign-out, even when the server cannot be told", async () => {
  const world = parts((query) => {
    if (query.includes("signOut")) throw new Error("away");
    return { refreshSession: payload(1_000_000) };
  });
  const session = createSession(world);
  await session.start();
  await session.signOut().catch(() => undefined);
  expect(session.currentToken()).toBeNull();
  expect(session.get().status).toBe("out");
});
