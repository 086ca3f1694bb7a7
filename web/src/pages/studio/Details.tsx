/** Title, description, visibility and tags of a video. */

import { useCallback } from "react";
import { useTranslation } from "../../i18n";
import { useClient } from "urql";
import { UpdateVideoDocument, type UpdateVideoInput } from "../../gql/graphql";
import { AutoDetails } from "../../ui/AutoDetails";
import { TagField } from "../../ui/TagField";
import type { StudioVideoData } from "./StudioVideo";

export function Details({ video }: { video: StudioVideoData }) {
  const { t } = useTranslation();
  const client = useClient();
  const { id } = video;
  const save = useCallback(
    async (details: Omit<UpdateVideoInput, "id">) => {
      const { data } = await client.mutation(UpdateVideoDocument, { input: { id, ...details } }).toPromise();
      return data?.updateVideo.userErrors ?? null;
    },
    [client, id],
  );
  return (
    <section id="details" className="panel p-4 sm:p-5" aria-labelledby="details-title">
      <h2 id="details-title" className="mb-3 text-base">
        {t("details.heading")}
      </h2>
      <AutoDetails values={video} save={save} />
      <TagField tags={video.tags} save={(tags) => save({ tags })} />
    </section>
  );
}
