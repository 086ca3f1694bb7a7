import { expect, it, vi } from "vitest";
import { openDepth } from "./depth";

it("goes deeper and tells who asked", () => {
  const note = vi.fn();
  const depth = openDepth(3, note);
  const heard = vi.fn();
  const stop = depth.subscribe(heard);
  depth.more();
  expect(depth.pages()).toBe(4);
  expect(note).toHaveBeenLastCalledWith(4);
  expect(heard).toHaveBeenCalledTimes(1);
  stop();
  depth.more();
  expect(heard).toHaveBeenCalledTimes(1);
});
