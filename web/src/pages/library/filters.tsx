/** What narrows the library, kept in the address so that it can be shared and gone back to. */

import { useTranslation } from "react-i18next";
import { useSearchParams } from "react-router";
import type { VideoFilter, VideoOrder, VideoState } from "../../gql/graphql";
import { Select } from "../../ui/parts";

const SHOWS: Record<string, VideoState[] | null> = {
  all: null,
  ready: ["READY"],
  making: ["UPLOADING", "QUEUED", "PROCESSING"],
  failed: ["FAILED", "CANCELLED"],
};
const NEW: VideoOrder = { field: "CREATED_AT", direction: "DESC" };
const SORTS: Record<string, VideoOrder> = {
  new: NEW,
  old: { field: "CREATED_AT", direction: "ASC" },
  title: { field: "TITLE", direction: "ASC" },
  views: { field: "VIEWS", direction: "DESC" },
  longest: { field: "DURATION", direction: "DESC" },
};

/** The filter that an address asks for; unknown words in it count as not said. */
export function readFilter(params: URLSearchParams, search: string) {
  const states = SHOWS[params.get("show") ?? "all"] ?? null;
  const mine = params.get("mine") === "1";
  const text = search.trim();
  const filter: VideoFilter = {
    ...(text ? { search: text } : {}),
    ...(states ? { states } : {}),
    ...(mine ? { mine: true } : {}),
  };
  const sort = params.get("sort");
  // Unless somebody chose an order, a search is in the server's: titles first.
  const orderBy = text && !sort ? null : (SORTS[sort ?? "new"] ?? NEW);
  return { filter, orderBy, narrowed: text !== "" || states !== null || mine };
}

export function Filters({ mine }: { mine: boolean }) {
  const { t } = useTranslation();
  const [params, setParams] = useSearchParams();
  const show = params.get("show") ?? "all";

  function set(name: string, value: string, usual: string) {
    const next = new URLSearchParams(params);
    if (value === usual) next.delete(name);
    else next.set(name, value);
    setParams(next, { replace: true, preventScrollReset: true });
  }

  return (
    <div className="mb-6 flex flex-wrap items-center gap-2">
      <div role="group" aria-label={t("library.show")} className="flex rounded-full bg-sunken p-1">
        {(["all", "ready", "making", "failed"] as const).map((one) => (
          <button
            key={one}
            type="button"
            aria-pressed={show === one}
            onClick={() => set("show", one, "all")}
            className="min-h-8 rounded-full px-3 text-sm font-semibold text-muted hover:text-ink aria-pressed:bg-surface aria-pressed:text-ink aria-pressed:shadow-sm"
          >
            {t(`library.shows.${one}`)}
          </button>
        ))}
      </div>
      {mine && (
        <button
          type="button"
          aria-pressed={params.get("mine") === "1"}
          onClick={() => set("mine", params.get("mine") === "1" ? "0" : "1", "0")}
          className="btn btn-quiet aria-pressed:border-accent aria-pressed:bg-tint aria-pressed:text-accent"
        >
          {t("library.mine")}
        </button>
      )}
      <div className="ml-auto">
        <Select
          aria-label={t("library.sort")}
          value={params.get("sort") ?? "new"}
          onChange={(event) => set("sort", event.target.value, "new")}
          className="w-auto text-sm"
        >
          {(["new", "old", "title", "views", "longest"] as const).map((one) => (
            <option key={one} value={one}>
              {t(`library.sorts.${one}`)}
            </option>
          ))}
        </Select>
      </div>
    </div>
  );
}
