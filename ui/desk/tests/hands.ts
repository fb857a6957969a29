// What the tests of the window do as a person, and what they ask of the fake workstation.
import type { Locator, Page } from "playwright-core";

export interface Hands {
  id: (testid: string) => Locator;
  fake: (script: string) => Promise<unknown>;
  calls: (command: string) => Promise<unknown[][]>;
  openFirstChart: () => Promise<void>;
}

/** `page` answers the page of the test that runs. */
export function hands(page: () => Page): Hands {
  const id = (testid: string): Locator => page().getByTestId(testid);
  return {
    id,
    fake: (script) => page().evaluate(`window.fake.${script}`),
    calls: (command) =>
      page().evaluate(
        (name) => window.fake.calls.filter((call) => call.command === name).map((call) => call.args),
        command,
      ),
    openFirstChart: async () => {
      await id("patient-row").first().click();
      await id("reason-open").click();
      await id("chart").waitFor();
    },
  };
}
