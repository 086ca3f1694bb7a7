/** Choosing the moment whose picture stands for the video. */

import { useRef } from "react";
import { useTranslation } from "../../i18n";
import { useMutation } from "urql";
import { ChooseThumbnailDocument, ResetThumbnailDocument } from "../../gql/graphql";
import { Player, type PlayerHandle } from "../../player/Player";
import { Modal } from "../../ui/Modal";
import { useDone } from "../../ui/useDone";
import type { StudioVideoData } from "./StudioVideo";

export default function ThumbnailDialog({ video, onClose }: { video: StudioVideoData; onClose: () => void }) {
  const { t } = useTranslation();
  const player = useRef<PlayerHandle>(null);
  const [choosing, choose] = useMutation(ChooseThumbnailDocument);
  const [resetting, reset] = useMutation(ResetThumbnailDocument);
  const { problem, run } = useDone();
  const { playback } = video;
  const busy = choosing.fetching || resetting.fetching;
  const close = (done: boolean) => {
    if (done) onClose();
  };
  return (
    <Modal title={t("studio.chooseThumbnail")} onClose={onClose} wide>
      <p className="mb-3 text-sm text-muted">{t("studio.thumbnailAdvice")}</p>
      {playback && (
        <div className="aspect-video overflow-hidden rounded-xl">
          <Player ref={player} id={`thumbnail-${video.number}`} title={video.title} src={playback.hlsUrl} storyboard={playback.storyboardUrl} />
        </div>
      )}
      <p role="alert" className="mt-3 text-sm font-semibold text-bad empty:hidden">
        {problem}
      </p>
      <div className="mt-4 flex flex-wrap justify-end gap-2">
        {video.thumbnailChosen && (
          <button
            type="button"
            className="btn btn-quiet mr-auto"
            disabled={busy}
            onClick={() => void run(reset({ id: video.id }), (data) => data.resetThumbnail.userErrors).then(close)}
          >
            {t("studio.thumbnailReset")}
          </button>
        )}
        <button type="button" className="btn btn-quiet" onClick={onClose}>
          {t("action.back")}
        </button>
        <button
          type="button"
          className="btn btn-primary"
          disabled={busy || !playback}
          onClick={() => {
            const atSeconds = player.current?.time() ?? 0;
            void run(choose({ id: video.id, atSeconds }), (data) => data.chooseThumbnail.userErrors).then(close);
          }}
        >
          {choosing.fetching ? t("studio.thumbnailBusy") : t("studio.thumbnailTake")}
        </button>
      </div>
    </Modal>
  );
}
