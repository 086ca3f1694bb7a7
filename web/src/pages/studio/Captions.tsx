/** Captions of a video: which there are, and files that are brought along. */

import { useId, useRef, useState, type SyntheticEvent } from "react";
import { useTranslation } from "../../i18n";
import { useMutation } from "urql";
import { RemoveCaptionsDocument, type CaptionKind, type CaptionsTextFragment } from "../../gql/graphql";
import { putFile } from "../../api/putFile";
import { captionName, languageName } from "../../player/captions";
import { problemText } from "../../ui/failures";
import { bytes } from "../../ui/format";
import { TrashIcon, UploadIcon } from "../../ui/icons";
import { useDone } from "../../ui/useDone";
import { LANGUAGES } from "./languages";
import type { StudioVideoData } from "./StudioVideo";

/** As the server has it. */
const MOST_BYTES = 2 * 2 ** 20;
const KINDS = ".vtt,.srt,.sbv,.ass,.ssa,text/vtt,application/x-subrip";
const OTHER = "other";

interface Said {
  language: string;
  kind: CaptionKind;
  label: string;
  default: boolean;
  forced: boolean;
}

export function Captions({ video, onChanged }: { video: StudioVideoData; onChanged: () => void }) {
  const { t, language: spoken } = useTranslation();
  const [removing, remove] = useMutation(RemoveCaptionsDocument);
  const { problem, run } = useDone();
  const [sending, setSending] = useState(false);
  const [refusal, setRefusal] = useState<string | null>(null);
  const { captions, captionsUploadUrl: address } = video;
  if (!address) return null;
  const busy = sending || removing.fetching;

  /** True when the server took it. */
  async function bring(said: Said, file: Blob): Promise<boolean> {
    if (file.size > MOST_BYTES) {
      setRefusal(t("captions.tooLarge", { size: bytes(MOST_BYTES) }));
      return false;
    }
    setSending(true);
    const objection = await send(said, file).catch(() => t("trouble.network"));
    setRefusal(objection);
    setSending(false);
    onChanged();
    return objection === null;
  }

  /** What the server objected to, if it did. */
  async function send(said: Said, file: Blob): Promise<string | null> {
    const query = new URLSearchParams({ kind: said.kind.toLowerCase(), label: said.label, default: String(said.default), forced: String(said.forced) });
    const path = (address ?? "").replace("{language}", encodeURIComponent(said.language));
    const objection = await putFile(`${path}?${query}`, file);
    if (!objection) return null;
    const { code, told } = objection;
    const message = told.detail ?? told.language?.[0] ?? told.label?.[0] ?? t("trouble.server");
    const field = told.language ? ["language"] : told.label ? ["label"] : null;
    const text = problemText({ code, message, field });
    // In its own words the server says which line.
    return told.line !== undefined && text !== message ? `${t("captions.line", { line: told.line })}: ${text}` : text;
  }

  /** The file as it is, with other things said of it. */
  async function change(track: CaptionsTextFragment, more: Partial<Said>) {
    const file = await fetch(track.url).then((response) => (response.ok ? response.blob() : null)).catch(() => null);
    if (file) await bring({ ...track, ...more }, file);
    else setRefusal(t("trouble.network"));
  }

  return (
    <section id="captions" className="panel p-4 sm:p-5" aria-labelledby="captions-title">
      <h2 id="captions-title" className="mb-1 text-base">
        {t("captions.title")}
      </h2>
      {captions.length === 0 && <p className="text-sm text-muted">{t("captions.none")}</p>}
      <ul className="divide-y divide-line text-sm" data-captions>
        {captions.map((track) => {
          const name = captionName(track, spoken);
          return (
            <li key={`${track.language} ${track.kind}`} className="flex flex-wrap items-center gap-x-3 gap-y-1 py-2">
              <span className="mr-auto min-w-0">
                <bdi className="font-semibold">{name}</bdi>
                <span className="num text-muted">
                  {" "}
                  · {track.language} · {t("captions.cues", { count: track.cues })}
                </span>
              </span>
              {track.kind === "CAPTIONS" && <span className="chip bg-sunken text-muted">SDH</span>}
              {track.forced && <span className="chip bg-sunken text-muted">{t("captions.forced")}</span>}
              {track.default ? (
                <span className="chip bg-tint text-ok">{t("captions.default")}</span>
              ) : (
                <button type="button" className="btn btn-bare btn-small underline" disabled={busy} aria-label={t("captions.makeDefaultOf", { name })} onClick={() => void change(track, { default: true })}>
                  {t("captions.makeDefault")}
                </button>
              )}
              <a className="btn btn-quiet btn-small" href={track.url} download={`${track.language}.vtt`} aria-label={t("captions.downloadOf", { name })}>
                {t("source.download")}
              </a>
              <button
                type="button"
                className="btn-icon btn-bad"
                disabled={busy}
                aria-label={t("captions.remove", { name })}
                title={t("captions.remove", { name })}
                onClick={() => void run(remove({ id: video.id, language: track.language, kind: track.kind }), (data) => data.removeCaptions.userErrors)}
              >
                <TrashIcon />
              </button>
            </li>
          );
        })}
      </ul>
      <Bring busy={busy} sending={sending} bring={bring} />
      <p role="alert" className="mt-2 text-sm font-semibold text-bad empty:hidden">
        {refusal ?? problem}
      </p>
    </section>
  );
}

/** A file, and what is said of it. */
function Bring({ busy, sending, bring }: { busy: boolean; sending: boolean; bring: (said: Said, file: Blob) => Promise<boolean> }) {
  const { t, language: spoken } = useTranslation();
  const id = useId();
  const field = useRef<HTMLInputElement>(null);
  const [file, setFile] = useState<File | null>(null);
  const [chosen, setChosen] = useState(spoken);
  const [tag, setTag] = useState("");
  const [kind, setKind] = useState<CaptionKind>("SUBTITLES");
  const [label, setLabel] = useState("");
  const [isDefault, setDefault] = useState(false);
  const [forced, setForced] = useState(false);
  const names = LANGUAGES.map((one) => [one, languageName(one, spoken)] as const).sort((a, b) => a[1].localeCompare(b[1], spoken));

  async function submit(event: SyntheticEvent) {
    event.preventDefault();
    if (!file) return field.current?.click();
    const language = chosen === OTHER ? tag.trim() : chosen;
    if (await bring({ language, kind, label, default: isDefault, forced }, file)) {
      setFile(null);
      setLabel("");
      setDefault(false);
      setForced(false);
    }
  }

  return (
    <form className="mt-3 flex flex-col gap-3 text-sm" onSubmit={(event) => void submit(event)}>
      <div className="flex flex-wrap items-center gap-3">
        <button type="button" className="btn btn-quiet" disabled={busy} onClick={() => field.current?.click()}>
          <UploadIcon />
          {t("captions.choose")}
        </button>
        <bdi className="min-w-0 break-all text-muted">{file?.name ?? t("captions.forms")}</bdi>
      </div>
      <input
        ref={field}
        type="file"
        accept={KINDS}
        className="hidden"
        tabIndex={-1}
        aria-label={t("captions.choose")}
        onChange={(event) => {
          setFile(event.target.files?.[0] ?? null);
          event.target.value = "";
        }}
      />
      {file && (
        <>
          <div className="grid gap-3 sm:grid-cols-2">
            <div className="flex flex-col gap-1">
              <label htmlFor={`${id}language`}>{t("captions.language")}</label>
              <select id={`${id}language`} className="field select" value={chosen} onChange={(event) => setChosen(event.target.value)}>
                {names.map(([one, name]) => (
                  <option key={one} value={one}>
                    {name}
                  </option>
                ))}
                <option value={OTHER}>{t("captions.other")}</option>
              </select>
            </div>
            {chosen === OTHER && (
              <div className="flex flex-col gap-1">
                <label htmlFor={`${id}tag`}>{t("captions.tag")}</label>
                <input id={`${id}tag`} className="field" required maxLength={35} placeholder="de-CH" autoComplete="off" value={tag} onChange={(event) => setTag(event.target.value)} />
              </div>
            )}
            <div className="flex flex-col gap-1">
              <label htmlFor={`${id}kind`}>{t("captions.kind")}</label>
              <select id={`${id}kind`} className="field select" value={kind} onChange={(event) => setKind(event.target.value as CaptionKind)}>
                <option value="SUBTITLES">{t("captions.kinds.SUBTITLES")}</option>
                <option value="CAPTIONS">{t("captions.kinds.CAPTIONS")}</option>
              </select>
            </div>
            <div className="flex flex-col gap-1">
              <label htmlFor={`${id}label`}>{t("captions.label")}</label>
              <input id={`${id}label`} className="field" dir="auto" maxLength={100} autoComplete="off" value={label} onChange={(event) => setLabel(event.target.value)} />
            </div>
          </div>
          <label className="flex items-center gap-2">
            <input type="checkbox" checked={isDefault} onChange={(event) => setDefault(event.target.checked)} />
            {t("captions.defaultHint")}
          </label>
          <label className="flex items-center gap-2">
            <input type="checkbox" checked={forced} onChange={(event) => setForced(event.target.checked)} />
            {t("captions.forcedHint")}
          </label>
          <div>
            <button type="submit" className="btn btn-primary" disabled={busy}>
              {sending ? t("captions.sending") : t("captions.add")}
            </button>
          </div>
        </>
      )}
    </form>
  );
}
