// The geometry of a small plot, apart from its drawing.

/** `at`: milliseconds since 1970. */
export interface Point {
  at: number;
  value: number;
}

export interface Plotted {
  path: string;
  dots: { x: number; y: number; outside: boolean }[];
  band: { top: number; height: number } | null;
}

const EDGE = 5;
const round = (n: number): number => Math.round(n * 10) / 10;

/** Points in time order, with the normal range (if any) inside the picture; the picture is `width` × `height`. */
export function plotted(
  points: readonly Point[],
  low: number | null,
  high: number | null,
  width: number,
  height: number,
): Plotted {
  const ordered = [...points].sort((a, b) => a.at - b.at);
  const levels = [...ordered.map((point) => point.value), ...[low, high].filter((bound) => bound !== null)];
  const bottom = Math.min(...levels);
  const spread = Math.max(...levels) - bottom || 1;
  const first = ordered[0]?.at ?? 0;
  const time = (ordered.at(-1)?.at ?? first) - first || 1;
  const x = (at: number) => round(EDGE + ((at - first) / time) * (width - 2 * EDGE));
  const y = (value: number) => round(height - EDGE - ((value - bottom) / spread) * (height - 2 * EDGE));
  const outside = (value: number) => (low !== null && value < low) || (high !== null && value > high);
  const dots = ordered.map(({ at, value }) => ({ x: x(at), y: y(value), outside: outside(value) }));
  const path = dots.map((dot, index) => `${index === 0 ? "M" : "L"}${dot.x} ${dot.y}`).join("");
  const known = low !== null || high !== null;
  const top = high === null ? 0 : y(high);
  const end = low === null ? height : y(low);
  return { path, dots, band: known && levels.length > 0 ? { top, height: Math.max(1, round(end - top)) } : null };
}
