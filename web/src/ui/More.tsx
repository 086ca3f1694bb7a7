/** The end of a list that goes on: asks for more when it comes near the screen; a button for those who go by keys. */

import { useEffect, useRef } from "react";
import { useTranslation } from "../i18n";

export function More({ onMore }: { onMore: () => void }) {
  const { t } = useTranslation();
  const mark = useRef<HTMLDivElement>(null);
  const latest = useRef(onMore);
  useEffect(() => {
    latest.current = onMore;
  });
  useEffect(() => {
    const element = mark.current;
    if (!element) return;
    const observer = new IntersectionObserver(
      (entries) => {
        if (entries.some((entry) => entry.isIntersecting)) latest.current();
      },
      { rootMargin: "600px" },
    );
    observer.observe(element);
    return () => observer.disconnect();
  }, []);
  return (
    <div ref={mark} className="col-span-full flex justify-center pt-2">
      <button type="button" className="btn btn-quiet" onClick={onMore}>
        {t("library.more")}
      </button>
    </div>
  );
}
