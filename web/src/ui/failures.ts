/** What the server says went wrong, in the language of the page: by its code, else in its own words. */

import type { FailureTextFragment, ProblemFragment } from "../gql/graphql";
import { t, type Key } from "../i18n";

/** What happened to a video, and what to do about it. */
export function failureText(failure: Pick<FailureTextFragment, "code" | "message" | "advice">) {
  const key = `failed.${failure.code as "crashed"}` as const;
  return {
    message: t(`${key}.message`, { defaultValue: failure.message }),
    advice: t(`${key}.advice`, { defaultValue: failure.advice }),
  };
}

/** What was being done when it failed; empty for what this page does not know. */
export function stageText(stage: string): string {
  return t(`failure.stages.${stage as "probe"}`, { defaultValue: "" });
}

/** What keeps a request from being done. */
export function problemText(problem: Pick<ProblemFragment, "code" | "message"> & { field?: readonly string[] | null | undefined }): string {
  const field = problem.field?.at(-1);
  const key = problem.code === "invalid" && field ? `refused.invalid_${field}` : `refused.${problem.code}`;
  return t(key as Key, { defaultValue: problem.message });
}
