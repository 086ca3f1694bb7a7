/** Links to a video: its page, a moment in it, the code that puts it into another page. */

import { useState } from "react";
import { useTranslation } from "../../i18n";
import type { VideoDetailFragment } from "../../gql/graphql";
import { clock } from "../../ui/format";
import { CheckIcon, LinkIcon } from "../../ui/icons";
import { Modal } from "../../ui/Modal";
import { Field } from "../../ui/parts";

export default function ShareDialog({ video, time, onClose }: { video: VideoDetailFragment; time: number; onClose: () => void }) {
  const { t } = useTranslation();
  const [withTime, setWithTime] = useState(false);
  const moment = Math.floor(time);
  const suffix = withTime && moment > 0 ? `?t=${moment}` : "";
  const link = `${location.origin}${video.url}${suffix}`;
  const embed = embedCode(`${location.origin}${video.embedUrl}${suffix}`, video);

  return (
    <Modal title={t("watch.share")} onClose={onClose}>
      <div className="flex flex-col gap-4">
        {video.visibility === "PRIVATE" && <p className="rounded-xl bg-warn-tint px-3 py-2 text-sm text-warn">{t("share.private")}</p>}
        <Copy label={t("share.link")} text={link} />
        {moment > 0 && (
          <label className="flex items-center gap-2 text-sm">
            <input type="checkbox" className="size-4 accent-accent" checked={withTime} onChange={(event) => setWithTime(event.target.checked)} />
            {t("share.at", { time: clock(moment) })}
          </label>
        )}
        <Copy label={t("share.embed")} text={embed} />
      </div>
    </Modal>
  );
}

function Copy({ label, text }: { label: string; text: string }) {
  const { t } = useTranslation();
  const [done, setDone] = useState(false);

  async function copy(field: HTMLInputElement | null) {
    field?.select();
    try {
      await navigator.clipboard.writeText(text);
    } catch {
      // Over plain HTTP there is no clipboard: the text is selected, so that the keyboard can copy.
      return;
    }
    setDone(true);
    setTimeout(() => setDone(false), 2_000);
  }

  return (
    <Field label={label}>
      {(props) => (
        <div className="flex gap-2">
          <input {...props} className="field text-sm" readOnly value={text} onFocus={(event) => event.target.select()} />
          <button
            type="button"
            className="btn btn-primary"
            onClick={(event) => void copy(event.currentTarget.parentElement?.querySelector("input") ?? null)}
          >
            {done ? <CheckIcon /> : <LinkIcon />}
            <span aria-live="polite">{done ? t("action.copied") : t("action.copy")}</span>
          </button>
        </div>
      )}
    </Field>
  );
}

/** HTML for other people's pages; the title is the only foreign text in it and is escaped. */
export function embedCode(url: string, video: Pick<VideoDetailFragment, "title" | "width" | "height">): string {
  const width = 640;
  const height = video.width && video.height ? Math.round((width * video.height) / video.width) : 360;
  return `<iframe src="${url}" width="${width}" height="${height}" title="${escapeHtml(video.title)}" frameborder="0" allow="autoplay; fullscreen; picture-in-picture"></iframe>`;
}

function escapeHtml(text: string): string {
  return text.replaceAll("&", "&amp;").replaceAll('"', "&quot;").replaceAll("<", "&lt;").replaceAll(">", "&gt;");
}
