/** What narrows the library, kept in the address so that it can be shared and gone back to. */

import { useTranslation } from "../../i18n";
import { useSearchParams } from "react-router";
import type { VideoFilter, VideoOrder } from "../../gql/graphql";
import { CloseIcon } from "../../ui/icons";
import { Select } from "../../ui/parts";

const NEW: VideoOrder = { field: "CREATED_AT", direction: "DESC" };
const SORTS: Record<string, VideoOrder> = {
  new: NEW,
  old: { field: "CREATED_AT", direction: "ASC" },
  title: { field: "TITLE", direction: "ASC" },
  views: { field: "VIEWS", direction: "DESC" },
  longest: { field: "DURATION", direction: "DESC" },
};
/** From and to, in seconds. */
const LENGTHS: Record<string, [number | null, number | null]> = {
  short: [null, 240],
  medium: [240, 1200],
  long: [1200, null],
};
const DAYS: Record<string, number> = { day: 1, week: 7, month: 30, year: 365 };
const HOUR_MS = 3_600_000;

/** The filter that an address asks for; unknown words in it count as not said. `owner`: only that account's. */
export function readFilter(params: URLSearchParams, search: string, owner: string | null, now: number) {
  const text = search.trim();
  const [least, most] = LENGTHS[params.get("length") ?? ""] ?? [null, null];
  const tag = params.get("tag")?.trim() ?? "";
  const days = DAYS[params.get("age") ?? ""];
  // Whole hours, so that going back finds the same list again.
  const since = days === undefined ? null : Math.floor(now / HOUR_MS) * HOUR_MS - days * 24 * HOUR_MS;
  const filter: VideoFilter = {
    watchable: true,
    ...(text ? { search: text } : {}),
    ...(owner === null ? {} : { ownerName: owner }),
    ...(tag ? { tag } : {}),
    ...(least === null ? {} : { minSeconds: least }),
    ...(most === null ? {} : { maxSeconds: most }),
    ...(since === null ? {} : { createdAfter: new Date(since).toISOString() }),
  };
  const sort = params.get("sort");
  // Unless somebody chose an order, a search is in the server's: titles first.
  const orderBy = text && !sort ? null : (SORTS[sort ?? "new"] ?? NEW);
  const narrowed = text !== "" || tag !== "" || least !== null || most !== null || since !== null;
  return { filter, orderBy, narrowed, tag, plain: !narrowed && (sort ?? "new") === "new" };
}

export function Filters() {
  const { t } = useTranslation();
  const [params, setParams] = useSearchParams();

  function set(name: string, value: string, usual: string) {
    const next = new URLSearchParams(params);
    if (value === usual) next.delete(name);
    else next.set(name, value);
    setParams(next, { replace: true, preventScrollReset: true });
  }

  const tag = params.get("tag")?.trim();

  return (
    <div className="flex flex-wrap items-center gap-2">
      {tag && (
        <button type="button" className="btn btn-quiet max-w-60" aria-label={t("library.withoutTag", { tag })} onClick={() => set("tag", "", "")}>
          <bdi className="truncate">#{tag}</bdi>
          <CloseIcon width="14" height="14" />
        </button>
      )}
      <Select aria-label={t("library.length")} value={params.get("length") ?? "any"} onChange={(event) => set("length", event.target.value, "any")} className="w-auto! text-sm">
        {(["any", "short", "medium", "long"] as const).map((one) => (
          <option key={one} value={one}>
            {t(`library.lengths.${one}`)}
          </option>
        ))}
      </Select>
      <Select aria-label={t("library.age")} value={params.get("age") ?? "any"} onChange={(event) => set("age", event.target.value, "any")} className="w-auto! text-sm">
        {(["any", "day", "week", "month", "year"] as const).map((one) => (
          <option key={one} value={one}>
            {t(`library.ages.${one}`)}
          </option>
        ))}
      </Select>
      <Select aria-label={t("library.sort")} value={params.get("sort") ?? "new"} onChange={(event) => set("sort", event.target.value, "new")} className="w-auto! text-sm">
        {(["new", "old", "title", "views", "longest"] as const).map((one) => (
          <option key={one} value={one}>
            {t(`library.sorts.${one}`)}
          </option>
        ))}
      </Select>
    </div>
  );
}
