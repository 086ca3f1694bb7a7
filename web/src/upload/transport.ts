/** Uploads over GraphQL (to announce them) and tus (to send their bytes). */

import type { Client } from "urql";
import type { DetailedError, Upload } from "tus-js-client";
import { CreateUploadDocument, DeleteUploadDocument, FinishedUploadDocument, UpdateUploadDocument } from "../gql/graphql";
import { sendNow } from "../api/leaving";
import type { Session } from "../api/session";
import type { Problem, Transport } from "./queue";

/** Small enough for proxies that limit bodies, large enough to cost nothing. */
const CHUNK_BYTES = 64 * 1024 * 1024;

export function createTransport(client: Client, session: Session): Transport {
  return {
    async create(file, details) {
      const result = await client
        .mutation(CreateUploadDocument, {
          input: {
            filename: file.name,
            contentType: file.type || null,
            length: file.size,
            title: details.title,
            description: details.description,
            visibility: details.visibility,
            tags: [...details.tags],
          },
        })
        .toPromise();
      if (result.error) {
        const passing = result.error.networkError !== undefined;
        return { code: passing ? "network" : "server", message: result.error.message, passing };
      }
      const payload = result.data?.createUpload;
      const upload = payload?.upload;
      if (upload) {
        const { id, url } = upload;
        // Only for going on after a reload.
        void import("./kept").then((kept) => kept.keepFile(id, file)).catch(() => undefined);
        return { id, url };
      }
      const problem = payload?.userErrors[0];
      return { code: problem?.code ?? "server", message: problem?.message ?? "", passing: false };
    },

    send(file, uploadId, url, events) {
      let upload: Upload | undefined;
      let stopped = false;
      let video: number | null = null;

      void import("tus-js-client").then(
        (tus) => {
          if (stopped) return;
          upload = new tus.Upload(file, {
            endpoint: null,
            uploadUrl: sameOrigin(url),
            chunkSize: CHUNK_BYTES,
            // The queue decides when to try again, so that the person sees it.
            retryDelays: null,
            storeFingerprintForResuming: false,
            async onBeforeRequest(request) {
              const token = await session.freshToken();
              if (token) request.setHeader("Authorization", `Bearer ${token}`);
            },
            onAfterResponse(_request, response) {
              const number = Number(response.getHeader("Clipsy-Video-Id"));
              if (number > 0) video = number;
            },
            onProgress: (sent) => events.progress(sent),
            onSuccess: () => {
              forget(uploadId);
              if (video !== null) return events.done(video);
              void finishedVideo(uploadId).then(events.done);
            },
            onError: (error) => {
              if (!stopped) events.failed(problemOf(error as DetailedError));
            },
          });
          upload.start();
        },
        () => events.failed({ code: "network", message: "", passing: true }),
      );

      return () => {
        stopped = true;
        void upload?.abort();
      };
    },

    hold(uploadId) {
      let letGo = () => {};
      const held = new Promise<void>((resolve) => (letGo = resolve));
      if ("locks" in navigator) {
        void navigator.locks.request(lockName(uploadId), { ifAvailable: true }, () => held);
      }
      return letGo;
    },

    async edit(uploadId, { title, description, visibility, tags }) {
      await client
        .mutation(UpdateUploadDocument, { input: { id: uploadId, title, description, visibility, tags: [...tags] } })
        .toPromise();
    },

    async remove(uploadId, leaving = false) {
      forget(uploadId);
      if (leaving) return sendNow(DeleteUploadDocument, { id: uploadId });
      await client.mutation(DeleteUploadDocument, { id: uploadId }).toPromise();
    },
  };

  /** For a proxy that swallows headers it does not know. */
  async function finishedVideo(uploadId: string): Promise<number | null> {
    const result = await client
      .query(FinishedUploadDocument, { id: uploadId }, { requestPolicy: "network-only" })
      .toPromise();
    return result.data?.upload?.video?.number ?? null;
  }
}

function forget(uploadId: string) {
  void import("./kept").then((kept) => kept.forgetFile(uploadId)).catch(() => undefined);
}

export function lockName(uploadId: string): string {
  return `clipsy-upload-${uploadId}`;
}

/** Names of the locks that any tab holds: an upload whose lock is among them is under way there. */
export async function heldElsewhere(): Promise<Set<string>> {
  if (!("locks" in navigator)) return new Set();
  const { held } = await navigator.locks.query();
  return new Set((held ?? []).map((lock) => lock.name ?? ""));
}

/** The server may know itself by another name than the browser does; the path is what counts. */
export function sameOrigin(url: string): string {
  const there = new URL(url, globalThis.location.origin);
  return globalThis.location.origin + there.pathname + there.search;
}

/** What a failed request means: whether to try again, and what to say. */
export function problemOf(error: Pick<DetailedError, "originalResponse" | "message">): Problem {
  const response = error.originalResponse;
  if (!response) return { code: "network", message: "", passing: true };
  const status = response.getStatus();
  // 401: the token ran out on the way. 409, 423: another request still holds the upload.
  const passing = status === 0 || status >= 500 ? status !== 507 : [401, 408, 409, 423, 429, 460].includes(status);
  const code = passing ? "network" : status === 404 || status === 410 ? "gone" : "refused";
  return { code, message: detail(response.getBody()), passing };
}

/** The sentence of an error's JSON body. */
function detail(body: string): string {
  try {
    const parsed = JSON.parse(body) as { detail?: unknown };
    return typeof parsed.detail === "string" ? parsed.detail : "";
  } catch {
    return "";
  }
}
