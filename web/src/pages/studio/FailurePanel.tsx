/** What went wrong, what cures it, and what the machine said. */

import type { ReactNode } from "react";
import { useTranslation } from "../../i18n";
import { Link } from "react-router";
import { failureText, stageText } from "../../ui/failures";
import { UploadIcon, WarnIcon } from "../../ui/icons";

export interface FailureData {
  code: string;
  message: string;
  advice: string;
  stage: string;
  retryable: boolean;
  detail?: string | null;
  log?: string[] | null;
}

/** `retry`: the button that tries again; the main one only where that may help. */
export function FailurePanel({ failure, retry }: { failure: FailureData; retry: ReactNode }) {
  const { t } = useTranslation();
  const log = failure.log ?? [];
  const { message, advice } = failureText(failure);
  const stage = stageText(failure.stage);
  return (
    <section className="mb-6 rounded-2xl border border-bad bg-bad-tint p-4 sm:p-5" aria-labelledby="failure" data-failure={failure.code}>
      <h2 id="failure" className="flex items-start gap-2 text-base text-bad">
        <WarnIcon className="mt-0.5" />
        {message}
      </h2>
      <p className="mt-1 sm:pl-7">{advice}</p>
      <div className="mt-3 flex flex-wrap items-center gap-2 sm:pl-7">
        {failure.retryable ? (
          retry
        ) : (
          <>
            <Link className="btn btn-primary" to="/upload">
              <UploadIcon />
              {t("failure.another")}
            </Link>
            {retry}
          </>
        )}
        <p className="text-sm text-muted">
          {stage && `${stage} · `}
          {failure.retryable ? t("failure.retryable") : t("failure.final")}
        </p>
      </div>
      {(failure.detail || log.length > 0) && (
        <details className="mt-3 sm:pl-7">
          <summary className="text-sm font-semibold">{t("failure.log")}</summary>
          {/* eslint-disable-next-line jsx-a11y/no-noninteractive-tabindex -- scrolls, so keys must reach it */}
          <pre className="mt-2 max-h-72 overflow-auto rounded-xl bg-stage p-3 text-xs text-white" tabIndex={0} dir="ltr">
            {[`${failure.code} (${failure.stage})`, failure.detail, ...log].filter(Boolean).join("\n")}
          </pre>
        </details>
      )}
    </section>
  );
}
