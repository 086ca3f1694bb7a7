/** Short notices at the edge of the page: what happened, and how to take it back. */

import { useEffect, useState, useSyncExternalStore } from "react";
import { useTranslation } from "../i18n";
import { CloseIcon } from "./icons";

export interface Toast {
  key: number;
  text: string;
  tone: "plain" | "good" | "bad";
  /** One thing to do about it, such as taking it back. */
  action: { label: string; run: () => void } | null;
  /** How long it stays while nobody points at it, in milliseconds. */
  ms: number;
}

/** How long something can be taken back, in milliseconds. */
export const UNDO_MS = 8_000;
/** More than these are not looked at. */
const MOST = 4;

let toasts: readonly Toast[] = [];
let next = 1;
const listeners = new Set<() => void>();

function set(now: readonly Toast[]) {
  toasts = now;
  for (const listener of listeners) listener();
}

/** Shows a notice; gives back how to take it away. */
export function toast(text: string, options: Partial<Omit<Toast, "key" | "text">> = {}): () => void {
  const key = next++;
  const one: Toast = { tone: "plain", action: null, ms: options.action ? UNDO_MS : 6_000, ...options, key, text };
  set([...toasts, one].slice(-MOST));
  return () => dismiss(key);
}

function dismiss(key: number) {
  set(toasts.filter((one) => one.key !== key));
}

export function Toasts() {
  const { t } = useTranslation();
  const shown = useSyncExternalStore(subscribe, () => toasts);
  return (
    <div
      role="region"
      aria-label={t("toast.region")}
      className="pointer-events-none fixed inset-x-3 bottom-[calc(4.25rem+env(safe-area-inset-bottom))] z-50 flex flex-col items-center gap-2 md:bottom-4"
    >
      {shown.map((one) => (
        <One key={one.key} toast={one} />
      ))}
    </div>
  );
}

function One({ toast: { key, text, tone, action, ms } }: { toast: Toast }) {
  const { t } = useTranslation();
  const [held, setHeld] = useState(false);
  useEffect(() => {
    if (held) return;
    const timer = setTimeout(() => dismiss(key), ms);
    return () => clearTimeout(timer);
  }, [key, ms, held]);
  const holds = (yes: boolean) => () => setHeld(yes);
  return (
    // eslint-disable-next-line jsx-a11y/no-static-element-interactions -- only stays while somebody points at it
    <div
      role={tone === "bad" ? "alert" : "status"}
      data-toast={tone}
      className={`toast pointer-events-auto flex max-w-full items-center gap-3 rounded-xl border bg-ink py-1.5 pr-1.5 pl-4 text-sm text-bg shadow-lift sm:max-w-md ${tone === "bad" ? "border-bad" : "border-line-strong"}`}
      onPointerEnter={holds(true)}
      onPointerLeave={holds(false)}
      onFocus={holds(true)}
      onBlur={holds(false)}
    >
      <span className="min-w-0 py-1" dir="auto">
        {text}
      </span>
      {action && (
        <button
          type="button"
          className="btn-small shrink-0 rounded-full bg-bg/15 font-semibold text-bg hover:bg-bg/25"
          onClick={() => {
            dismiss(key);
            action.run();
          }}
        >
          {action.label}
        </button>
      )}
      <button type="button" className="grid size-8 shrink-0 place-items-center rounded-full hover:bg-bg/20" aria-label={t("action.close")} onClick={() => dismiss(key)}>
        <CloseIcon width="16" height="16" />
      </button>
    </div>
  );
}

function subscribe(listener: () => void) {
  listeners.add(listener);
  return () => void listeners.delete(listener);
}
