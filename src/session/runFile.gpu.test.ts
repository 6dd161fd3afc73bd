import { afterEach, beforeEach, expect, it } from 'vitest';
import { type Device, startDevice } from '../gpu/device';
import { chooseVariant, forgetChoices, shapesOf, variantsOf } from '../ops/kernelVariants';
import '../ops/webgpuKernels';
import { TOY } from '../rlhf/toyWorld';
import type { ReplayReport, SessionEvent, StartRequest } from './protocol';
import { readRunFile, writeRunFile } from './runFile';
import { RunFiles } from './runFiles';
import { stageOf } from './stages/stageOf';
import { TOY_SETTINGS, toyWorkshop } from './toyWorkshop';
import { Tuning } from './tuning';
import type { Workshop } from './workshop';

const NEVER = new AbortController().signal;
const KERNELS = ['causal attention', 'matrix product NN', 'matrix product NT'];
const REQUEST: StartRequest = {
  stage: 'pretrain',
  runId: 'r',
  seed: 3,
  settings: { ...TOY_SETTINGS.pretrain, steps: 30 },
};

let device: Device;
let files: RunFiles;
let workshop: Workshop;
beforeEach(async () => {
  device = await startDevice('webgpu');
  const tuning = new Tuning(() => undefined, [], { bench: { shapes: () => [], measure: () => Promise.resolve(null) } });
  tuning.begin(device);
  files = new RunFiles('nano', TOY, tuning);
  workshop = await toyWorkshop();
});
afterEach(() => {
  forgetChoices();
  device.destroy();
});

/** The file of a run that is begun now, and its losses. */
async function recorded(): Promise<{ bytes: ArrayBuffer; losses: unknown[] }> {
  files.begin(REQUEST, workshop, 'here');
  const stage = stageOf(workshop, REQUEST);
  stage.build(null);
  const losses: unknown[] = [];
  for await (const { step, metrics } of stage.run(NEVER)) {
    if (!metrics) continue;
    losses.push(metrics['loss']);
    const event: SessionEvent = { type: 'run.metrics', runId: 'r', stage: 'pretrain', step, values: metrics };
    files.hear(event);
  }
  stage.release();
  return { bytes: files.save('r').bytes, losses };
}
const replay = (bytes: ArrayBuffer): Promise<ReplayReport> =>
  files.replay(bytes, workshop, 'here', NEVER, () => undefined);

it('a run is replayed to the bit with the kernels that it ran with, which round otherwise than those in force', async () => {
  const { losses } = await recorded();
  for (const kernel of KERNELS)
    for (const shape of shapesOf(kernel))
      chooseVariant(kernel, shape, variantsOf(kernel, device.gpu as GPUDevice, shape).at(-1) ?? null);
  const run = await recorded();
  expect(run.losses).not.toEqual(losses);
  forgetChoices();
  expect(await replay(run.bytes)).toMatchObject({ firstDifference: null, unknownKernels: [] });
  // The same file without its kernels, as those of before they were kept.
  const without = await replay(writeRunFile({ ...readRunFile(run.bytes), kernels: null }));
  expect(without.firstDifference).not.toBeNull();
  expect(without.firstBeyond).toBeNull();
  expect((await recorded()).losses).toEqual(losses);
});
