/** What every spec begins with: the page, and that nothing goes wrong behind it unheard. */
import { test as base } from '@playwright/test';
import type { Page } from '@playwright/test';
import type { Workspace } from '../src/app/workspace.svelte';
import { NudgePage } from './nudgePage';

declare global {
  interface Window {
    /** What the page itself works with. */
    nudge: Workspace;
  }
}

export { expect } from '@playwright/test';

export const test = base.extend<{ nudge: NudgePage; mistakes: string[] }>({
  /** Uncaught errors and what the console calls an error; a test that expects some empties the list. */
  mistakes: [
    async ({ context }, use) => {
      const mistakes: string[] = [];
      const listen = (page: Page): void => {
        page.on('pageerror', (error) => mistakes.push(`uncaught: ${error.message}`));
        page.on('console', (message) => {
          if (message.type() === 'error') mistakes.push(`console: ${message.text()}`);
        });
      };
      context.on('page', listen);
      await use(mistakes);
      base.expect(mistakes, 'errors that the page did not handle').toEqual([]);
    },
    { auto: true },
  ],
  nudge: async ({ page }, use) => {
    await use(new NudgePage(page));
  },
});
