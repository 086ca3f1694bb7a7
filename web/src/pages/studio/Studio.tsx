/** The viewer's own videos as a list, with what happens to each. */

import { useState } from "react";
import { useTranslation } from "react-i18next";
import { Link } from "react-router";
import { useQuery } from "urql";
import { LibraryDocument, type VideoCardFragment } from "../../gql/graphql";
import { isMoving, useLiveVideo, usePollWhenLost } from "../../api/hooks";
import { count, percent, span } from "../../ui/format";
import { UploadIcon } from "../../ui/icons";
import { Ladder } from "../../ui/Ladder";
import { Ago, Empty, PageHead, StateChip, Title, Trouble, VisibilityMark } from "../../ui/parts";
import { Thumb } from "../../ui/Thumb";

const PAGE = 30;

export default function Studio() {
  const { t } = useTranslation();
  const [pages, setPages] = useState(1);
  return (
    <>
      <Title text={t("studio.title")} />
      <PageHead title={t("studio.title")}>
        <Link className="btn btn-primary md:hidden" to="/upload">
          <UploadIcon />
          {t("nav.upload")}
        </Link>
      </PageHead>
      <Page after={null} left={pages} onMore={() => setPages(pages + 1)} />
    </>
  );
}

function Page({ after, left, onMore }: { after: string | null; left: number; onMore: () => void }) {
  const { t } = useTranslation();
  const [{ data, error, fetching }, refetch] = useQuery({
    query: LibraryDocument,
    variables: { first: PAGE, after, filter: { mine: true } },
    requestPolicy: "cache-and-network",
  });
  usePollWhenLost(refetch);
  if (!data) {
    if (error) return <Trouble error={error} retry={() => refetch({ requestPolicy: "network-only" })} />;
    return fetching ? <div className="skeleton h-40 rounded-2xl" aria-busy="true" /> : null;
  }
  const { nodes, pageInfo } = data.videos;
  if (nodes.length === 0 && after === null) {
    return (
      <Empty title={t("studio.empty")} action={<Link className="btn btn-primary" to="/upload">{t("nav.upload")}</Link>}>
        {t("library.emptyAdvice")}
      </Empty>
    );
  }
  return (
    <>
      <ul className="flex flex-col">
        {nodes.map((video) => (
          <Row key={video.id} video={video} />
        ))}
      </ul>
      {pageInfo.hasNextPage &&
        (left > 1 ? (
          <Page after={pageInfo.endCursor ?? null} left={left - 1} onMore={onMore} />
        ) : (
          <button type="button" className="btn btn-quiet mx-auto mt-6 flex" onClick={onMore}>
            {t("library.more")}
          </button>
        ))}
    </>
  );
}

function Row({ video }: { video: VideoCardFragment }) {
  const { t } = useTranslation();
  useLiveVideo(video.id, isMoving(video.state));
  const { progress } = video;
  return (
    <li className="relative grid grid-cols-[7.5rem_1fr] items-center gap-x-4 gap-y-2 border-t border-line py-3 hover:bg-sunken sm:grid-cols-[9rem_minmax(0,1fr)_minmax(10rem,15rem)_8rem]" data-video={video.number}>
      <div className="relative aspect-video overflow-hidden rounded-lg bg-linear-150 from-[#20392f] to-[#101512]">
        <Thumb video={video} />
      </div>
      <div className="min-w-0">
        <h2 className="truncate text-base">
          <Link to={`/studio/${video.number}`} className="no-underline after:absolute after:inset-0 hover:underline">
            {video.title}
          </Link>
        </h2>
        <p className="flex flex-wrap gap-x-2.5 text-sm text-muted">
          <Ago at={video.createdAt} />
          <VisibilityMark visibility={video.visibility} />
          {video.state === "READY" && t("video.views", { count: video.views, shown: count(video.views) })}
        </p>
        {video.failure && <p className="mt-1 line-clamp-2 text-sm text-bad">{video.failure.message}</p>}
      </div>
      <div className="max-sm:col-span-2">
        {video.state === "PROCESSING" && <Ladder renditions={video.renditions} className="text-accent" />}
      </div>
      <div className="num flex items-center gap-2 text-sm max-sm:col-start-2 sm:flex-col sm:items-end">
        <StateChip state={video.state} />
        {video.state === "PROCESSING" && (
          <span className="text-muted">
            {percent(progress?.percent)}
            {progress?.etaSeconds ? ` · ${span(progress.etaSeconds)}` : ""}
          </span>
        )}
        {video.state === "QUEUED" && progress?.queuePosition && (
          <span className="text-muted">{t("progress.position", { n: progress.queuePosition })}</span>
        )}
      </div>
    </li>
  );
}
