/** With keys alone. */
import { expect, test } from './fixtures';

test('a first visit gets to a ranked reply within a minute, with keys alone and nothing read', async ({
  nudge,
  page,
}) => {
  const started = performance.now();
  await page.goto('./');
  await nudge.rankPrompts(1);
  const seconds = (performance.now() - started) / 1000;
  console.log(`First ranking after ${seconds.toFixed(1)} s`);
  expect(seconds).toBeLessThan(60);
});

test('the keys of the ranking list do what the sheet of keys says', async ({ nudge, page }) => {
  const { keyboard } = page;
  const focused = page.locator('[data-reply]:focus');
  await nudge.open({ backend: 'wasm' });
  await nudge.ask('What can you tell me about Mira?');
  await nudge.repliesArrived();
  await expect(focused).toBeVisible();

  await keyboard.press('?');
  const sheet = page.getByRole('dialog', { name: 'Keys for ranking' });
  await expect(sheet).toBeVisible();
  await keyboard.press('Escape');
  await expect(sheet).toBeHidden();
  await nudge.replyButtons.first().focus();

  const second = await nudge.replyButtons.nth(1).getAttribute('data-reply');
  await keyboard.press('ArrowDown');
  await expect(focused).toHaveAttribute('data-reply', second ?? '');
  await keyboard.press('Alt+ArrowUp');
  await expect(nudge.replyButtons.first()).toHaveAttribute('data-reply', second ?? '');
  await expect(nudge.replyButtons.first()).toHaveAccessibleName(/rank 1/);
  await keyboard.press('0');
  await expect(focused).toHaveAccessibleName(/no rank yet/);
  await keyboard.press('Enter');
  await expect(page.getByRole('button', { name: `Reply ${second}`, exact: false }).first()).toHaveAccessibleName(
    /rank/,
  );

  await nudge.replyButtons.first().focus();
  await keyboard.press('x');
  await expect(nudge.replyButtons.first()).toContainText('breaks the rule');
  await keyboard.press('x');
  await expect(nudge.replyButtons.first()).not.toContainText('breaks the rule');

  await nudge.replyButtons.first().focus();
  await keyboard.press('e');
  const editor = page.getByRole('textbox', { name: /^Make this reply what it should have been/ });
  await expect(editor).toBeFocused();
  await keyboard.press('Escape');
  await expect(editor).toBeHidden();

  await nudge.replyButtons.first().focus();
  await keyboard.press('n');
  await keyboard.type('Mira lives in the tower.');
  await keyboard.press('Enter');
  await expect(nudge.history.getByRole('listitem').last()).toContainText('Mira lives in the tower.');
  await expect(page.getByText('Demonstration kept.')).toBeVisible();
});

test('every place and control can be reached with Tab, and the focus can be seen', async ({ nudge, page }) => {
  await nudge.open({ backend: 'wasm' });
  await nudge.repliesArrived();
  await page.getByRole('tab', { name: 'Chat' }).focus();
  await page.keyboard.press('ArrowRight');
  await expect(page.getByRole('tab', { name: 'Train' })).toBeFocused();
  await expect(page.getByRole('tabpanel', { name: 'Train' })).toBeVisible();
  const reached = new Set<string>();
  for (let i = 0; i < 40; i++) {
    await page.keyboard.press('Tab');
    const { name, outline } = await page.evaluate(() => {
      const element = document.activeElement;
      const style = element && getComputedStyle(element);
      return {
        name: element?.textContent?.trim().slice(0, 40) ?? '',
        outline: style === null ? false : style.outlineStyle !== 'none' || style.boxShadow !== 'none',
      };
    });
    if (name) reached.add(name);
    if (name && !name.startsWith('Nudge')) expect(outline, `${name} shows its focus`).toBe(true);
  }
  for (const wanted of ['Pretrain', 'Fine-tune', 'Start the loop']) expect([...reached]).toContain(wanted);
});

test('what is typed into the box before the first replies are there is a message, not keys for the list', async ({
  nudge,
  page,
}) => {
  await nudge.open({ backend: 'wasm' });
  await nudge.message.focus();
  await nudge.repliesArrived();
  await expect(nudge.message).toBeFocused();
  await page.keyboard.type('Where does Mira live?');
  await expect(nudge.message).toHaveValue('Where does Mira live?');
  await page.keyboard.press('Enter');
  await nudge.repliesArrived();
  await expect(page.locator('[data-reply]:focus')).toBeVisible();
});
