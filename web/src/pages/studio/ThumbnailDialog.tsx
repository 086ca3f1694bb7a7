/** Choosing the moment whose picture stands for the video. */

import { useRef } from "react";
import { useTranslation } from "react-i18next";
import { useMutation } from "urql";
import { ChooseThumbnailDocument } from "../../gql/graphql";
import { Player, type PlayerHandle } from "../../player/Player";
import { Modal } from "../../ui/Modal";
import { useDone } from "../../ui/useDone";
import type { StudioVideoData } from "./StudioVideo";

export default function ThumbnailDialog({ video, onClose }: { video: StudioVideoData; onClose: () => void }) {
  const { t } = useTranslation();
  const player = useRef<PlayerHandle>(null);
  const [{ fetching }, choose] = useMutation(ChooseThumbnailDocument);
  const { problem, run } = useDone();
  const { playback } = video;
  return (
    <Modal title={t("studio.chooseThumbnail")} onClose={onClose} wide>
      <p className="mb-3 text-sm text-muted">{t("studio.thumbnailAdvice")}</p>
      {playback && (
        <div className="aspect-video overflow-hidden rounded-xl">
          <Player ref={player} id={`thumbnail-${video.number}`} title={video.title} src={playback.hlsUrl} storyboard={playback.storyboardUrl} />
        </div>
      )}
      {problem && (
        <p role="alert" className="mt-3 text-sm font-semibold text-bad">
          {problem}
        </p>
      )}
      <div className="mt-4 flex justify-end gap-2">
        <button type="button" className="btn btn-quiet" onClick={onClose}>
          {t("action.back")}
        </button>
        <button
          type="button"
          className="btn btn-primary"
          disabled={fetching}
          onClick={() =>
            void run(choose({ id: video.id, atSeconds: player.current?.time() ?? 0 }), (data) => data.chooseThumbnail.userErrors).then((done) => {
              if (done) onClose();
            })
          }
        >
          {fetching ? t("studio.thumbnailBusy") : t("studio.thumbnailTake")}
        </button>
      </div>
    </Modal>
  );
}
