/** Videos that could not be made, newest first, with what the machine said. */

import { failureText } from "../../ui/failures";
import { useState } from "react";
import { useTranslation } from "../../i18n";
import { Link } from "react-router";
import { useMutation, useQuery } from "urql";
import { FailuresDocument, RetryVideoDocument, type FailuresQuery } from "../../gql/admin/graphql";
import { RetryIcon } from "../../ui/icons";
import { Ago, Empty, PageHead, Title, Trouble } from "../../ui/parts";
import { useDone } from "../../ui/useDone";

export default function Failures() {
  const { t } = useTranslation();
  const [pages, setPages] = useState(1);
  return (
    <>
      <Title text={t("admin.tabs.failures")} />
      <PageHead title={t("admin.tabs.failures")} />
      <Page after={null} left={pages} onMore={() => setPages(pages + 1)} />
    </>
  );
}

function Page({ after, left, onMore }: { after: string | null; left: number; onMore: () => void }) {
  const { t } = useTranslation();
  const [{ data, error }, refetch] = useQuery({ query: FailuresDocument, variables: { first: 20, after }, requestPolicy: "cache-and-network" });
  if (error && !data) return <Trouble error={error} retry={() => refetch({ requestPolicy: "network-only" })} />;
  if (!data) return <div className="min-h-[60dvh]" aria-busy="true" />;
  const { nodes, pageInfo } = data.failures;
  if (nodes.length === 0 && after === null) return <Empty title={t("failures.none")}>{t("failures.noneAdvice")}</Empty>;
  return (
    <>
      <ul className="mb-4 flex flex-col gap-4">
        {nodes.map((video) => (
          <Failed key={video.id} video={video} />
        ))}
      </ul>
      {pageInfo.hasNextPage &&
        (left > 1 ? (
          <Page after={pageInfo.endCursor ?? null} left={left - 1} onMore={onMore} />
        ) : (
          <button type="button" className="btn btn-quiet mx-auto flex" onClick={onMore}>
            {t("library.more")}
          </button>
        ))}
    </>
  );
}

function Failed({ video }: { video: FailuresQuery["failures"]["nodes"][number] }) {
  const { t } = useTranslation();
  const [{ fetching }, retry] = useMutation(RetryVideoDocument);
  const { problem, run } = useDone();
  const { failure } = video;
  const log = [failure?.detail, ...(failure?.log ?? [])].filter(Boolean);
  return (
    <li className="panel p-4 sm:p-5">
      <div className="flex flex-wrap items-center gap-x-4 gap-y-2">
        <h2 className="mr-auto min-w-0 text-base">
          <Link to={`/studio/${video.number}`}>{video.title}</Link>
        </h2>
        {video.canRetry && (
          <button
            type="button"
            className="btn btn-quiet btn-small"
            disabled={fetching}
            aria-label={t("failures.retry", { title: video.title })}
            onClick={() => void run(retry({ id: video.id }), (data) => data.retryVideo.userErrors)}
          >
            <RetryIcon width="16" height="16" />
            {t("action.retry")}
          </button>
        )}
      </div>
      <p className="text-sm text-muted">
        {video.owner.username} · <Ago at={video.updatedAt} /> {failure && <>· <code>{failure.code}</code></>}
      </p>
      {failure && (
        <p className="mt-2 text-sm">
          <span className="font-semibold text-bad">{failureText(failure).message}</span> {failureText(failure).advice}
        </p>
      )}
      {problem && (
        <p role="alert" className="mt-2 text-sm font-semibold text-bad">
          {problem}
        </p>
      )}
      {log.length > 0 && (
        <details className="mt-2">
          <summary className="text-sm font-semibold">{t("failure.log")}</summary>
          {/* eslint-disable-next-line jsx-a11y/no-noninteractive-tabindex -- scrolls, so keys must reach it */}
          <pre className="mt-2 max-h-72 overflow-auto rounded-xl bg-stage p-3 text-xs text-white" tabIndex={0}>
            {log.join("\n")}
          </pre>
        </details>
      )}
    </li>
  );
}
