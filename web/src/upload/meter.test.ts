import { expect, it } from "vitest";
import { Meter } from "./meter";

it("says nothing before it knows", () => {
  const meter = new Meter();
  expect(meter.rate()).toBeNull();
  meter.add(0, 0);
  meter.add(500, 1_000_000);
  expect(meter.rate()).toBeNull();
  meter.add(1_000, 2_000_000);
  expect(meter.rate()).toBe(2_000_000);
});

it("forgets how fast it was long ago", () => {
  const meter = new Meter();
  for (let second = 0; second <= 20; second += 1) meter.add(second * 1000, second * 1000);
  for (let second = 21; second <= 40; second += 1) meter.add(second * 1000, 20_000 + (second - 20) * 10);
  expect(meter.rate()).toBe(10);
});

it("begins anew when the server has less than was thought", () => {
  const meter = new Meter();
  meter.add(0, 0);
  meter.add(2_000, 5_000);
  meter.add(3_000, 1_000);
  expect(meter.rate()).toBeNull();
  meter.add(5_000, 3_000);
  expect(meter.rate()).toBe(1_000);
});

it("does not divide by a stall", () => {
  const meter = new Meter();
  meter.add(0, 100);
  meter.add(5_000, 100);
  expect(meter.rate()).toBeNull();
});
