/** How much was made over the last hour, as a chart and, for those who cannot see it, as a sentence. */

import "uplot/dist/uPlot.min.css";
import { useEffect, useRef } from "react";
import { useTranslation } from "../../i18n";
import uPlot from "uplot";
import { useQuery } from "urql";
import { ThroughputDocument, type ThroughputQuery } from "../../gql/admin/graphql";
import { decimal, language, span } from "../../ui/format";

const MINUTES = 60;
const EVERY_MS = 30_000;
const HEIGHT = 220;

export default function Throughput() {
  const { t, language: tongue } = useTranslation();
  const [{ data }, refetch] = useQuery({ query: ThroughputDocument, variables: { minutes: MINUTES }, requestPolicy: "cache-and-network" });
  const frame = useRef<HTMLDivElement>(null);
  const samples = data?.throughput;

  useEffect(() => {
    const timer = setInterval(() => refetch({ requestPolicy: "network-only" }), EVERY_MS);
    return () => clearInterval(timer);
  }, [refetch]);

  useEffect(() => {
    const element = frame.current;
    if (!element || !samples) return;
    let plot: uPlot | null = null;
    const draw = () => {
      plot?.destroy();
      plot = new uPlot(options(element.clientWidth, language()), columns(samples), element);
    };
    draw();
    const resized = new ResizeObserver(() => plot?.setSize({ width: element.clientWidth, height: HEIGHT }));
    resized.observe(element);
    const dark = matchMedia("(prefers-color-scheme: dark)");
    dark.addEventListener("change", draw);
    const themed = new MutationObserver(draw);
    themed.observe(document.documentElement, { attributeFilter: ["data-theme"] });
    return () => {
      resized.disconnect();
      themed.disconnect();
      dark.removeEventListener("change", draw);
      plot?.destroy();
    };
  }, [samples, tongue]);

  const media = samples?.reduce((sum, one) => sum + one.mediaSeconds, 0) ?? 0;
  const encode = samples?.reduce((sum, one) => sum + one.encodeSeconds, 0) ?? 0;
  return (
    <>
      <p className="num mb-3 text-sm text-muted">
        {t("throughput.summary", {
          count: samples?.reduce((sum, one) => sum + one.finished, 0) ?? 0,
          media: media > 0 ? span(media) : "0 s",
          speed: encode > 0 ? decimal(media / encode, 1) : "–",
        })}
      </p>
      <div ref={frame} className="h-[220px] w-full overflow-hidden" aria-hidden="true" />
      <ul className="mt-3 flex flex-wrap gap-x-6 gap-y-1 text-sm text-muted">
        <li className="flex items-center gap-2">
          <span className="h-3 w-2 rounded-sm bg-accent" aria-hidden="true" />
          {t("throughput.media")}
        </li>
        <li className="num flex items-center gap-2">
          <span className="size-2 rounded-full bg-bad" aria-hidden="true" />
          {t("throughput.failed")}: {samples?.reduce((sum, one) => sum + one.failed, 0) ?? 0}
        </li>
      </ul>
    </>
  );
}

function columns(samples: ThroughputQuery["throughput"]): uPlot.AlignedData {
  return [
    samples.map((one) => Date.parse(one.at) / 1000),
    samples.map((one) => one.mediaSeconds),
    // Only where there are any: a row of dots on the ground would look like failures.
    samples.map((one) => (one.failed > 0 ? one.failed : null)),
  ];
}

function options(width: number, locale: string): uPlot.Options {
  const style = getComputedStyle(document.documentElement);
  const color = (name: string) => style.getPropertyValue(name).trim();
  const axis = {
    stroke: color("--muted"),
    grid: { stroke: color("--line"), width: 1 },
    ticks: { show: false },
    font: '12px "Instrument Sans Variable", sans-serif',
  };
  const hour = new Intl.DateTimeFormat(locale, { hour: "2-digit", minute: "2-digit" });
  const bars = uPlot.paths.bars?.({ size: [0.7, 12], radius: 0.3 });
  return {
    width,
    height: HEIGHT,
    cursor: { show: false },
    legend: { show: false },
    scales: { count: { range: (_plot, _low, high) => [0, Math.max(4, high)] }, y: { range: (_plot, _low, high) => [0, Math.max(60, high)] } },
    axes: [
      { ...axis, grid: { show: false }, values: (_plot, ticks) => ticks.map((tick) => hour.format(tick * 1000)) },
      { ...axis, values: (_plot, ticks) => ticks.map((tick) => `${tick} s`), size: 56 },
    ],
    series: [
      {},
      { fill: color("--accent"), width: 0, ...(bars ? { paths: bars } : {}), points: { show: false } },
      { scale: "count", paths: () => null, points: { show: true, size: 9, fill: color("--bad"), stroke: color("--surface") } },
    ],
  };
}
