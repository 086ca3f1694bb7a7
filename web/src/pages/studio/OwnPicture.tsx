/** A picture of one's own that stands for the video, and the way back. */

import { useRef, useState } from "react";
import { useTranslation } from "../../i18n";
import { useMutation } from "urql";
import { ResetThumbnailDocument } from "../../gql/graphql";
import { putFile } from "../../api/putFile";
import { problemText } from "../../ui/failures";
import { bytes } from "../../ui/format";
import { UploadIcon } from "../../ui/icons";
import { useDone } from "../../ui/useDone";
import type { StudioVideoData } from "./StudioVideo";

/** As the server has it. */
const MOST_BYTES = 10 * 2 ** 20;
const KINDS = "image/png,image/jpeg,image/webp";

export function OwnPicture({ video, onChanged }: { video: StudioVideoData; onChanged: () => void }) {
  const { t } = useTranslation();
  const field = useRef<HTMLInputElement>(null);
  const [resetting, reset] = useMutation(ResetThumbnailDocument);
  const { problem, run } = useDone();
  const [sending, setSending] = useState(false);
  const [refusal, setRefusal] = useState<string | null>(null);
  const { thumbnailUploadUrl: url } = video;
  if (!url) return null;

  async function bring(file: File) {
    setRefusal(null);
    if (file.size > MOST_BYTES) return setRefusal(t("studio.pictureTooLarge", { size: bytes(MOST_BYTES) }));
    setSending(true);
    setRefusal(await send(url ?? "", file).catch(() => t("trouble.network")));
    setSending(false);
    onChanged();
  }

  /** What the server objected to, if it did. */
  async function send(to: string, file: File): Promise<string | null> {
    const objection = await putFile(to, file);
    if (!objection) return null;
    const { code, told } = objection;
    return problemText({ code: code === "too_large" ? "picture_size" : code, message: told.detail ?? t("trouble.server") });
  }

  return (
    <>
      <button type="button" className="btn btn-quiet w-full" disabled={sending} onClick={() => field.current?.click()}>
        <UploadIcon />
        {sending ? t("studio.pictureSending") : t("studio.ownPicture")}
      </button>
      <input
        ref={field}
        type="file"
        accept={KINDS}
        className="hidden"
        tabIndex={-1}
        aria-label={t("studio.ownPicture")}
        onChange={(event) => {
          const file = event.target.files?.[0];
          event.target.value = "";
          if (file) void bring(file);
        }}
      />
      {video.thumbnailChosen && (
        <button
          type="button"
          className="btn btn-bare btn-small w-full underline"
          disabled={resetting.fetching || sending}
          onClick={() => void run(reset({ id: video.id }), (data) => data.resetThumbnail.userErrors)}
        >
          {t("studio.thumbnailReset")}
        </button>
      )}
      <p role="alert" className="text-sm font-semibold text-bad empty:hidden">
        {refusal ?? problem}
      </p>
    </>
  );
}
