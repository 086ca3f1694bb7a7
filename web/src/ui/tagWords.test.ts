import { expect, it } from "vitest";
import { split, tagProblem, withTags, withoutTags } from "./tagWords";

it("takes apart what is typed or pasted", () => {
  expect(split(" #Summer,  Big  House ,, # ,")).toEqual(["Summer", "Big  House"]);
  expect(split("")).toEqual([]);
});

it("adds and takes away without regard to case", () => {
  expect(withTags(["Summer"], ["SUMMER", "House"])).toEqual(["Summer", "House"]);
  expect(withTags(["Summer"], ["ｓummer"])).toEqual(["Summer"]);
  expect(withoutTags(["Summer", "House"], ["summer", "tree"])).toEqual(["House"]);
});

it("knows what the server would refuse", () => {
  const many = Array.from({ length: 31 }, (_, index) => `tag ${index}`);
  expect(tagProblem(many.slice(1))).toBeNull();
  expect(tagProblem(many)).toBe("too_many_tags");
  expect(tagProblem(["🐇".repeat(50)])).toBeNull();
  expect(tagProblem(["🐇".repeat(51)])).toBe("tag_too_long");
});
