/** The viewer's own videos: a list of many, to find, to sort, to change together. */

/* eslint-disable jsx-a11y/no-redundant-roles -- rows are grids, from which some browsers take it that this is no table */

import "./texts";
import { memo, useMemo, useState } from "react";
import { useTranslation } from "../../i18n";
import { Link, useSearchParams } from "react-router";
import { useQuery } from "urql";
import { StudioListDocument, type VideoFilter, type VideoOrder } from "../../gql/graphql";
import { usePollWhenLost, useSettled } from "../../api/hooks";
import { useGoing } from "../../api/removal";
import { useDepth, useIsOpen, type Depth } from "../../ui/depth";
import { count } from "../../ui/format";
import { UploadIcon } from "../../ui/icons";
import { More } from "../../ui/More";
import { Empty, PageHead, Title, Trouble } from "../../ui/parts";
import { BulkBar } from "./BulkBar";
import { gridOf, readChoices, readColumns, keepColumns, type Column } from "./choices";
import { Head, Row } from "./Row";
import { useSelection, type Rows } from "./selection";
import { Toolbar } from "./Toolbar";

const PAGE = 50;

export default function Studio() {
  const { t } = useTranslation();
  const [params] = useSearchParams();
  const search = useSettled(params.get("q") ?? "", 250);
  const { filter, orderBy, sort, up, narrowed } = useMemo(() => readChoices(params, search), [params, search]);
  const choice = JSON.stringify([filter, orderBy]);
  const depth = useDepth(choice);
  const [columns, setColumns] = useState(readColumns);
  const [total, setTotal] = useState<number | null>(null);
  const selection = useSelection();

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
      <table role="table" className="studio-table w-full text-sm" style={gridOf(columns)} data-selecting={selection.ids.size > 0 || undefined}>
        <caption className="sr-only">{t("studio.title")}</caption>
        <Head columns={columns} sort={sort} up={up} selection={selection} />
        <Page
          key={choice}
          after={null}
          index={0}
          onTotal={setTotal}
          rows={selection.rows}
          {...{ depth, filter, orderBy, columns, narrowed }}
        />
      </table>
    </>
  );
}

interface PageProps {
  after: string | null;
  /** Which page it is, from 0. */
  index: number;
  depth: Depth;
  filter: VideoFilter;
  orderBy: VideoOrder;
  columns: ReadonlySet<Column>;
  rows: Rows;
  narrowed: boolean;
  onTotal?: (total: number) => void;
}

/** One page of the list and, after it, the others: each begins where this one really ends. */
const Page = memo(function OnePage({ after, index, onTotal, ...rest }: PageProps) {
  const { t } = useTranslation();
  const { depth, filter, orderBy, columns, rows, narrowed } = rest;
  const open = useIsOpen(depth, index);
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
      <tbody role="rowgroup">
        {nodes
          .filter((video) => !going.has(video.id))
          .map((video) => (
            <Row key={video.id} video={video} columns={columns} rows={rows} />
          ))}
      </tbody>
      {pageInfo.hasNextPage &&
        (open ? (
          <Page after={pageInfo.endCursor ?? null} index={index + 1} {...rest} />
        ) : (
          <Wide>
            <More onMore={depth.more} />
          </Wide>
        ))}
    </>
  );
});

/** Something as wide as the table. */
function Wide({ children }: { children: React.ReactNode }) {
  return (
    <tbody role="rowgroup">
      <tr role="row">
        <td role="cell" colSpan={9}>{children}</td>
      </tr>
    </tbody>
  );
}
