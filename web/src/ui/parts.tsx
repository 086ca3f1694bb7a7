/** Small parts that many pages are put together from. */

import { useEffect, useId, useRef, type ComponentProps, type ReactNode } from "react";
import { useTranslation } from "../i18n";
import { Link } from "react-router";
import type { CombinedError } from "urql";
import type { RenditionState, VideoState, Visibility } from "../gql/graphql";
import { LinkIcon, LockIcon, OfflineIcon, RetryIcon, WarnIcon } from "./icons";
import { ago, moment } from "./format";

/** Sets the title of the tab. React hoists it into the head. */
export function Title({ text }: { text: string }) {
  return <title>{`${text} · Clipsy`}</title>;
}

export function Field({
  label,
  hint,
  error,
  children,
}: {
  label: string;
  hint?: string | undefined;
  error?: string | null | undefined;
  children: (props: { id: string; "aria-describedby"?: string; "aria-invalid"?: boolean }) => ReactNode;
}) {
  const id = useId();
  const note = error ?? hint;
  return (
    <div className="flex flex-col gap-1">
      <label htmlFor={id} className="text-sm font-semibold">
        {label}
      </label>
      {children({ id, ...(note ? { "aria-describedby": `${id}-note` } : {}), ...(error ? { "aria-invalid": true } : {}) })}
      {note && (
        <p id={`${id}-note`} className={`text-sm ${error ? "text-bad" : "text-muted"}`} role={error ? "alert" : undefined}>
          {note}
        </p>
      )}
    </div>
  );
}

export function Select({ className = "", ...props }: ComponentProps<"select">) {
  return (
    <select
      className={`field select ${className}`}
     
      {...props}
    />
  );
}

const STATE_LOOK: Record<VideoState, string> = {
  QUEUED: "bg-sunken text-muted",
  PROCESSING: "bg-warn-tint text-warn",
  READY: "bg-tint text-ok",
  FAILED: "bg-bad-tint text-bad",
  CANCELLED: "bg-sunken text-muted",
};

export function StateChip({ state }: { state: VideoState }) {
  const { t } = useTranslation();
  return (
    <span className={`chip ${STATE_LOOK[state]}`}>
      <span className="size-1.5 rounded-full bg-current" aria-hidden="true" />
      {t(`state.${state}`)}
    </span>
  );
}

const RENDITION_LOOK: Record<RenditionState, string> = {
  WAITING: "text-muted",
  RUNNING: "text-warn",
  DONE: "text-ok",
  FAILED: "text-bad",
};

export function RenditionWord({ state }: { state: RenditionState }) {
  const { t } = useTranslation();
  return <span className={`font-semibold ${RENDITION_LOOK[state]}`}>{t(`rendition.${state}`)}</span>;
}

export function VisibilityMark({ visibility }: { visibility: Visibility }) {
  const { t } = useTranslation();
  if (visibility === "PUBLIC") return null;
  const Icon = visibility === "PRIVATE" ? LockIcon : LinkIcon;
  return (
    <span className="inline-flex items-center gap-1 text-muted">
      <Icon width="14" height="14" />
      {t(`visibility.${visibility}`)}
    </span>
  );
}

/** A bar; without a value it says that something goes on, not how far. */
export function Bar({
  value,
  label,
  tone = "accent",
}: {
  value: number | null | undefined;
  label: string;
  tone?: "accent" | "bad" | "muted";
}) {
  const known = value !== null && value !== undefined;
  return (
    <div
      role="progressbar"
      aria-label={label}
      aria-valuemin={0}
      aria-valuemax={100}
      {...(known ? { "aria-valuenow": Math.floor(value) } : {})}
      className="h-1.5 w-full overflow-hidden rounded-full bg-sunken"
    >
      <div
        className={`h-full rounded-full transition-[width] duration-300 ${tone === "bad" ? "bg-bad" : tone === "muted" ? "bg-line-strong" : "bg-accent"} ${known ? "" : "w-1/3 animate-[sweep_1.4s_ease-in-out_infinite]"}`}
        style={known ? { width: `${Math.min(100, Math.max(0, value))}%` } : undefined}
      />
    </div>
  );
}

export function Ago({ at }: { at: string }) {
  return (
    <time dateTime={at} title={moment(at)}>
      {ago(Date.parse(at))}
    </time>
  );
}

/** What stands where nothing is. */
export function Empty({
  title,
  children,
  action,
  part = false,
}: {
  title: string;
  children?: ReactNode;
  action?: ReactNode;
  /** It is a part of a page that has a heading; otherwise it is the page. */
  part?: boolean;
}) {
  const Heading = part ? "h2" : "h1";
  return (
    <div className="mx-auto flex max-w-md flex-col items-center gap-3 px-4 py-20 text-center">
      <svg viewBox="0 0 64 48" width="88" height="66" aria-hidden="true" className="mb-2">
        <g stroke="var(--line-strong)" strokeWidth="4" strokeLinecap="round" strokeDasharray="0.1 8">
          <path d="M12 8h12" />
          <path d="M12 19h36" />
          <path d="M12 30h36" />
          <path d="M12 41h12" />
        </g>
      </svg>
      <Heading className="text-lg">{title}</Heading>
      {children && <p className="text-muted">{children}</p>}
      {action}
    </div>
  );
}

/** Stands where nothing can be loaded, while it is tried again by itself. */
export function Away({ retry }: { retry?: (() => void) | undefined }) {
  const { t } = useTranslation();
  return (
    <div role="alert" className="mx-auto flex max-w-md flex-col items-center gap-3 px-4 py-16 text-center">
      <OfflineIcon width="32" height="32" className="text-warn" />
      <h1 className="text-lg">{t("trouble.network")}</h1>
      <p className="text-muted">{t("trouble.networkAdvice")}</p>
      {retry && (
        <button type="button" className="btn btn-quiet" onClick={retry}>
          <RetryIcon />
          {t("action.tryAgain")}
        </button>
      )}
    </div>
  );
}

/** Between tries to load what could not be loaded, in milliseconds. */
const AGAIN_MS = 3_000;

/** Tries again by itself for as long as the server cannot be reached, and at once when the network is back. */
function useAgain(away: boolean, retry: (() => void) | undefined) {
  const latest = useRef(retry);
  useEffect(() => {
    latest.current = retry;
  });
  useEffect(() => {
    if (!away) return;
    const again = () => latest.current?.();
    const timer = setInterval(again, AGAIN_MS);
    addEventListener("online", again);
    return () => {
      clearInterval(timer);
      removeEventListener("online", again);
    };
  }, [away]);
}

/** What stands where something could not be loaded. */
export function Trouble({ error, retry }: { error: CombinedError; retry?: () => void }) {
  const { t } = useTranslation();
  const away = isAway(error);
  useAgain(away, retry);
  if (away) return <Away retry={retry} />;
  const code = error.graphQLErrors[0]?.extensions["code"];
  const known = typeof code === "string" && ["UNAUTHENTICATED", "FORBIDDEN", "NOT_FOUND"].includes(code) ? code : null;
  return (
    <div role="alert" className="mx-auto flex max-w-md flex-col items-center gap-3 px-4 py-16 text-center">
      <WarnIcon width="32" height="32" className="text-warn" />
      <h1 className="text-lg">{known ? t(`trouble.${known as "NOT_FOUND"}`) : t("trouble.server")}</h1>
      <p className="text-muted">{known === "UNAUTHENTICATED" ? t("trouble.signInAdvice") : t("trouble.serverAdvice")}</p>
      {known === "UNAUTHENTICATED" ? (
        <Link className="btn btn-primary" to="/sign-in">
          {t("nav.signIn")}
        </Link>
      ) : (
        retry && (
          <button type="button" className="btn btn-quiet" onClick={retry}>
            <RetryIcon />
            {t("action.tryAgain")}
          </button>
        )
      )}
    </div>
  );
}

/** Whether the server, or the proxy in front of it, did not answer at all. */
function isAway(error: CombinedError): boolean {
  const status = (error.response as Response | undefined)?.status;
  return error.networkError !== undefined || (status !== undefined && status >= 502 && status <= 504);
}

/** A heading of a page with what can be done there. */
export function PageHead({
  title,
  children,
  note,
  level = 1,
}: {
  title: string;
  children?: ReactNode;
  note?: ReactNode;
  /** 2 where the page has another heading above all. */
  level?: 1 | 2;
}) {
  const Heading = level === 1 ? "h1" : "h2";
  return (
    <div className="mb-5 flex flex-wrap items-center gap-x-4 gap-y-3">
      <Heading className={`mr-auto min-w-0 ${level === 1 ? "text-xl sm:text-2xl" : "text-lg"}`}>
        <bdi>{title}</bdi>
        {note !== undefined && <span className="num ml-2 text-base font-medium tracking-normal text-muted">{note}</span>}
      </Heading>
      {children}
    </div>
  );
}
