import { describe, expect, it } from "vitest";
import { droppedFiles } from "./pick";

const item = (file: File | null, isDirectory = false, kind = "file") => ({
  kind,
  getAsFile: () => file,
  webkitGetAsEntry: () => (kind === "file" ? { isDirectory } : null),
});

describe("what is dropped", () => {
  it("is files, and neither folders nor texts", async () => {
    const film = new File(["film"], "film.mp4");
    const items = [item(new File([], "holidays"), true), item(film), item(null, false, "string")];
    expect(await droppedFiles({ items } as unknown as DataTransfer)).toEqual([film]);
  });
});
