/** Title, description and visibility of an upload, to edit while it goes up and after. */

import { useCallback } from "react";
import { useClient } from "urql";
import { UpdateUploadDocument, UpdateVideoDocument } from "../gql/graphql";
import { AutoDetails } from "../ui/AutoDetails";
import { useQueue } from "./context";
import type { Details, Item } from "./queue";

export function UploadDetails({ item }: { item: Item }) {
  const queue = useQueue();
  const client = useClient();
  const { key, uploadId, video } = item;

  const save = useCallback(
    async (details: Details) => {
      const errors = await tell();
      if (errors?.length === 0) queue.noteDetails(key, details);
      return errors;

      async function tell() {
        if (video !== null) {
          const input = { id: String(video), ...details };
          const { data } = await client.mutation(UpdateVideoDocument, { input }).toPromise();
          return data?.updateVideo.userErrors ?? null;
        }
        // Not announced yet: the details go along when it is.
        if (uploadId === null) return [];
        const input = { id: uploadId, ...details };
        const { data } = await client.mutation(UpdateUploadDocument, { input }).toPromise();
        return data?.updateUpload.userErrors ?? null;
      }
    },
    [client, queue, key, uploadId, video],
  );

  return <AutoDetails values={item} save={save} />;
}
