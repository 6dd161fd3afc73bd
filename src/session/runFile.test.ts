import { beforeEach, describe, expect, it } from 'vitest';
import { InputError } from '../errors';
import { startDevice } from '../gpu/device';
import { rewardModelFrom } from '../model/rewardHead';
import { writeSafetensors } from '../model/safetensors';
import { chooseVariant, declareVariants } from '../ops/kernelVariants';
import type { StartRequest } from './protocol';
import { compareRuns, readRunFile, writeRunFile } from './runFile';
import { RunFiles } from './runFiles';
import { Tuning } from './tuning';
import { stageOf } from './stages/stageOf';
import { TOY_SETTINGS, toyRankings, toyWorkshop } from './toyWorkshop';
import type { Workshop } from './workshop';

const common = { runId: 'r', seed: 5 };
const REQUESTS: StartRequest[] = [
  { ...common, stage: 'pretrain', settings: TOY_SETTINGS.pretrain },
  { ...common, stage: 'sft', settings: TOY_SETTINGS.sft, demonstrations: [] },
  { ...common, stage: 'rewardModel', settings: TOY_SETTINGS.rewardModel, rankings: toyRankings(12), heldOut: [] },
  { ...common, stage: 'ppo', settings: TOY_SETTINGS.ppo, extraPrompts: ['Hello!'], continuePolicy: false },
  {
    ...common,
    stage: 'ppo',
    settings: TOY_SETTINGS.ppo,
    extraPrompts: [],
    continuePolicy: false,
    method: { family: 'preferences', name: 'DPO', settings: TOY_SETTINGS.preferences, rankings: toyRankings(8) },
  },
];
const nameOf = (request: StartRequest): string =>
  request.stage === 'ppo' ? (request.method?.name ?? 'PPO') : request.stage;

/** The preset's name and shape are the session's; here they are the toy's. */
const tuning = new Tuning(() => undefined, []);
const files = (workshop: Workshop): RunFiles => new RunFiles('nano', workshop.models.shape, tuning);

/** No backend of these tests has variants: here is a kernel that the stage is watched with. */
const KERNEL = 'kernel of the run file test';
const [A, B] = [
  { name: 'a', quads: false },
  { name: 'b', quads: false },
];
const choose = declareVariants(KERNEL, [A, B]);
const taken = (): string => choose({} as GPUDevice, 'one', [A, B]).name;

describe('a run that is saved', () => {
  let workshop: Workshop;
  beforeEach(async () => {
    await startDevice('wasm');
    workshop = await toyWorkshop();
    const sft = workshop.models.gpt('sft');
    if (sft) await workshop.models.installRewardModels([rewardModelFrom(sft, 1)]);
  });

  /** Runs a stage and saves it; the models have moved on by then. */
  async function saved(request: StartRequest): Promise<ArrayBuffer> {
    const runs = files(workshop);
    const stage = stageOf(workshop, request);
    runs.begin(request, workshop, 'here');
    stage.build(null);
    for await (const { step, metrics } of stage.run(new AbortController().signal))
      if (metrics) runs.hear({ type: 'run.metrics', runId: 'r', stage: request.stage, step, values: metrics });
    await stage.finish();
    stage.release();
    return runs.save('r').bytes;
  }

  const replay = (bytes: ArrayBuffer, adapter: string) =>
    files(workshop).replay(bytes, workshop, adapter, new AbortController().signal, () => undefined);

  it.each(REQUESTS.map((request) => [nameOf(request), request] as const))(
    'replays to the same numbers on the same adapter, to the bit: %s',
    async (_, request) => {
      const report = await replay(await saved(request), 'here');
      expect(report.steps).toBe(report.recordedSteps);
      expect(report.steps).toBeGreaterThan(1);
      expect(report).toMatchObject({ firstDifference: null, firstBeyond: null, largest: 0 });
    },
  );

  it.each(REQUESTS.map((request) => [nameOf(request), request] as const))(
    'replays within the tolerance on another adapter: %s',
    async (_, request) => {
      const bytes = await saved(request);
      await startDevice('cpu');
      workshop = await toyWorkshop();
      const report = await replay(bytes, 'there');
      expect(report.firstBeyond).toBeNull();
      expect(report.largest).toBeLessThan(report.tolerance);
      expect([report.recordedOn, report.replayedOn]).toEqual(['here', 'there']);
    },
  );

  it('replays with the kernels that it ran with, and has the others back afterwards', async () => {
    const [, request] = REQUESTS as [StartRequest, StartRequest];
    chooseVariant(KERNEL, 'one', 'b');
    const bytes = await saved(request);
    tuning.hold({ chosen: [], refused: [] });
    expect(taken()).toBe('a');
    const seen = new Set<string>();
    const watched = {
      ...workshop,
      get world() {
        seen.add(taken());
        return workshop.world;
      },
    };
    const report = await files(workshop).replay(bytes, watched, 'here', new AbortController().signal, () =>
      seen.add(taken()),
    );
    expect(report).toMatchObject({ firstDifference: null, unknownKernels: [] });
    expect([[...seen], taken()]).toEqual([['b'], 'a']);
  });

  it('says which of its kernels are not here', async () => {
    const recorded = readRunFile(await saved(REQUESTS[1] as StartRequest));
    const kernels = {
      chosen: [{ kernel: KERNEL, shape: 'one', variant: 'c' }],
      refused: [{ kernel: 'none', variant: 'a' }],
    };
    const report = await replay(writeRunFile({ ...recorded, kernels }), 'here');
    expect(report.unknownKernels).toEqual([`${KERNEL}: c`, 'none: a']);
    expect((await replay(writeRunFile({ ...recorded, kernels: null }), 'here')).unknownKernels).toEqual([]);
  });

  it('tells from which step on numbers differ, and where that is more than rounding', () => {
    const steps = [1, 2, 3].map((step) => ({ step, values: { loss: 2, lr: 1 } }));
    const moved = [2, 2.0002, 2.1].map((loss, i) => ({ step: i + 1, values: { loss, lr: 1 } }));
    const report = compareRuns({ adapter: 'a', steps }, { adapter: 'b', steps: moved });
    expect(report).toMatchObject({ firstDifference: 2, firstBeyond: 3, steps: 3 });
    expect(report.largest).toBeCloseTo(0.05, 6);
  });

  it('is refused where it is none, or of another model', async () => {
    expect(() => readRunFile(new ArrayBuffer(4))).toThrow(InputError);
    expect(() => readRunFile(writeSafetensors(new Map()))).toThrow(/holds none/);
    const bytes = await saved(REQUESTS[1] as StartRequest);
    const mini = new RunFiles('mini', workshop.models.shape, tuning);
    await expect(mini.replay(bytes, workshop, 'here', new AbortController().signal, () => undefined)).rejects.toThrow(
      /Expected a run of mini/,
    );
    expect(() => files(workshop).save('r')).toThrow(InputError);
  });

  it('can be stopped', async () => {
    const bytes = await saved(REQUESTS[1] as StartRequest);
    const controller = new AbortController();
    controller.abort();
    await expect(files(workshop).replay(bytes, workshop, 'here', controller.signal, () => undefined)).rejects.toThrow();
  });
});
