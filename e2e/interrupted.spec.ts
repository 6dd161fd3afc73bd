/** A run outlives the visit in which it began. */
import { expect, test } from './fixtures';

test('a tab that is closed in the middle of a run keeps the model that there was, and offers to go on', async ({
  nudge,
  page,
}) => {
  test.setTimeout(180_000);
  const sft = (): Promise<string | undefined> => page.evaluate(() => window.nudge.session.report?.fingerprints.sft);
  const step = (): Promise<number> => page.evaluate(() => window.nudge.training.live?.progress?.step ?? 0);
  const stored = (): Promise<number | null> => page.evaluate(stepOfUnfinished);
  await nudge.open({ backend: 'wasm' });
  await nudge.repliesArrived();
  const before = await sft();
  await nudge.start('sft');
  await expect.poll(stored, { timeout: 90_000, intervals: [1000] }).not.toBeNull();
  const at = await stored();

  await page.reload();
  await nudge.ready();
  expect(await sft()).toBe(before);
  await nudge.goTo('Train');
  await expect(nudge.stage('sft')).toContainText(`Interrupted at ${at} of`);
  await page.screenshot({ path: test.info().outputPath('interrupted.png') });
  await nudge
    .stage('sft')
    .getByRole('button', { name: `Go on from ${at}` })
    .click();
  await expect.poll(step, { timeout: 60_000 }).toBeGreaterThan(at ?? Infinity);
  await nudge.runControls.getByRole('button', { name: 'Stop' }).click();
  await expect.poll(sft, { timeout: 30_000 }).not.toBe(before);
  const learned = await sft();
  await nudge.saved();

  await page.reload();
  await nudge.ready();
  expect(await sft()).toBe(learned);
  await nudge.goTo('Train');
  await expect(nudge.stage('sft')).not.toContainText('Interrupted');
  expect(await stored()).toBeNull();
});

/** The step that the stored run has reached; null where none is stored. Runs in the page. */
async function stepOfUnfinished(): Promise<number | null> {
  const answer = <T>(request: IDBRequest<T>): Promise<T> =>
    new Promise((resolve, reject) => {
      request.onsuccess = () => resolve(request.result);
      request.onerror = () => reject(request.error ?? new Error('The database does not answer.'));
    });
  const database = await answer(indexedDB.open('nudge'));
  const transaction = database.transaction(['checkpointHeads', 'checkpointManifests']);
  const head: unknown = await answer(transaction.objectStore('checkpointHeads').get('nano/unfinished'));
  const id = (head as { current: string } | undefined)?.current;
  const manifest: unknown = id && (await answer(transaction.objectStore('checkpointManifests').get(id)));
  database.close();
  return (manifest as { step: number } | undefined)?.step ?? null;
}
