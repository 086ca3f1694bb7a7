/** What stands above the newest videos on the front page: what one has begun, and what others watch. */

import { useEffect, useState, type ReactNode } from "react";
import { useTranslation } from "../../i18n";
import { useClient, useQuery } from "urql";
import { LibraryDocument, OneVideoDocument, type VideoCardFragment } from "../../gql/graphql";
import { begun } from "../../player/memory";
import { VideoCard } from "../../ui/VideoCard";

/** Videos in a row. */
const ROW = 8;
/** With fewer than these the list below says as much. */
const LEAST_MOST = 4;

export interface Front {
  /** False until all of it is known, so that nothing moves when it comes. */
  ready: boolean;
  begun: readonly VideoCardFragment[];
  most: readonly VideoCardFragment[];
}

/** What the front page shows above its list; nothing is asked for unless it is `wanted`. */
export function useFront(wanted: boolean): Front {
  const client = useClient();
  const [mine, setMine] = useState<readonly VideoCardFragment[] | null>(() => (begun().length === 0 ? [] : null));
  const [{ data, error }] = useQuery({
    query: LibraryDocument,
    variables: { first: ROW, filter: { watchable: true }, orderBy: { field: "VIEWS", direction: "DESC" } },
    pause: !wanted,
  });
  useEffect(() => {
    if (!wanted) return;
    let gone = false;
    const asked = begun()
      .slice(0, ROW)
      .map((id) => client.query(OneVideoDocument, { id }).toPromise());
    void Promise.all(asked).then((answers) => {
      // What was deleted, or is not for whoever sits here now, is not there.
      const found = answers.flatMap(({ data }) => (data?.video?.playable ? [data.video] : []));
      if (!gone) setMine(found);
    });
    return () => {
      gone = true;
    };
  }, [client, wanted]);
  const watched = data?.videos.nodes.filter((video) => video.views > 0) ?? [];
  return {
    ready: !wanted || (mine !== null && (data !== undefined || error !== undefined)),
    begun: mine ?? [],
    most: watched.length < LEAST_MOST ? [] : watched,
  };
}

export function Sections({ front }: { front: Front }) {
  const { t } = useTranslation();
  return (
    <>
      <Row title={t("library.sections.continue")} videos={front.begun} />
      <Row title={t("library.sections.most")} videos={front.most} />
    </>
  );
}

function Row({ title, videos }: { title: string; videos: readonly VideoCardFragment[] }): ReactNode {
  if (videos.length === 0) return null;
  return (
    <section className="mb-8 min-w-0" aria-label={title}>
      <h2 className="mb-3 text-lg">{title}</h2>
      <ul className="row-scroll -mx-3 flex snap-x scroll-px-3 gap-5 overflow-x-auto px-3 pb-3 sm:-mx-6 sm:scroll-px-6 sm:px-6">
        {videos.map((video) => (
          <li key={video.id} className="w-60 flex-none snap-start">
            <VideoCard video={video} />
          </li>
        ))}
      </ul>
    </section>
  );
}
