import { expect, it } from "vitest";
import { deviceName } from "./device";

it("names browsers and systems as people do", () => {
  const chrome = "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0 Safari/537.36";
  expect(deviceName(chrome)).toBe("Chrome · Linux");
  expect(deviceName(`${chrome} Edg/140.0`)).toBe("Edge · Linux");
  expect(deviceName("Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) AppleWebKit/605 Version/18.0 Mobile/15E148 Safari/604.1")).toBe("Safari · iOS");
  expect(deviceName("Mozilla/5.0 (Windows NT 10.0; rv:140.0) Gecko/20100101 Firefox/140.0")).toBe("Firefox · Windows");
  expect(deviceName("curl/8.5.0")).toBe("curl/8.5.0");
  expect(deviceName("")).toBe("");
});
