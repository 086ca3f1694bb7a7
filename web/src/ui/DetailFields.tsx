/** The fields that say what a video is and who may see it. */

import { useTranslation } from "react-i18next";
import type { ProblemFragment, Visibility } from "../gql/graphql";
import { Field, Select } from "./parts";

export interface DetailValues {
  title: string;
  description: string;
  visibility: Visibility;
}

export const VISIBILITIES: Visibility[] = ["PRIVATE", "UNLISTED", "PUBLIC"];

export function DetailFields({ values, problems }: { values: DetailValues; problems: ProblemFragment[] }) {
  const { t } = useTranslation();
  const problem = (field: string) => problems.find((one) => one.field?.at(-1) === field)?.message;
  return (
    <>
      <Field label={t("details.title")} error={problem("title")}>
        {(props) => <input {...props} name="title" className="field" defaultValue={values.title} required maxLength={255} />}
      </Field>
      <Field label={t("details.description")} error={problem("description")}>
        {(props) => <textarea {...props} name="description" className="field min-h-20" rows={3} defaultValue={values.description} />}
      </Field>
      <Field label={t("details.visibility")} error={problem("visibility")}>
        {(props) => (
          <Select {...props} name="visibility" defaultValue={values.visibility}>
            {VISIBILITIES.map((one) => (
              <option key={one} value={one}>
                {t(`visibility.${one}`)} – {t(`visibilityHint.${one}`)}
              </option>
            ))}
          </Select>
        )}
      </Field>
    </>
  );
}

export function readDetails(form: HTMLFormElement): DetailValues {
  const data = new FormData(form);
  return {
    title: (data.get("title") as string).trim(),
    description: data.get("description") as string,
    visibility: data.get("visibility") as Visibility,
  };
}
