/** Files that REST takes as they are. */

import { session } from "./session";

/** What the server objected to. */
export interface Objection {
  /** Stable, as in docs/REST.md. */
  code: string;
  /** What it said, by field; a text is `detail`. */
  told: { detail?: string; line?: number; language?: string[]; label?: string[] };
}

/** Puts a file where it belongs, as whoever is signed in. Null when the server took it; rejects without a connection. */
export async function putFile(address: string, file: Blob): Promise<Objection | null> {
  const token = await session.freshToken();
  const response = await fetch(address, { method: "PUT", body: file, headers: token ? { Authorization: `Bearer ${token}` } : {} });
  if (response.ok) return null;
  const code = response.headers.get("Clipsy-Error-Code") ?? "internal";
  return { code, told: (await response.json().catch(() => ({}))) as Objection["told"] };
}
