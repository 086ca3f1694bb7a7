/** Runs a mutation and turns whatever is wrong with its answer into a sentence. */

import { useState } from "react";
import { useTranslation } from "../i18n";
import type { OperationResult } from "urql";
import type { ProblemFragment } from "../gql/graphql";
import { problemText } from "./failures";

export function useDone() {
  const { t } = useTranslation();
  const [problem, setProblem] = useState<string | null>(null);

  /** True when it worked. `errors` finds what the server objected to in its answer. */
  async function run<D>(sent: Promise<OperationResult<D>>, errors: (data: D) => ProblemFragment[]): Promise<boolean> {
    setProblem(null);
    const { data, error } = await sent;
    const objections = data ? errors(data) : [];
    if (data && objections.length === 0) return true;
    setProblem(objections[0] ? problemText(objections[0]) : (error?.networkError ? t("trouble.network") : (error?.graphQLErrors[0]?.message ?? t("trouble.server"))));
    return false;
  }

  return { problem, run };
}
