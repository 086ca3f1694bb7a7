/** How the server is set up, and where each setting comes from; to look at only. */

import { useState } from "react";
import { t, useTranslation, type Key } from "../../i18n";
import { useQuery } from "urql";
import { SettingsDocument, type SettingsQuery } from "../../gql/admin/graphql";
import { Empty, PageHead, Title, Trouble } from "../../ui/parts";

type Setting = SettingsQuery["settings"][number];

export default function Settings() {
  const { t } = useTranslation();
  const [{ data, error }, refetch] = useQuery({ query: SettingsDocument, requestPolicy: "cache-and-network" });
  const [text, setText] = useState("");
  const [changed, setChanged] = useState(false);
  if (error && !data) return <Trouble error={error} retry={() => refetch({ requestPolicy: "network-only" })} />;
  if (!data) return <div className="min-h-[60dvh]" aria-busy="true" />;
  const words = text.toLowerCase().split(/[\s_-]+/).filter(Boolean);
  const found = data.settings.filter((one) => (!changed || one.source !== "DEFAULT") && words.every((word) => searched(one).includes(word)));

  return (
    <>
      <Title text={t("admin.tabs.settings")} />
      <PageHead title={t("admin.tabs.settings")} note={found.length}>
        <label className="flex items-center gap-2 text-sm">
          <input type="checkbox" className="size-4 accent-accent" checked={changed} onChange={(event) => setChanged(event.target.checked)} />
          {t("settings.onlySet")}
        </label>
        <input type="search" className="field max-w-60 text-sm" aria-label={t("settings.search")} placeholder={t("settings.search")} value={text} onChange={(event) => setText(event.target.value)} />
      </PageHead>
      <p className="mb-4 text-sm text-muted">{t("settings.advice")}</p>
      {found.length === 0 ? (
        <Empty part title={t("library.nothing")} />
      ) : (
        // eslint-disable-next-line jsx-a11y/no-noninteractive-tabindex -- scrolls sideways on a phone, so keys must reach it
        <div className="panel overflow-x-auto" tabIndex={0} role="group" aria-label={t("admin.tabs.settings")}>
          <table className="table">
            <thead>
              <tr>
                <th scope="col" className="w-1/2">{t("settings.name")}</th>
                <th scope="col">{t("settings.value")}</th>
                <th scope="col">{t("settings.source")}</th>
              </tr>
            </thead>
            <tbody>
              {found.map((one) => (
                <Row key={one.name} setting={one} />
              ))}
            </tbody>
          </table>
        </div>
      )}
    </>
  );
}

function Row({ setting }: { setting: Setting }) {
  const { t } = useTranslation();
  const set = setting.source !== "DEFAULT";
  return (
    <tr data-setting={setting.name} data-source={setting.source}>
      <th scope="row" className="min-w-56 border-t border-line whitespace-normal! text-sm! text-ink!">
        <code>{setting.flag ?? setting.variable}</code>
        <span className="block font-normal text-muted">{aboutOf(setting)}</span>
      </th>
      <td className="max-w-72 break-words">
        {setting.value !== null ? <code>{setting.value === "" ? "–" : setting.value}</code> : <span className="text-muted">{set ? t("settings.hidden") : t("settings.unset")}</span>}
      </td>
      <td className={set ? "font-semibold" : "text-muted"}>
        {t(`settings.sources.${setting.source}`)}
        {setting.source === "ENVIRONMENT" && <code className="block text-xs font-normal break-all text-muted">{setting.variable}</code>}
      </td>
    </tr>
  );
}

/** What it does, in the language of the page; one that only the server knows, in its own words. */
const aboutOf = (one: Setting) => t(`settingAbout.${one.name}` as Key, { defaultValue: one.about });
const searched = (one: Setting) => `${one.name} ${one.variable} ${aboutOf(one)} ${one.value ?? ""}`.toLowerCase();
