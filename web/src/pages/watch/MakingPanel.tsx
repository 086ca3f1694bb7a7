/** What stands in the player's place while there is nothing to play, and why. */

import { useTranslation } from "../../i18n";
import { Link } from "react-router";
import type { VideoDetailFragment } from "../../gql/graphql";
import { failureText } from "../../ui/failures";
import { percent, span } from "../../ui/format";
import { WarnIcon } from "../../ui/icons";
import { Ladder } from "../../ui/Ladder";
import { Logo } from "../../ui/Logo";

export function MakingPanel({ video, bare = false }: { video: VideoDetailFragment; bare?: boolean }) {
  const { t } = useTranslation();
  const { progress } = video;
  if (video.state === "FAILED" || video.state === "CANCELLED") {
    return (
      <div className="grid size-full place-items-center p-6 text-center text-white">
        <div className="flex max-w-md flex-col items-center gap-2">
          <WarnIcon width="32" height="32" />
          <p className="text-lg font-semibold">{video.failure ? failureText(video.failure).message : t(`state.${video.state}`)}</p>
          {video.canEdit && video.failure && <p className="text-white/85">{failureText(video.failure).advice}</p>}
          {video.canEdit && (
            <Link className="btn mt-2 bg-white text-black" to={`/studio/${video.number}`}>
              {t("action.studio")}
            </Link>
          )}
        </div>
      </div>
    );
  }
  const words = (
    <p className="num flex items-baseline justify-between gap-3 text-sm" role="status">
      <span className="font-semibold">
        {video.state === "QUEUED" && progress?.queuePosition ? t("progress.queued", { n: progress.queuePosition }) : t(`state.${video.state}`)}
      </span>
      {video.state === "PROCESSING" && (
        <span>
          {percent(progress?.percent)}
          {progress?.etaSeconds ? ` · ${t("progress.left", { span: span(progress.etaSeconds) })}` : ""}
        </span>
      )}
    </p>
  );
  if (bare) {
    return (
      <div className="flex flex-col gap-3">
        {words}
        <Ladder renditions={video.renditions} className="text-accent" />
      </div>
    );
  }
  return (
    <div className="grid size-full min-h-64 place-items-center p-6 text-white">
      <div className="flex w-full max-w-sm flex-col gap-4">
        <span className="flex items-center gap-3 text-lg font-semibold">
          <Logo />
          {t("watch.notYet")}
        </span>
        {words}
        <Ladder renditions={video.renditions} />
      </div>
    </div>
  );
}
