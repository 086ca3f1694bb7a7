/** The videos that can be watched: all of them, or those of one account. */

import { memo, useEffect, useMemo, useState } from "react";
import { useTranslation } from "../../i18n";
import { Link, useParams, useSearchParams } from "react-router";
import { useQuery } from "urql";
import { LibraryDocument, type VideoFilter, type VideoOrder } from "../../gql/graphql";
import { useGoing } from "../../api/removal";
import { usePollWhenLost, useSettled, useViewer } from "../../api/hooks";
import { useDepth, useIsOpen, type Depth } from "../../ui/depth";
import { count } from "../../ui/format";
import { UploadIcon } from "../../ui/icons";
import { Empty, PageHead, Title, Trouble } from "../../ui/parts";
import { More } from "../../ui/More";
import { VideoCard } from "../../ui/VideoCard";
import { Filters, readFilter } from "./filters";
import { Sections, useFront } from "./sections";

const PAGE = 24;

export function Library() {
  const { t } = useTranslation();
  const { owner = null } = useParams();
  const [params] = useSearchParams();
  const search = useSettled(params.get("q") ?? "", 250);
  const [now] = useState(Date.now);
  const { filter, orderBy, narrowed, plain, tag } = useMemo(() => readFilter(params, search, owner, now), [params, search, owner, now]);
  const choice = JSON.stringify([filter, orderBy]);
  const depth = useDepth(choice);
  const [total, setTotal] = useState<number | null>(null);
  const front = useFront(plain && owner === null);
  const fronted = plain && owner === null && (front.begun.length > 0 || front.most.length > 0);
  const title = owner === null ? t("library.title") : t("owner.title", { name: owner });
  const heading = search.trim() ? t("library.results", { words: search.trim() }) : tag ? t("library.tagged", { tag }) : title;

  if (!front.ready) {
    return (
      <>
        <Title text={title} />
        <PageHead title={heading} />
        <div className={GRID}>
          <Skeletons label={t("library.loading")} />
        </div>
      </>
    );
  }
  return (
    <>
      <Title text={heading} />
      {fronted ? (
        <>
          <h1 className="sr-only">{title}</h1>
          <Sections front={front} />
          <PageHead title={t("library.sections.new")} note={total !== null ? count(total) : undefined} level={2}>
            <Filters />
          </PageHead>
        </>
      ) : (
        <PageHead title={heading} note={total !== null ? count(total) : undefined}>
          <Filters />
        </PageHead>
      )}
      {!fronted && <h2 className="sr-only">{t("library.list")}</h2>}
      <div className={GRID}>
        <Page
          key={choice}
          after={null}
          index={0}
          depth={depth}
          filter={filter}
          orderBy={orderBy}
          onTotal={setTotal}
          empty={<Nothing narrowed={narrowed} owner={owner} />}
        />
      </div>
    </>
  );
}

const GRID = "grid grid-cols-[repeat(auto-fill,minmax(min(100%,16.5rem),1fr))] gap-x-5 gap-y-8";

function Nothing({ narrowed, owner }: { narrowed: boolean; owner: string | null }) {
  const { t } = useTranslation();
  const viewer = useViewer();
  if (narrowed) {
    return (
      <Empty part title={t("library.nothing")} action={<Link className="btn btn-quiet" to={owner === null ? "/" : `/u/${encodeURIComponent(owner)}`}>{t("library.clear")}</Link>}>
        {t("library.nothingAdvice")}
      </Empty>
    );
  }
  if (owner !== null) {
    return <Empty part title={t("owner.empty", { name: owner })} action={<Link className="btn btn-quiet" to="/">{t("notFound.home")}</Link>} />;
  }
  return viewer ? (
    <Empty
      part
      title={t("library.empty")}
      action={
        <Link className="btn btn-primary" to="/upload">
          <UploadIcon />
          {t("nav.upload")}
        </Link>
      }
    >
      {t("library.emptyAdvice")}
    </Empty>
  ) : (
    <Empty part title={t("library.empty")} action={<Link className="btn btn-primary" to="/sign-in">{t("nav.signIn")}</Link>}>
      {t("library.emptySignedOut")}
    </Empty>
  );
}

interface PageProps {
  after: string | null;
  /** Which page it is, from 0. */
  index: number;
  depth: Depth;
  filter: VideoFilter;
  orderBy: VideoOrder | null;
  onTotal?: (total: number) => void;
  empty?: React.ReactNode;
}

/** One page of the grid and, inside it, those after it: each begins where this one really ends. */
const Page = memo(function OnePage({ after, index, depth, filter, orderBy, onTotal, empty }: PageProps) {
  const { t } = useTranslation();
  const open = useIsOpen(depth, index);
  const [{ data, error, fetching }, refetch] = useQuery({
    query: LibraryDocument,
    variables: { first: PAGE, after, filter, orderBy },
    requestPolicy: "cache-and-network",
  });
  usePollWhenLost(refetch);
  const going = useGoing();
  const total = data?.videos.totalCount;
  useEffect(() => {
    if (total !== undefined) onTotal?.(total);
  }, [total, onTotal]);

  if (!data) {
    if (error) {
      return (
        <div className="col-span-full">
          <Trouble error={error} retry={() => refetch({ requestPolicy: "network-only" })} />
        </div>
      );
    }
    return fetching ? <Skeletons label={t("library.loading")} /> : null;
  }
  const { nodes, pageInfo } = data.videos;
  if (nodes.length === 0 && after === null) return <div className="col-span-full">{empty}</div>;
  return (
    <>
      {nodes.filter((video) => !going.has(video.id)).map((video, nth) => (
        <VideoCard key={video.id} video={video} eager={after === null && nth < 4} owned={filter.ownerName !== undefined} />
      ))}
      {pageInfo.hasNextPage &&
        (open ? (
          <Page {...{ filter, orderBy, depth }} after={pageInfo.endCursor ?? null} index={index + 1} />
        ) : (
          <More onMore={depth.more} />
        ))}
    </>
  );
});

function Skeletons({ label }: { label: string }) {
  return (
    <>
      <span role="status" className="sr-only">
        {label}
      </span>
      {Array.from({ length: 12 }, (_, index) => (
        <div key={index} className="flex flex-col gap-2.5" aria-hidden="true">
          <div className="skeleton aspect-video rounded-xl" />
          <div className="skeleton h-4 w-4/5 rounded" />
          <div className="skeleton h-3 w-1/2 rounded" />
        </div>
      ))}
    </>
  );
}
