/** What a person does on the page, by roles and names. */
import { expect } from '@playwright/test';
import type { Locator, Page } from '@playwright/test';
import type { Settings, StageName } from '../src/config';
import { SETTINGS } from '../src/settingInfo';

export type PlaceName = 'Chat' | 'Train' | 'Compare';

const STAGE_NAMES: Record<StageName, string> = {
  pretrain: 'Pretraining',
  sft: 'Supervised fine-tuning',
  rewardModel: 'Reward model',
  ppo: 'PPO',
};

export interface Address {
  backend?: 'webgpu' | 'wasm' | 'cpu';
  seed?: number;
}

export class NudgePage {
  readonly page: Page;
  readonly statusLine: Locator;
  readonly notices: Locator;
  /** The replies that are being ranked. */
  readonly replies: Locator;
  readonly message: Locator;
  readonly history: Locator;
  readonly runControls: Locator;

  constructor(page: Page) {
    this.page = page;
    this.statusLine = page.getByTestId('status-line');
    this.notices = page.getByRole('log', { name: 'Notices' });
    this.replies = page.getByRole('list', { name: 'Replies, best first' });
    this.message = page.getByRole('textbox', { name: 'You', exact: true });
    this.history = page.getByRole('list', { name: 'Conversation so far' });
    this.runControls = page.getByTestId('run-controls');
  }

  /** Opens the page with the smallest model and waits until the session is there. */
  async open({ backend, seed = 1 }: Address = {}): Promise<void> {
    const query = new URLSearchParams({ preset: 'nano', seed: String(seed), ...(backend && { backend }) });
    await this.page.goto(`./?${query}`);
    await this.ready();
  }

  async ready(): Promise<void> {
    await expect(this.statusLine).toContainText(/nano · \w+/, { timeout: 60_000 });
  }

  /** Waits until everything that the page made is in the browser's storage. */
  async saved(): Promise<void> {
    // What is typed and ranked is gathered for a moment before it is written.
    await this.page.waitForTimeout(300);
    await expect(this.statusLine).toContainText('· saved');
  }

  async goTo(place: PlaceName): Promise<void> {
    await this.page.getByRole('tab', { name: place }).click();
    await expect(this.page.getByRole('tabpanel', { name: place })).toBeVisible();
  }

  // ---- Chat ---------------------------------------------------------------------------------------------------

  /** The buttons of the replies, in the order of the page. */
  get replyButtons(): Locator {
    return this.replies.getByRole('button', { name: /^Reply [A-D]/ });
  }

  /** Waits for four replies that can be ranked, and returns what they say. */
  async repliesArrived(): Promise<string[]> {
    await expect(this.replies).toHaveAttribute('aria-busy', 'false', { timeout: 60_000 });
    await expect(this.replyButtons).toHaveCount(4);
    await expect(this.replyButtons.first()).toBeEnabled();
    return this.replyButtons.allTextContents();
  }

  async ask(message: string): Promise<void> {
    await this.message.fill(message);
    await this.message.press('Enter');
  }

  /** Ranks what is there with the number keys alone; the focus must be on the replies already. */
  async rankWithKeys(): Promise<void> {
    const { keyboard } = this.page;
    const next = this.page.getByRole('button', { name: 'Next', exact: true });
    await expect(this.page.locator('[data-reply]:focus')).toBeVisible();
    // Replies with the same words get one rank together, so fewer keys may do.
    for (const key of ['1', '2', '3', '4']) {
      await keyboard.press(key);
      if (await next.evaluate((button) => button === document.activeElement)) return;
    }
    await expect(next).toBeFocused();
  }

  /** Ranks `count` prompts one after the other, with keys alone, and waits until each is counted. */
  async rankPrompts(count: number): Promise<void> {
    for (let done = 0; done < count; done++) {
      await this.repliesArrived();
      const before = await this.rankingCount();
      await this.rankWithKeys();
      await this.page.keyboard.press('Enter');
      await expect.poll(() => this.rankingCount()).toBe(before + 1);
    }
  }

  /** How many rankings the pipeline's rail says there are. */
  async rankingCount(): Promise<number> {
    const words = await this.page
      .getByRole('navigation', { name: 'Pipeline' })
      .getByRole('button', { name: /^Rank/ })
      .innerText();
    return Number(/^Rank\s+([\d,]+)/.exec(words)?.[1]?.replaceAll(',', '') ?? 0);
  }

  /** Adds 50 rankings of the simulated labeler. */
  async letLabelerRank(): Promise<void> {
    await this.goTo('Chat');
    const before = await this.rankingCount();
    await this.page.getByRole('button', { name: /^Let a simulated labeler rank/ }).click();
    await expect.poll(() => this.rankingCount(), { timeout: 120_000 }).toBeGreaterThan(before);
  }

  // ---- Train --------------------------------------------------------------------------------------------------

  stage(stage: StageName): Locator {
    return this.page.getByRole('list', { name: 'Stages' }).locator('> li').filter({ hasText: STAGE_NAMES[stage] });
  }

  /** Writes values into a stage's settings form. */
  async set<S extends StageName>(stage: S, values: Partial<Settings[S]>): Promise<void> {
    await this.goTo('Train');
    await this.stage(stage).getByRole('button').first().click();
    const form = this.page.getByRole('region', { name: STAGE_NAMES[stage], exact: true });
    const infos: Record<string, { label: string; term: string }> = SETTINGS[stage];
    const boxOf = (key: string): Locator =>
      form.getByRole('textbox', { name: `${infos[key]?.label} ${infos[key]?.term}`, exact: true });
    const [first = ''] = Object.keys(values);
    if (!(await boxOf(first).isVisible())) await form.getByText('Settings', { exact: true }).click();
    for (const [key, value] of Object.entries(values)) {
      const box = boxOf(key);
      await box.fill(String(value));
      await box.press('Tab');
      await expect(box).toHaveAttribute('aria-invalid', 'false');
    }
  }

  /** Presses a stage's own button, or another that starts it, and waits until there is a new run. */
  async start(stage: StageName, button?: Locator): Promise<void> {
    await this.goTo('Train');
    const before = await this.#runOf(stage);
    const verbs = { pretrain: 'Pretrain', sft: 'Fine-tune', rewardModel: 'Train', ppo: 'Run PPO' };
    await (button ?? this.stage(stage).getByRole('button', { name: verbs[stage], exact: true })).click();
    await expect.poll(async () => (await this.#runOf(stage)).id).not.toBe(before.id);
  }

  /** Waits until the run of a stage is over, and well; returns the seconds waited. */
  async done(stage: StageName, timeout = 180_000): Promise<number> {
    const started = performance.now();
    await expect.poll(async () => (await this.#runOf(stage)).live, { timeout }).toBe(false);
    const ending = await this.runControls.innerText();
    expect(ending, (await this.notices.allInnerTexts()).join()).toMatch(new RegExp(`${STAGE_NAMES[stage]}\\s+done`));
    return (performance.now() - started) / 1000;
  }

  #runOf(stage: StageName): Promise<{ id: string | null; live: boolean }> {
    return this.page.evaluate((name) => {
      const run = window.nudge.training.runs[name];
      return { id: run?.id ?? null, live: run?.live ?? false };
    }, stage);
  }

  /** Starts a stage and waits for its end. */
  async train(stage: StageName, timeout?: number): Promise<number> {
    await this.start(stage);
    return this.done(stage, timeout);
  }

  /** The values of a chart as its table gives them, oldest first. */
  async chartValues(title: string): Promise<number[]> {
    const figure = this.page
      .getByRole('figure')
      .filter({ has: this.page.getByRole('heading', { name: title, exact: true }) });
    const table = figure.getByRole('table');
    if (!(await table.isVisible())) await figure.getByText('As a table').click();
    await expect(table.locator('tbody tr')).not.toHaveCount(0);
    const cells = await table.locator('tbody tr td:nth-child(2)').allTextContents();
    // The table begins with the newest, and the page writes minus signs as such.
    return cells.map((cell) => Number(cell.replace('−', '-'))).reverse();
  }
}
