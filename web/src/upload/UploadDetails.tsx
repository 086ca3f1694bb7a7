/** Title, description, visibility and tags of an upload, to edit while it goes up and after. */

import { useCallback } from "react";
import { useClient } from "urql";
import { UpdateUploadDocument, UpdateVideoDocument } from "../gql/graphql";
import { AutoDetails } from "../ui/AutoDetails";
import { TagField } from "../ui/TagField";
import { tagProblem } from "../ui/tagWords";
import { useQueue } from "./context";
import type { Details, Item } from "./queue";

export function UploadDetails({ item }: { item: Item }) {
  const queue = useQueue();
  const client = useClient();
  const { key, uploadId, video } = item;

  const save = useCallback(
    async (details: Partial<Details>) => {
      const [errors, kept] = await tell();
      if (errors?.length === 0) queue.noteDetails(key, { ...details, ...(details.tags && kept ? { tags: kept } : {}) });
      return errors;

      /** What is wrong with it, and the tags as the server has them then. */
      async function tell() {
        const { tags, ...rest } = details;
        const sent = { ...rest, ...(tags ? { tags: [...tags] } : {}) };
        if (video !== null) {
          const input = { id: String(video), ...sent };
          const { data } = await client.mutation(UpdateVideoDocument, { input }).toPromise();
          return [data?.updateVideo.userErrors ?? null, data?.updateVideo.video?.tags] as const;
        }
        // Not announced yet: the details go along when it is.
        if (uploadId === null) {
          const code = tagProblem(tags ?? []);
          return [code ? [{ code, message: "", field: null }] : [], undefined] as const;
        }
        const input = { id: uploadId, ...sent };
        const { data } = await client.mutation(UpdateUploadDocument, { input }).toPromise();
        return [data?.updateUpload.userErrors ?? null, data?.updateUpload.upload?.tags] as const;
      }
    },
    [client, queue, key, uploadId, video],
  );

  return (
    <div>
      <AutoDetails values={item} save={save} />
      <TagField tags={item.tags} save={(tags) => save({ tags })} />
    </div>
  );
}
