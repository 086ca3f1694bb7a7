/** A page that breaks takes only itself down. */

import { Component, type ReactNode } from "react";
import { t } from "../i18n";

export class ErrorBoundary extends Component<{ children: ReactNode }, { broken: boolean }> {
  override state = { broken: false };

  static getDerivedStateFromError() {
    return { broken: true };
  }

  override render() {
    if (!this.state.broken) return this.props.children;
    return (
      <div role="alert" className="mx-auto flex max-w-md flex-col items-center gap-3 py-20 text-center">
        <h1 className="text-lg">{t("trouble.broken")}</h1>
        <p className="text-muted">{t("trouble.brokenAdvice")}</p>
        <button type="button" className="btn btn-primary" onClick={() => location.reload()}>
          {t("action.reload")}
        </button>
      </div>
    );
  }
}
