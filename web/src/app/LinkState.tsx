/** Says when what is shown may be old: no network, or the socket is lost. */

import { useTranslation } from "../i18n";
import { useLink, useOnline } from "../api/hooks";
import { OfflineIcon } from "../ui/icons";

export function LinkState() {
  const { t } = useTranslation();
  const link = useLink();
  const online = useOnline();
  const words = !online ? t("link.offline") : link === "lost" ? t("link.lost") : "";
  return (
    <div role="status" className="contents">
      {words && (
        <span
          className="chip fixed top-16 left-1/2 z-40 -translate-x-1/2 border border-warn bg-warn-tint px-3 py-1 text-warn shadow-lift"
          title={t("link.advice")}
        >
          <OfflineIcon width="15" height="15" />
          {words}
        </span>
      )}
    </div>
  );
}
