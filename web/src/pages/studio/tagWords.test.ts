import { expect, it } from "vitest";
import { split, withTags, withoutTags } from "./tagWords";

it("takes apart what is typed or pasted", () => {
  expect(split(" #Summer,  Big  House ,, # ,")).toEqual(["Summer", "Big  House"]);
  expect(split("")).toEqual([]);
});

it("adds and takes away without regard to case", () => {
  expect(withTags(["Summer"], ["SUMMER", "House"])).toEqual(["Summer", "House"]);
  expect(withTags(["Summer"], ["ｓummer"])).toEqual(["Summer"]);
  expect(withoutTags(["Summer", "House"], ["summer", "tree"])).toEqual(["House"]);
});
