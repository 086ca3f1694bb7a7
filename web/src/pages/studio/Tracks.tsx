/** Which streams of the file are used, which are not and why, and what else is worth knowing about it. */

import { useTranslation } from "../../i18n";
import type { LeftReason, TrackTextFragment, VideoLiveFragment } from "../../gql/graphql";
import { language } from "../../ui/format";
import { WarnIcon } from "../../ui/icons";

type Notes = Pick<VideoLiveFragment, "tracks" | "warnings">;
type Row = TrackTextFragment & { reason: LeftReason | null };

/** Nothing where there was nothing to choose and nothing went wrong. */
export function Tracks({ video }: { video: Notes }) {
  const { t } = useTranslation();
  const { tracks, warnings } = video;
  const rows = tracks && tracks.leftAside.length > 0 ? inOrder(tracks) : [];
  return (
    <>
      {rows.length > 0 && (
        <section className="panel p-4 sm:p-5" aria-labelledby="tracks">
          <h2 id="tracks" className="mb-1 text-base">
            {t("tracks.title")}
          </h2>
          <ul className="divide-y divide-line text-sm" data-tracks>
            {rows.map((row) => (
              <li key={`${row.kind}${row.index}`} data-used={row.reason === null} className="flex flex-wrap items-baseline gap-x-3 gap-y-0.5 py-2.5 last:pb-0">
                <span className={`shrink-0 sm:w-20 ${row.reason === null ? "font-semibold" : "text-muted"}`}>{nameOf(row)}</span>
                <span className="min-w-0 max-sm:order-last max-sm:basis-full sm:flex-1">
                  <span className={row.reason === null ? "" : "text-muted"}>{describe(row)}</span>
                  {row.reason !== null && <span className="block text-muted">{whyNot(row.reason)}</span>}
                </span>
                <span className={`chip ml-auto ${row.reason === null ? "bg-tint text-ok" : "bg-sunken text-muted"}`}>
                  {t(row.reason === null ? "tracks.used" : "tracks.leftAside")}
                </span>
              </li>
            ))}
          </ul>
          {tracks && !tracks.audio && rows.some((row) => row.kind === "AUDIO") && <p className="mt-2 text-sm">{t("tracks.silent")}</p>}
        </section>
      )}
      {warnings.length > 0 && (
        <section className="rounded-2xl border border-line bg-warn-tint p-4 sm:p-5" aria-labelledby="warnings">
          <h2 id="warnings" className="mb-1 flex items-center gap-2 text-base text-warn">
            <WarnIcon />
            {t("warning.title")}
          </h2>
          <ul className="flex flex-col gap-1 text-sm sm:pl-7" data-warnings>
            {warnings.map(({ code, message }) => (
              <li key={code} data-warning={code} title={message}>
                {/* A newer server may know more of them. */}
                {t(`warning.${code}`, { defaultValue: message })}
              </li>
            ))}
          </ul>
        </section>
      )}
    </>
  );

  /** The number is for people, and only where there is more than one. */
  function nameOf(row: Row): string {
    const kind = t(`tracks.${row.kind}`);
    const several = rows.filter((one) => one.kind === row.kind).length > 1;
    return several ? t("tracks.numbered", { kind, n: row.index + 1 }) : kind;
  }

  function whyNot(reason: LeftReason): string {
    return t(`tracks.why.${reason}`, { defaultValue: reason });
  }
}

/** As they lie in the file, pictures first. */
function inOrder(tracks: NonNullable<Notes["tracks"]>): Row[] {
  const used = [tracks.video, tracks.audio].filter((one) => one !== null).map((one) => ({ ...one, reason: null }));
  const place = (row: Row) => (row.kind === "VIDEO" ? 0 : 1000) + row.index;
  return [...used, ...tracks.leftAside].sort((one, other) => place(one) - place(other));
}

function describe(row: Row): string {
  return [row.codec, row.language && languageName(row.language)].filter(Boolean).join(" · ");
}

/** What the file calls `deu` in the reader's words; files hold anything. */
function languageName(code: string): string {
  try {
    return new Intl.DisplayNames(language(), { type: "language" }).of(code) ?? code;
  } catch {
    return code;
  }
}
