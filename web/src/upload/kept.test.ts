import { expect, it } from "vitest";
import { fingerprint } from "./kept";

const file = (size: number, change?: { at: number; to: number }) => {
  const bytes = Uint8Array.from({ length: size }, (_, index) => (index * 31 + (index >> 8)) % 251);
  if (change) bytes[change.at] = change.to;
  return new Blob([bytes]);
};

it("tells files apart by what is in them, not by what they are called", async () => {
  const size = 1_000_000;
  const print = await fingerprint(file(size));
  expect(await fingerprint(file(size))).toBe(print);
  expect(await fingerprint(file(size + 1))).not.toBe(print);
  for (const at of [0, size / 2, size - 1]) expect(await fingerprint(file(size, { at, to: 255 }))).not.toBe(print);
});

it("takes small and empty files", async () => {
  expect(await fingerprint(file(10))).not.toBe(await fingerprint(file(10, { at: 9, to: 255 })));
  expect(await fingerprint(new Blob([]))).toMatch(/^0-/);
});
