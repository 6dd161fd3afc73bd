import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { InputError } from '../errors';
import { saveVariables } from '../model/checkpoint';
import { readSafetensors } from '../model/safetensors';
import { rewardModelFrom, rewardParameters } from '../model/rewardHead';
import { tinyGpt } from '../model/tinyGpt';
import { choicesInForce, chooseVariant, declareVariants } from '../ops/kernelVariants';
import type { CheckpointFile, Fingerprints, StartRequest } from './protocol';
import { TOY_SETTINGS, toyRankings } from './toyWorkshop';
import { PRETRAIN, SHAPE, visits } from './visits.testing';

const KERNEL = 'kernel of the session test';
declareVariants(KERNEL, [
  { name: 'a', quads: false },
  { name: 'b', quads: false },
]);
const CHOICE = { kernel: KERNEL, shape: 'one', variant: 'b' };

describe('the training session', () => {
  /** The kernels that were chosen when each step was reported. */
  let kernelsOfSteps: unknown[] = [];
  const visit = visits(() => kernelsOfSteps.push(choicesInForce().chosen));
  const { open, over, checkpoints } = visit;
  beforeEach(() => {
    kernelsOfSteps = [];
  });

  describe('goes on with a run that the end of a visit cut short, to the bits of one that was left alone', () => {
    beforeEach(() => vi.useFakeTimers({ toFake: ['performance'] }));
    afterEach(() => vi.useRealTimers());

    const { sft, rewardModel, preferences, ppo, policyGradient } = TOY_SETTINGS;
    const common = { runId: 'run-1', seed: 5 };
    const policy = {
      ...common,
      ...{ stage: 'ppo' as const, settings: ppo, extraPrompts: ['Hello!'], continuePolicy: false },
    };
    const rankings = toyRankings(104);
    const demonstrations = [{ id: 'own', conversation: rankings[0]?.conversation ?? [], reply: 'Yes, I think it is.' }];
    const REQUESTS: [what: string, at: number, of: number, goesBy: string[], request: StartRequest][] = [
      ['pretraining', 25, 26, [], { ...PRETRAIN, settings: { ...TOY_SETTINGS.pretrain, steps: 26 } }],
      ['SFT', 25, 26, ['base'], { ...common, stage: 'sft', settings: { ...sft, examples: 38 }, demonstrations }],
      [
        'a reward model',
        25,
        26,
        ['sft'],
        { ...common, stage: 'rewardModel', settings: rewardModel, rankings: rankings.slice(0, 58), heldOut: [] },
      ],
      ['PPO', 1, 3, ['sft', 'rewardModel'], policy],
      [
        'RLOO',
        1,
        3,
        ['sft', 'rewardModel'],
        { ...policy, method: { family: 'policyGradient', name: 'RLOO', settings: policyGradient } },
      ],
      [
        'DPO',
        25,
        26,
        ['sft'],
        {
          ...policy,
          method: { family: 'preferences', name: 'DPO', settings: preferences, rankings: rankings.slice(0, 52) },
        },
      ],
      [
        'KTO',
        25,
        26,
        ['sft'],
        {
          ...policy,
          method: { family: 'preferences', name: 'KTO', settings: preferences, rankings: rankings.slice(0, 26) },
        },
      ],
    ];

    it.each(REQUESTS)(
      '%s',
      async (_, at, of, goesBy, request) => {
        const bytes = await saveVariables(rewardParameters(rewardModelFrom(tinyGpt(9, SHAPE), 1)));
        const earlier: CheckpointFile[] = [{ name: 'rewardModel', runId: 'r', step: 3, final: true, bytes }];
        const alone = await open(earlier);
        await alone.handlers['model.export']({ name: 'base' }); // so that fine-tuning need not bring it
        const before = alone.report().fingerprints;
        chooseVariant(KERNEL, 'one', 'b');
        await alone.handlers['train.start'](request);
        expect(await over('run-1')).toMatchObject({ state: 'done' });
        const [first, last] = [checkpoints()[0], checkpoints().at(-1)] as [CheckpointFile, CheckpointFile];
        expect([first, last]).toMatchObject([
          { step: at, final: false },
          { step: of, final: true },
        ]);
        const madeFrom = JSON.parse(readSafetensors(first.bytes).metadata['madeFrom'] ?? '') as Fingerprints;
        expect(madeFrom).toEqual(Object.fromEntries(goesBy.map((name) => [name, before[name as keyof Fingerprints]])));
        visit.events = [];
        kernelsOfSteps = [];
        const later = await open([...earlier, first]);
        const { stage } = request;
        expect(later.report().resumable).toEqual({ stage, runId: 'run-1', step: at, steps: of, exact: true });
        expect(choicesInForce().chosen).toEqual([]);
        expect(() => later.handlers['train.continue']({ runId: 'another' })).toThrow(InputError);
        await later.handlers['train.continue']({ runId: 'run-1' });
        expect(await over('run-1')).toMatchObject({ state: 'done' });
        const steps = visit.events.flatMap((event) => (event.type === 'run.metrics' ? [event.step] : []));
        expect(steps).toEqual(Array.from({ length: of - at }, (_unused, i) => at + 1 + i));
        expect([kernelsOfSteps, choicesInForce().chosen]).toEqual([steps.map(() => [CHOICE]), []]);
        // The weights, the moments and the numbers, byte by byte.
        expect(Buffer.from((checkpoints().at(-1) as CheckpointFile).bytes).equals(Buffer.from(last.bytes))).toBe(true);
        // Of the base, which need not have been fetched again, nothing is asked.
        const own = alone.report().fingerprints[last.name];
        expect(later.report()).toMatchObject({ resumable: null, fingerprints: { [last.name]: own } });
      },
      60_000,
    );
  });

  describe('of an interrupted run', () => {
    const weightsOf = (
      name: 'sft' | 'policy',
      seed: number,
      metadata?: Record<string, string>,
    ): Promise<ArrayBuffer> => {
      const prefix = name === 'policy' ? 'policy.' : '';
      const { parameters } = tinyGpt(seed, SHAPE);
      return saveVariables(new Map([...parameters].map(([own, weights]) => [prefix + own, weights])), metadata);
    };
    /** What is left of one of 3 steps that was cut short after the second. */
    const interrupted = async (
      request: StartRequest,
      metadata: Record<string, string> = {},
    ): Promise<CheckpointFile> => {
      const name = request.stage === 'sft' ? 'sft' : 'policy';
      const toGoOn = {
        request: JSON.stringify(request),
        kernels: JSON.stringify({ chosen: [], refused: [] }),
        steps: '3',
      };
      const bytes = await weightsOf(name, 9, { ...toGoOn, ...metadata });
      return { name, runId: request.runId, step: 2, final: false, bytes };
    };
    const { sft, ppo } = TOY_SETTINGS;
    const common = { runId: 'cut short', seed: 1 };
    const tune: StartRequest = { ...common, stage: 'sft', settings: sft, demonstrations: [] };
    const ppoRun: StartRequest = { ...common, stage: 'ppo', settings: ppo, extraPrompts: [], continuePolicy: true };

    it('says that it goes on up to rounding, on another adapter or without a kernel that it had', async () => {
      const { adapter } = (await open()).report().device;
      const exact = async (metadata: Record<string, string>): Promise<boolean | undefined> =>
        (await open([await interrupted(tune, metadata)])).report().resumable?.exact;
      expect(await exact({ adapter })).toBe(true);
      expect(await exact({ adapter: 'Another GPU' })).toBe(false);
      const kernels = JSON.stringify({ chosen: [{ ...CHOICE, variant: 'c' }], refused: [] });
      expect(await exact({ adapter, kernels })).toBe(false);
    });

    it('offers to go on only beside the models that it began with', async () => {
      const { sft: own } = (await open()).report().fingerprints;
      const offered = async (madeFrom: object, others: CheckpointFile[] = []): Promise<boolean> => {
        const file = await interrupted(ppoRun, { madeFrom: JSON.stringify(madeFrom) });
        return (await open([...others, file])).report().resumable !== null;
      };
      expect(await offered({ sft: own })).toBe(true);
      expect(await offered({ sft: '00000000' })).toBe(false);
      const bytes = await weightsOf('sft', 8);
      const replaced: CheckpointFile = { name: 'sft', runId: 'newer', step: 9, final: true, bytes };
      expect(await offered({ sft: own }, [replaced])).toBe(false);
      expect(await offered({ sft: own, rewardModel: '00000000' })).toBe(false); // which is gone
      // The base comes with the page, and is not here yet.
      expect(await offered({ base: '00000000' })).toBe(true);
    });

    it('leaves the model alone that it is to replace; where there is none, a policy on its way is one', async () => {
      for (const [name, request] of [['sft', tune] as const, ['policy', ppoRun] as const]) {
        const bytes = await weightsOf(name, 8);
        const finished: CheckpointFile = { name, runId: 'earlier', step: 9, final: true, bytes };
        const alone = (await open([finished])).report().fingerprints[name];
        const { fingerprints, resumable } = (await open([finished, await interrupted(request)])).report();
        expect([fingerprints[name], resumable]).toEqual([alone, expect.objectContaining({ runId: 'cut short' })]);
      }
      const first = (await open([await interrupted(ppoRun)])).report();
      expect(first).toMatchObject({ stages: { policy: 'trained' }, resumable: { step: 2 } });
    });
  });
});
