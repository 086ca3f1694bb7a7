import { expect, it } from "vitest";
import { problemOf, sameOrigin } from "./transport";

const answer = (status: number, body = "") => ({
  message: "",
  originalResponse: { getStatus: () => status, getBody: () => body, getHeader: () => undefined, getUnderlyingObject: () => null },
});

it("tries again what passes, and leaves the rest to people", () => {
  for (const status of [0, 401, 408, 409, 423, 429, 460, 500, 502, 503, 504]) {
    expect(problemOf(answer(status)).passing, String(status)).toBe(true);
  }
  for (const status of [400, 403, 404, 410, 412, 413, 415, 507]) {
    expect(problemOf(answer(status)).passing, String(status)).toBe(false);
  }
  expect(problemOf({ message: "tus: failed to upload chunk", originalResponse: null })).toEqual({ code: "network", message: "", passing: true });
});

it("says what the server says, and nothing a machine wrote", () => {
  expect(problemOf(answer(413, '{"detail":"The file is too large."}')).message).toBe("The file is too large.");
  expect(problemOf(answer(413, "<html>nginx</html>")).message).toBe("");
  expect(problemOf(answer(404)).code).toBe("gone");
});

it("stays on the address that the browser knows", () => {
  expect(sameOrigin("http://inner:8000/api/uploads/0a1b?x=1")).toBe(`${location.origin}/api/uploads/0a1b?x=1`);
});
