/** The viewer's own videos: a list of many, to find, to sort, to change together. */

import "./texts";
import { useState } from "react";
import { useTranslation } from "../../i18n";
import { Link, useLocation, useSearchParams } from "react-router";
import { useQuery } from "urql";
import { StudioListDocument, type VideoFilter, type VideoOrder } from "../../gql/graphql";
import { usePollWhenLost, useSettled } from "../../api/hooks";
import { useGoing } from "../../api/removal";
import { noteVisit, visit } from "../../app/visits";
import { count } from "../../ui/format";
import { UploadIcon } from "../../ui/icons";
import { Empty, PageHead, Title, Trouble } from "../../ui/parts";
import { BulkBar } from "./BulkBar";
import { readChoices, readColumns, keepColumns, type Column } from "./choices";
import { Head, Row } from "./Row";
import { useSelection, type Selection } from "./selection";
import { Toolbar } from "./Toolbar";

const PAGE = 50;

export default function Studio() {
  const { t } = useTranslation();
  const [params] = useSearchParams();
  const { key } = useLocation();
  const search = useSettled(params.get("q") ?? "", 250);
  const { filter, orderBy, sort, up, narrowed } = readChoices(params, search);
  const choice = JSON.stringify([filter, orderBy]);
  const [depth, setDepth] = useState(() => ({ choice, pages: visit(key).pages ?? 1 }));
  const pages = depth.choice === choice ? depth.pages : 1;
  const [columns, setColumns] = useState(readColumns);
  const [total, setTotal] = useState<number | null>(null);
  const selection = useSelection();

  function more() {
    noteVisit(key, { pages: pages + 1 });
    setDepth({ choice, pages: pages + 1 });
  }

  return (
    <>
      <Title text={t("studio.title")} />
      <PageHead title={t("studio.title")} note={total !== null ? count(total) : undefined}>
        <Link className="btn btn-primary md:hidden" to="/upload">
          <UploadIcon />
          {t("nav.upload")}
        </Link>
      </PageHead>
      <Toolbar
        columns={columns}
        onColumns={(next: ReadonlySet<Column>) => {
          setColumns(next);
          keepColumns(next);
        }}
      />
      {selection.ids.size > 0 && <BulkBar selection={selection} />}
      <table className="studio-table w-full border-collapse text-sm" data-selecting={selection.ids.size > 0 || undefined}>
        <caption className="sr-only">{t("studio.title")}</caption>
        <Head columns={columns} sort={sort} up={up} selection={selection} />
        <Page
          key={choice}
          after={null}
          left={pages}
          onMore={more}
          onTotal={setTotal}
          {...{ filter, orderBy, columns, selection, narrowed }}
        />
      </table>
    </>
  );
}

interface PageProps {
  after: string | null;
  left: number;
  filter: VideoFilter;
  orderBy: VideoOrder;
  columns: ReadonlySet<Column>;
  selection: Selection;
  narrowed: boolean;
  onMore: () => void;
  onTotal?: (total: number) => void;
}

/** One page of the list and, after it, the others: each begins where this one really ends. */
function Page({ after, left, onTotal, ...rest }: PageProps) {
  const { t } = useTranslation();
  const { filter, orderBy, columns, selection, narrowed, onMore } = rest;
  const [{ data, error, fetching }, refetch] = useQuery({
    query: StudioListDocument,
    variables: { first: PAGE, after, filter, orderBy },
    requestPolicy: "cache-and-network",
  });
  usePollWhenLost(refetch);
  const going = useGoing();
  const total = data?.videos.totalCount;
  const [told, setTold] = useState<number | undefined>();
  if (total !== told) {
    setTold(total);
    if (total !== undefined) queueMicrotask(() => onTotal?.(total));
  }
  if (!data) {
    if (error) return <Wide><Trouble error={error} retry={() => refetch({ requestPolicy: "network-only" })} /></Wide>;
    return fetching ? <Wide><div className="skeleton mt-2 h-72 rounded-2xl" aria-busy="true" /></Wide> : null;
  }
  const { nodes, pageInfo } = data.videos;
  if (nodes.length === 0 && after === null) {
    return (
      <Wide>
        {narrowed ? (
          <Empty part title={t("library.nothing")} action={<Link className="btn btn-quiet" to="/studio">{t("library.clear")}</Link>} />
        ) : (
          <Empty part title={t("studio.empty")} action={<Link className="btn btn-primary" to="/upload">{t("nav.upload")}</Link>}>
            {t("library.emptyAdvice")}
          </Empty>
        )}
      </Wide>
    );
  }
  return (
    <>
      <tbody>
        {nodes
          .filter((video) => !going.has(video.id))
          .map((video) => (
            <Row key={video.id} video={video} columns={columns} selection={selection} selected={selection.ids.has(video.id)} />
          ))}
      </tbody>
      {pageInfo.hasNextPage &&
        (left > 1 ? (
          <Page after={pageInfo.endCursor ?? null} left={left - 1} {...rest} />
        ) : (
          <Wide>
            <button type="button" className="btn btn-quiet mx-auto mt-6 flex" onClick={onMore}>
              {t("library.more")}
            </button>
          </Wide>
        ))}
    </>
  );
}

/** Something as wide as the table. */
function Wide({ children }: { children: React.ReactNode }) {
  return (
    <tbody>
      <tr>
        <td colSpan={9}>{children}</td>
      </tr>
    </tbody>
  );
}
