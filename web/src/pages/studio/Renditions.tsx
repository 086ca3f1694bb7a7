/** The live table: every rendition, how far, how fast, by which encoder. */

import { useTranslation } from "../../i18n";
import { bytes, decimal, percent, span } from "../../ui/format";
import { Bar, RenditionWord } from "../../ui/parts";
import type { StudioVideoData } from "./StudioVideo";

export function Renditions({ video }: { video: StudioVideoData }) {
  const { t } = useTranslation();
  if (video.renditions.length === 0) return null;
  const folded = video.state === "READY";
  return (
    <section className={`overflow-hidden ${folded ? "pb-2" : "panel"}`} aria-labelledby="renditions">
      <h2 id="renditions" className={folded ? "sr-only" : "px-4 pt-4 pb-1 text-base sm:px-5"}>
        {t("studio.renditions")}
      </h2>
      {/* eslint-disable-next-line jsx-a11y/no-noninteractive-tabindex -- scrolls sideways on a phone, so keys must reach it */}
      <div className="relative overflow-x-auto px-1 max-sm:hidden sm:px-2" tabIndex={0} role="group" aria-labelledby="renditions">
        <table className="table num" data-renditions>
          <thead>
            <tr>
              <th scope="col">{t("rendition.name")}</th>
              <th scope="col">{t("rendition.state")}</th>
              <th scope="col" className="w-full">
                {t("rendition.progress")}
              </th>
              <th scope="col">fps</th>
              <th scope="col">{t("rendition.speed")}</th>
              <th scope="col">{t("rendition.eta")}</th>
              <th scope="col">{t("rendition.encoder")}</th>
              <th scope="col">{t("rendition.attempt")}</th>
              <th scope="col">{t("rendition.size")}</th>
            </tr>
          </thead>
          <tbody>
            {video.renditions.map((one) => {
              const running = one.state === "RUNNING";
              return (
                <tr key={one.id} data-rendition={one.name} data-state={one.state}>
                  <th scope="row" className="border-t border-line text-sm! text-ink!" title={`${one.width}×${one.height} · ${one.codecs ?? ""}`}>
                    {one.name}
                  </th>
                  <td className="whitespace-nowrap">
                    <RenditionWord state={one.state} />
                    {one.error && <p className="w-44 text-xs whitespace-normal text-bad">{one.error}</p>}
                  </td>
                  <td>
                    <div className="flex min-w-28 items-center gap-3">
                      <Bar value={filled(one)} label={t("rendition.of", { name: one.name })} tone={one.state === "FAILED" ? "bad" : "accent"} />
                      <span className="w-11 shrink-0 text-right">
                        {share(one)}
                      </span>
                    </div>
                  </td>
                  <td>{running && one.fps ? decimal(one.fps, 0) : "–"}</td>
                  <td>{running && one.speed ? `${decimal(one.speed, 1)}×` : "–"}</td>
                  <td className="whitespace-nowrap">{running && one.etaSeconds ? span(one.etaSeconds) : "–"}</td>
                  <td>{one.encoder ?? "–"}</td>
                  <td>{one.attempt}</td>
                  <td className="whitespace-nowrap">{one.bytes > 0 ? bytes(one.bytes) : "–"}</td>
                </tr>
              );
            })}
          </tbody>
        </table>
      </div>
      <ul className="num divide-y divide-line px-4 sm:hidden">
        {video.renditions.map((one) => (
          <Narrow key={one.id} one={one} />
        ))}
      </ul>
    </section>
  );
}

/** The same of one rendition where there is no room for columns. */
function Narrow({ one }: { one: StudioVideoData["renditions"][number] }) {
  const { t } = useTranslation();
  const running = one.state === "RUNNING";
  const facts = [
    running && one.fps ? `${decimal(one.fps, 0)} fps` : null,
    running && one.speed ? `${decimal(one.speed, 1)}×` : null,
    running && one.etaSeconds ? t("progress.left", { span: span(one.etaSeconds) }) : null,
    one.bytes > 0 ? bytes(one.bytes) : null,
    one.encoder,
    t("attempts.number", { n: one.attempt }),
  ];
  return (
    <li className="flex flex-col gap-1.5 py-3 text-sm">
      <p className="flex items-baseline gap-3">
        <span className="font-semibold">{one.name}</span>
        <RenditionWord state={one.state} />
        <span className="ml-auto font-semibold">{share(one)}</span>
      </p>
      <Bar value={filled(one)} label={t("rendition.of", { name: one.name })} tone={one.state === "FAILED" ? "bad" : "accent"} />
      <p className="text-muted">{facts.filter(Boolean).join(" · ")}</p>
      {one.error && <p className="text-bad">{one.error}</p>}
    </li>
  );
}

/** How far it is in words; 100 only when it is done. */
function share(one: StudioVideoData["renditions"][number]): string {
  if (one.state === "DONE") return percent(100, true);
  return one.state === "RUNNING" ? percent(one.percent) : "–";
}

/** How far its bar goes; null when that cannot be told. */
function filled(one: StudioVideoData["renditions"][number]): number | null {
  if (one.state === "DONE") return 100;
  if (one.state !== "RUNNING") return 0;
  return one.percent === null ? null : Math.min(99, one.percent);
}
