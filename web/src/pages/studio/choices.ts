/** What narrows and sorts the studio's list, kept in the address; which columns it has, kept in the browser. */

import type { CSSProperties } from "react";
import type { VideoFilter, VideoOrder, VideoOrderField, VideoState } from "../../gql/graphql";

export const STATES = ["ready", "making", "failed"] as const;
const STATES_OF: Record<string, VideoState[]> = {
  ready: ["READY"],
  making: ["QUEUED", "PROCESSING"],
  failed: ["FAILED", "CANCELLED"],
};

/** The columns that can be sorted by. */
export const SORTED: Record<string, VideoOrderField> = {
  title: "TITLE",
  date: "CREATED_AT",
  views: "VIEWS",
  length: "DURATION",
};

export function readChoices(params: URLSearchParams, search: string) {
  const states = STATES_OF[params.get("state") ?? ""];
  const visibility = (["PUBLIC", "UNLISTED", "PRIVATE"] as const).find((one) => one === params.get("seen"));
  const text = search.trim();
  const filter: VideoFilter = {
    mine: true,
    ...(text ? { search: text } : {}),
    ...(states ? { states } : {}),
    ...(visibility ? { visibility: [visibility] } : {}),
  };
  const sort = params.get("sort") ?? "date";
  const up = params.get("up") === "1";
  const orderBy: VideoOrder = { field: SORTED[sort] ?? "CREATED_AT", direction: up ? "ASC" : "DESC" };
  return { filter, orderBy, sort, up, narrowed: text !== "" || states !== undefined || visibility !== undefined };
}

export const COLUMNS = ["visibility", "date", "views", "length", "size", "tags"] as const;
export type Column = (typeof COLUMNS)[number];
const USUAL: readonly Column[] = ["visibility", "date", "views", "length"];
const KEY = "clipsy.columns";

export function readColumns(): ReadonlySet<Column> {
  try {
    const stored = JSON.parse(localStorage.getItem(KEY) ?? "null") as unknown;
    if (Array.isArray(stored)) return new Set(COLUMNS.filter((one) => stored.includes(one)));
  } catch {
    // Then the usual ones.
  }
  return new Set(USUAL);
}

export function keepColumns(columns: ReadonlySet<Column>) {
  try {
    localStorage.setItem(KEY, JSON.stringify([...columns]));
  } catch {
    // Then they hold for this visit.
  }
}

/** How wide each column is, in rem: rows are laid out one by one, only those that are near the screen. */
const WIDTHS: Record<Column, number> = { visibility: 7, date: 7.5, views: 5, length: 5, size: 5.5, tags: 12 };
/** What a narrow window has no room for. */
export const ROOMY: ReadonlySet<Column> = new Set(["views", "length", "size", "tags"]);

export function gridOf(columns: ReadonlySet<Column>): CSSProperties {
  const grid = (shown: readonly Column[]) => ["3rem", "minmax(0, 1fr)", ...shown.map((one) => `${WIDTHS[one]}rem`), "13rem"].join(" ");
  const shown = COLUMNS.filter((one) => columns.has(one));
  return { "--columns": grid(shown), "--columns-narrow": grid(shown.filter((one) => !ROOMY.has(one))) } as CSSProperties;
}
