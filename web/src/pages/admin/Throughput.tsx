/** How much was made over the last hour, as a chart and, for those who cannot see it, as a sentence. */

import "uplot/dist/uPlot.min.css";
import { useEffect, useRef } from "react";
import { useTranslation } from "react-i18next";
import uPlot from "uplot";
import { useQuery } from "urql";
import { ThroughputDocument, type ThroughputQuery } from "../../gql/admin/graphql";
import { decimal, span } from "../../ui/format";

const MINUTES = 60;
const EVERY_MS = 30_000;

export default function Throughput() {
  const { t } = useTranslation();
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
      plot = new uPlot(options(element.clientWidth, [t("throughput.media"), t("throughput.finished"), t("throughput.failed")]), columns(samples), element);
    };
    draw();
    const resized = new ResizeObserver(() => plot?.setSize({ width: element.clientWidth, height: 240 }));
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
  }, [samples, t]);

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
      <div ref={frame} className="h-64 w-full overflow-hidden" aria-hidden="true" />
    </>
  );
}

function columns(samples: ThroughputQuery["throughput"]): uPlot.AlignedData {
  return [
    samples.map((one) => Date.parse(one.at) / 1000),
    samples.map((one) => one.mediaSeconds),
    samples.map((one) => one.finished),
    samples.map((one) => one.failed),
  ];
}

function options(width: number, [media = "", finished = "", failed = ""]: string[]): uPlot.Options {
  const style = getComputedStyle(document.documentElement);
  const color = (name: string) => style.getPropertyValue(name).trim();
  const axis = {
    stroke: color("--muted"),
    grid: { stroke: color("--line"), width: 1 },
    ticks: { show: false },
    font: '12px "Instrument Sans Variable", sans-serif',
  };
  const bars = uPlot.paths.bars?.({ size: [0.7, 12], radius: 0.3 });
  return {
    width,
    height: 240,
    cursor: { y: false },
    legend: { live: false },
    scales: { count: { range: (_plot, _low, high) => [0, Math.max(4, high)] }, y: { range: (_plot, _low, high) => [0, Math.max(60, high)] } },
    axes: [
      axis,
      { ...axis, values: (_plot, ticks) => ticks.map((tick) => `${tick} s`), size: 56 },
      { ...axis, scale: "count", side: 1, grid: { show: false }, incrs: [1, 2, 5, 10, 20, 50, 100], size: 32 },
    ],
    series: [
      {},
      { label: media, fill: color("--accent"), width: 0, ...(bars ? { paths: bars } : {}), points: { show: false } },
      { label: finished, scale: "count", stroke: color("--ink"), width: 1.5, points: { show: false } },
      { label: failed, scale: "count", stroke: color("--bad"), width: 1.5, dash: [4, 3], points: { show: false } },
    ],
  };
}
