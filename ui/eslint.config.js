import js from "@eslint/js";
import svelte from "eslint-plugin-svelte";
import globals from "globals";
import ts from "typescript-eslint";

export default ts.config(
  { ignores: ["dist/**", "**/node_modules/**", "shared/src/generated/**"] },
  js.configs.recommended,
  ...ts.configs.strict,
  ...svelte.configs.recommended,
  { languageOptions: { globals: { ...globals.browser, ...globals.node } } },
  { files: ["**/*.svelte", "**/*.svelte.ts"], languageOptions: { parserOptions: { parser: ts.parser } } },
  {
    rules: {
      "max-lines": ["error", 500],
      "max-lines-per-function": ["error", { max: 60, skipBlankLines: true, skipComments: true }],
      "no-console": "error",
      // The compiler checks names; the rule only repeats it and knows no TypeScript globals.
      "no-undef": "off",
      "svelte/no-at-html-tags": "error",
    },
  },
  // Tests group many short cases under one describe.
  {
    files: ["**/*.test.ts", "**/test/**"],
    rules: { "max-lines-per-function": "off", "no-console": "off", "@typescript-eslint/no-non-null-assertion": "off" },
  },
);
