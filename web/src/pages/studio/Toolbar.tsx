/** Finding, narrowing and sorting the studio's list, and choosing its columns. */

import { useState } from "react";
import { useTranslation } from "../../i18n";
import { useSearchParams } from "react-router";
import { SearchIcon } from "../../ui/icons";
import { Select } from "../../ui/parts";
import { COLUMNS, SORTED, STATES, type Column } from "./choices";

export function Toolbar({ columns, onColumns }: { columns: ReadonlySet<Column>; onColumns: (columns: ReadonlySet<Column>) => void }) {
  const { t } = useTranslation();
  const [params, setParams] = useSearchParams();
  const asked = params.get("q") ?? "";
  const [text, setText] = useState(asked);
  const [seen, setSeen] = useState(asked);
  if (seen !== asked) {
    setSeen(asked);
    if (asked.trim() !== text.trim()) setText(asked);
  }

  function set(name: string, value: string, usual: string) {
    const next = new URLSearchParams(params);
    if (value === usual) next.delete(name);
    else next.set(name, value);
    setParams(next, { replace: true, preventScrollReset: true });
  }

  return (
    <div className="mb-4 flex flex-wrap items-center gap-2">
      <div className="relative min-w-40 flex-1 sm:max-w-xs">
        <SearchIcon className="pointer-events-none absolute top-1/2 left-3 -translate-y-1/2 text-muted" width="17" height="17" />
        <input
          type="search"
          className="field pl-9 text-sm"
          aria-label={t("studio.search")}
          placeholder={t("studio.search")}
          value={text}
          dir="auto"
          maxLength={200}
          onChange={(event) => {
            setText(event.target.value);
            set("q", event.target.value, "");
          }}
        />
      </div>
      <Select aria-label={t("studio.state")} className="w-auto! text-sm" value={params.get("state") ?? "all"} onChange={(event) => set("state", event.target.value, "all")}>
        <option value="all">{t("studio.states.all")}</option>
        {STATES.map((one) => (
          <option key={one} value={one}>
            {t(`studio.states.${one}`)}
          </option>
        ))}
      </Select>
      <Select aria-label={t("details.visibility")} className="w-auto! text-sm" value={params.get("seen") ?? "all"} onChange={(event) => set("seen", event.target.value, "all")}>
        <option value="all">{t("studio.visibilityAll")}</option>
        {(["PUBLIC", "UNLISTED", "PRIVATE"] as const).map((one) => (
          <option key={one} value={one}>
            {t(`visibility.${one}`)}
          </option>
        ))}
      </Select>
      <Select
        aria-label={t("library.sort")}
        className="w-auto! text-sm md:hidden"
        value={`${params.get("sort") ?? "date"} ${params.get("up") ?? "0"}`}
        onChange={(event) => {
          const [sort = "date", up = "0"] = event.target.value.split(" ");
          const next = new URLSearchParams(params);
          next.set("sort", sort);
          next.set("up", up);
          setParams(next, { replace: true, preventScrollReset: true });
        }}
      >
        {Object.keys(SORTED).flatMap((one) =>
          ["0", "1"].map((up) => (
            <option key={one + up} value={`${one} ${up}`}>
              {t(`studio.column.${one as Column}`)} {up === "1" ? "↑" : "↓"}
            </option>
          )),
        )}
      </Select>
      <details className="relative max-md:hidden">
        <summary className="btn btn-quiet list-none">{t("studio.columns")}</summary>
        <div className="popup absolute right-0 z-20 mt-1 w-52">
          {COLUMNS.map((one) => (
            <label key={one} className="menu-item hover:bg-sunken">
              <input
                type="checkbox"
                className="size-4 accent-accent"
                checked={columns.has(one)}
                onChange={(event) => {
                  const next = new Set(columns);
                  if (event.target.checked) next.add(one);
                  else next.delete(one);
                  onColumns(next);
                }}
              />
              {t(`studio.column.${one}`)}
            </label>
          ))}
        </div>
      </details>
    </div>
  );
}
