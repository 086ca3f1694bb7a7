/** Uploads under way, in the corner of every page but their own. */

import { useCallback, useState } from "react";
import { useTranslation } from "../i18n";
import { useLocation } from "react-router";
import { percent } from "../ui/format";
import { ChevronIcon, CloseIcon } from "../ui/icons";
import { Bar } from "../ui/parts";
import { useItems, useQueue } from "./context";
import { UploadRow } from "./UploadRow";

export function Dock() {
  const { t } = useTranslation();
  const queue = useQueue();
  const items = useItems();
  const { pathname } = useLocation();
  const [open, setOpen] = useState(true);
  const [height, setHeight] = useState(0);
  const measure = useCallback((dock: HTMLElement | null) => {
    if (!dock) return;
    const observer = new ResizeObserver(() => setHeight(dock.offsetHeight));
    observer.observe(dock);
    return () => observer.disconnect();
  }, []);
  if (items.length === 0 || pathname === "/upload") return null;

  const going = items.filter((item) => item.phase !== "done");
  const size = items.reduce((sum, item) => sum + item.size, 0);
  const sent = items.reduce((sum, item) => sum + item.sent, 0);
  const share = size > 0 ? (sent / size) * 100 : 0;
  const words = going.length > 0 ? t("upload.going", { count: going.length }) : t("upload.allDone", { count: items.length });

  return (
    <>
      {/* What stands at the end of a page can be scrolled out from under it. */}
      <div aria-hidden style={{ height }} />
      <section
        ref={measure}
        aria-label={t("upload.list")}
        className="fixed right-2 bottom-[calc(4rem+env(safe-area-inset-bottom))] left-2 z-30 overflow-hidden rounded-2xl border border-line bg-surface shadow-lift sm:left-auto sm:w-[25rem] md:right-4 md:bottom-4"
      >
        <div className="flex items-center gap-2 py-1.5 pr-1.5 pl-4">
          <h2 className="mr-auto text-sm">
            {words}
            {going.length > 0 && <span className="num ml-2 font-medium text-muted">{percent(share)}</span>}
          </h2>
          <button
            type="button"
            className="btn-icon btn-bare"
            aria-expanded={open}
            aria-label={open ? t("action.collapse") : t("action.expand")}
            onClick={() => setOpen(!open)}
          >
            <ChevronIcon className={open ? "" : "rotate-180"} />
          </button>
          {going.length === 0 && (
            <button type="button" className="btn-icon btn-bare" aria-label={t("action.close")} onClick={() => queue.tidy()}>
              <CloseIcon />
            </button>
          )}
        </div>
        {!open && going.length > 0 && <Bar value={share} label={words} />}
        {open && (
          <ul className="max-h-[min(24rem,50dvh)] divide-y divide-line overflow-y-auto border-t border-line">
            {items.map((item) => (
              <li key={item.key} className="p-4">
                <UploadRow item={item} />
              </li>
            ))}
          </ul>
        )}
      </section>
    </>
  );
}
