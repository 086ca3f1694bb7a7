import { afterEach, beforeEach, expect, it, vi } from "vitest";
import type { ClientOptions } from "graphql-ws";
import type { Session } from "./session";
import { backoffMs, openLive, type Live } from "./socket";

/** What graphql-ws would do, done by hand. */
const line = vi.hoisted(() => ({
  options: null as ClientOptions | null,
  sinks: [] as { next: (value: unknown) => void; error: (error: unknown) => void; complete: () => void }[],
  stopped: 0,
  terminated: 0,
  disposed: 0,
}));
vi.mock("graphql-ws", () => ({
  createClient(options: ClientOptions) {
    line.options = options;
    return {
      subscribe(_payload: unknown, sink: (typeof line.sinks)[number]) {
        line.sinks.push(sink);
        return () => (line.stopped += 1);
      },
      terminate: () => (line.terminated += 1),
      dispose: () => (line.disposed += 1),
    };
  },
}));

let live: Live;
let newToken = () => {};
const session = {
  freshToken: vi.fn(() => Promise.resolve("token")),
  onToken(listener: () => void) {
    newToken = listener;
    return () => {};
  },
} as unknown as Session;
const sink = () => ({ next: vi.fn(), error: vi.fn(), complete: vi.fn() });
const on = (event: "connected" | "closed") => (line.options?.on?.[event] as ((...args: unknown[]) => void) | undefined)?.();

beforeEach(() => {
  vi.useFakeTimers();
  Object.assign(line, { options: null, sinks: [], stopped: 0, terminated: 0, disposed: 0 });
  live = openLive(session, "ws://x/graphql");
});
afterEach(() => vi.useRealTimers());

it("does not connect before somebody listens", async () => {
  await vi.advanceTimersByTimeAsync(5_000);
  expect(line.options).toBeNull();
  expect(live.link()).toBe("idle");
});

it("says that it is lost only after a moment, and that it is back at once", async () => {
  const seen: string[] = [];
  live.subscribe(() => seen.push(live.link()));
  live.listen({ query: "subscription" }, sink());
  await vi.advanceTimersByTimeAsync(100);
  on("connected");
  on("closed");
  await vi.advanceTimersByTimeAsync(1_000);
  on("connected");
  on("closed");
  await vi.advanceTimersByTimeAsync(10_000);
  on("closed");
  expect(live.link()).toBe("lost");
  on("connected");
  expect(seen).toEqual(["waiting", "online", "waiting", "online", "waiting", "lost", "online"]);
});

it("sends the token of the moment, and connects anew when it changes", async () => {
  live.listen({ query: "subscription" }, sink());
  await vi.advanceTimersByTimeAsync(0);
  const params = line.options?.connectionParams;
  expect(await (typeof params === "function" ? params() : params)).toEqual({ Authorization: "Bearer token" });
  newToken();
  await vi.advanceTimersByTimeAsync(0);
  expect(line.terminated).toBe(1);
});

it("begins again with a fresh token when the server closed for good", async () => {
  const heard = sink();
  live.listen({ query: "subscription" }, heard);
  await vi.advanceTimersByTimeAsync(0);
  line.sinks[0]?.error({ code: 4401, reason: "Unauthorized" });
  await vi.advanceTimersByTimeAsync(2_000);
  expect(line.sinks.length).toBe(2);
  expect(heard.error).not.toHaveBeenCalled();
  line.sinks[1]?.next({ data: 1 });
  expect(heard.next).toHaveBeenCalledWith({ data: 1 });
});

it("hands the errors of an operation on and does not repeat it", async () => {
  const heard = sink();
  live.listen({ query: "subscription" }, heard);
  await vi.advanceTimersByTimeAsync(0);
  line.sinks[0]?.error([{ message: "no such video" }]);
  await vi.advanceTimersByTimeAsync(60_000);
  expect(heard.error).toHaveBeenCalledTimes(1);
  expect(line.sinks.length).toBe(1);
});

it("is idle when nobody listens any more, and gone when closed", async () => {
  const stop = live.listen({ query: "subscription" }, sink());
  await vi.advanceTimersByTimeAsync(0);
  on("connected");
  stop();
  stop();
  expect(line.stopped).toBe(1);
  on("closed");
  await vi.advanceTimersByTimeAsync(60_000);
  expect(live.link()).toBe("idle");
  live.close();
  await vi.advanceTimersByTimeAsync(0);
  expect(line.disposed).toBe(1);
});

it("waits longer each time, never as long as others", () => {
  expect(backoffMs(0, () => 0)).toBe(250);
  expect(backoffMs(0, () => 1)).toBe(500);
  expect(backoffMs(3, () => 1)).toBe(4_000);
  expect(backoffMs(99, () => 1)).toBe(10_000);
});
