/** The design tokens keep the contrasts that WCAG 2.2 AA asks for, light and dark. */
import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";

const css = readFileSync(new URL("../src/tokens.css", import.meta.url), "utf8");

/** The colours of each block that sets them. */
function block(selector: string): Record<string, string> {
  const from = css.indexOf(selector);
  const body = css.slice(css.indexOf("{", from) + 1, css.indexOf("}", from));
  return Object.fromEntries(
    [...body.matchAll(/--wk-([\w-]+):\s*(#[0-9a-f]{6});/g)].map(([, name, hex]) => [name, hex]),
  );
}

const light = block("\n:root {");
const dark = block(':root:not([data-theme="light"]) {');
const forced = block('\n:root[data-theme="dark"] {');

/** WCAG 2.2 "relative luminance". */
function luminance(hex: string): number {
  const [r, g, b] = [1, 3, 5].map((at) => {
    const c = parseInt(hex.slice(at, at + 2), 16) / 255;
    return c <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4;
  }) as [number, number, number];
  return 0.2126 * r + 0.7152 * g + 0.0722 * b;
}

function contrast(a: string, b: string): number {
  const [x, y] = [luminance(a), luminance(b)].sort((m, n) => n - m) as [number, number];
  return (x + 0.05) / (y + 0.05);
}

const TEXT: [string, string][] = [
  ...["text", "text-2", "link", "danger", "good"].flatMap((text): [string, string][] =>
    ["ground", "surface", "surface-2"].map((back) => [text, back]),
  ),
  ["action-text", "action"],
  ["action-text", "action-hover"],
  ["action-soft-text", "action-soft"],
  ["danger-text", "danger"],
  ["danger-text", "danger-hover"],
  ...["good", "wait", "warn", "danger"].flatMap((tone): [string, string][] => [
    [tone, `${tone}-soft`],
    ["text", `${tone}-soft`],
    ["text-2", `${tone}-soft`],
  ]),
];
const SHAPES: [string, string][] = [
  ...["ground", "surface", "surface-2"].flatMap((back): [string, string][] => [
    ["control-line", back],
    ["focus", back],
    ["action", back],
  ]),
];

describe.each([
  ["light", light],
  ["dark", dark],
])("%s", (_, colours) => {
  it.each(TEXT)("text %s on %s: 4.5 : 1", (text, back) => {
    expect(contrast(colours[text]!, colours[back]!)).toBeGreaterThanOrEqual(4.5);
  });

  it.each(SHAPES)("shape %s on %s: 3 : 1", (shape, back) => {
    expect(contrast(colours[shape]!, colours[back]!)).toBeGreaterThanOrEqual(3);
  });
});

it("dark by choice is dark by the system", () => {
  expect(forced).toEqual(dark);
  expect(Object.keys(dark).sort()).toEqual(Object.keys(light).sort());
});
