/** Measures how fast bytes go, over the last seconds only, so that a stall shows soon. */

const WINDOW_MS = 8_000;
/** Before this much time has passed any number would be a guess. */
const LEAST_MS = 1_000;

export class Meter {
  #samples: { at: number; sent: number }[] = [];

  /** `at` in milliseconds, `sent` in bytes since the beginning of the file. */
  add(at: number, sent: number) {
    const last = this.#samples.at(-1);
    // The server may have less than was thought to be sent: measure anew from there.
    if (last && sent < last.sent) this.#samples = [];
    this.#samples.push({ at, sent });
    while (this.#samples.length > 2 && at - (this.#samples[1]?.at ?? at) >= WINDOW_MS) this.#samples.shift();
  }

  /** Bytes a second; null while that cannot be told. */
  rate(): number | null {
    const first = this.#samples[0];
    const last = this.#samples.at(-1);
    if (!first || !last || last.at - first.at < LEAST_MS) return null;
    const rate = ((last.sent - first.sent) * 1000) / (last.at - first.at);
    return rate > 0 ? rate : null;
  }
}
