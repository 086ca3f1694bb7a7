/** What went wrong, what can be done about it, and what the machine said. */

import { useTranslation } from "react-i18next";
import { WarnIcon } from "../../ui/icons";

export interface FailureData {
  code: string;
  message: string;
  advice: string;
  stage: string;
  retryable: boolean;
  detail?: string | null;
  log?: string[] | null;
}

export function FailurePanel({ failure }: { failure: FailureData }) {
  const { t } = useTranslation();
  const log = failure.log ?? [];
  return (
    <section className="mb-6 rounded-2xl border border-bad bg-bad-tint p-4 sm:p-5" aria-labelledby="failure" data-failure={failure.code}>
      <h2 id="failure" className="flex items-start gap-2 text-base text-bad">
        <WarnIcon className="mt-0.5" />
        {failure.message}
      </h2>
      <p className="mt-1 sm:pl-7">{failure.advice}</p>
      <p className="mt-2 text-sm text-muted sm:pl-7">
        <code>{failure.code}</code> · {t("failure.stage", { stage: failure.stage })} ·{" "}
        {failure.retryable ? t("failure.retryable") : t("failure.final")}
      </p>
      {(failure.detail || log.length > 0) && (
        <details className="mt-3 sm:pl-7">
          <summary className="text-sm font-semibold">{t("failure.log")}</summary>
          {/* eslint-disable-next-line jsx-a11y/no-noninteractive-tabindex -- scrolls, so keys must reach it */}
          <pre className="mt-2 max-h-72 overflow-auto rounded-xl bg-stage p-3 text-xs text-white" tabIndex={0}>
            {[failure.detail, ...log].filter(Boolean).join("\n")}
          </pre>
        </details>
      )}
    </section>
  );
}
