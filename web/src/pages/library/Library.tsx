/** All videos that the viewer may see. */

import { useEffect, useMemo, useRef, useState } from "react";
import { useTranslation } from "react-i18next";
import { Link, useLocation, useSearchParams } from "react-router";
import { useQuery } from "urql";
import { LibraryDocument, type VideoFilter, type VideoOrder } from "../../gql/graphql";
import { usePollWhenLost, useSettled, useViewer } from "../../api/hooks";
import { count } from "../../ui/format";
import { UploadIcon } from "../../ui/icons";
import { Empty, PageHead, Title, Trouble } from "../../ui/parts";
import { VideoCard } from "../../ui/VideoCard";
import { Filters, readFilter } from "./filters";

const PAGE = 24;

/** How many pages each visit of the library had open, so that going back finds them again. */
const depths = new Map<string, number>();

export function Library() {
  const { t } = useTranslation();
  const viewer = useViewer();
  const [params] = useSearchParams();
  const { key } = useLocation();
  const search = useSettled(params.get("q") ?? "", 250);
  const { filter, orderBy, narrowed } = useMemo(() => readFilter(params, search), [params, search]);
  const choice = JSON.stringify([filter, orderBy]);
  const [depth, setDepth] = useState(() => ({ choice, pages: depths.get(key) ?? 1 }));
  const pages = depth.choice === choice ? depth.pages : 1;
  const [total, setTotal] = useState<number | null>(null);

  function more() {
    depths.set(key, pages + 1);
    setDepth({ choice, pages: pages + 1 });
  }

  return (
    <>
      <Title text={t("library.title")} />
      <PageHead title={t("library.title")} note={total !== null ? count(total) : undefined} />
      <Filters mine={viewer !== null} />
      <div className="grid grid-cols-[repeat(auto-fill,minmax(min(100%,16.5rem),1fr))] gap-x-5 gap-y-8">
        <Page
          key={choice}
          after={null}
          left={pages}
          filter={filter}
          orderBy={orderBy}
          onMore={more}
          onTotal={setTotal}
          empty={
            narrowed ? (
              <Empty title={t("library.nothing")} action={<Link className="btn btn-quiet" to="/">{t("library.clear")}</Link>}>
                {t("library.nothingAdvice")}
              </Empty>
            ) : viewer ? (
              <Empty
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
              <Empty
                title={t("library.empty")}
                action={<Link className="btn btn-primary" to="/sign-in">{t("nav.signIn")}</Link>}
              >
                {t("library.emptySignedOut")}
              </Empty>
            )
          }
        />
      </div>
    </>
  );
}

interface PageProps {
  after: string | null;
  /** Pages to show from this one on. */
  left: number;
  filter: VideoFilter;
  orderBy: VideoOrder | null;
  onMore: () => void;
  onTotal?: (total: number) => void;
  empty?: React.ReactNode;
}

/** One page of the grid and, inside it, those after it: each begins where this one really ends. */
function Page({ after, left, filter, orderBy, onMore, onTotal, empty }: PageProps) {
  const { t } = useTranslation();
  const [{ data, error, fetching }, refetch] = useQuery({
    query: LibraryDocument,
    variables: { first: PAGE, after, filter, orderBy },
    requestPolicy: "cache-and-network",
  });
  usePollWhenLost(refetch);
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
      {nodes.map((video, index) => (
        <VideoCard key={video.id} video={video} eager={after === null && index < 4} />
      ))}
      {pageInfo.hasNextPage &&
        (left > 1 ? (
          <Page {...{ filter, orderBy, onMore }} after={pageInfo.endCursor ?? null} left={left - 1} />
        ) : (
          <More onMore={onMore} />
        ))}
    </>
  );
}

/** Asks for the next page when it comes near the screen; a button for those who go by keys. */
function More({ onMore }: { onMore: () => void }) {
  const { t } = useTranslation();
  const mark = useRef<HTMLDivElement>(null);
  const latest = useRef(onMore);
  useEffect(() => {
    latest.current = onMore;
  });
  useEffect(() => {
    const element = mark.current;
    if (!element) return;
    const observer = new IntersectionObserver(
      (entries) => {
        if (entries.some((entry) => entry.isIntersecting)) latest.current();
      },
      { rootMargin: "600px" },
    );
    observer.observe(element);
    return () => observer.disconnect();
  }, []);
  return (
    <div ref={mark} className="col-span-full flex justify-center pt-2">
      <button type="button" className="btn btn-quiet" onClick={onMore}>
        {t("library.more")}
      </button>
    </div>
  );
}

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
