import * as tf from '@tensorflow/tfjs-core';
import { afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import { PRESETS } from '../config';
import { CheckpointError, InputError, RunConflictError } from '../errors';
import { startDevice } from '../gpu/device';
import { saveVariables, toGpt2Config } from '../model/checkpoint';
import { disposeGpt, parameterCount } from '../model/gpt';
import { halfBits, halfValue, readSafetensors } from '../model/safetensors';
import { rewardModelFrom, rewardParameters } from '../model/rewardHead';
import { tinyGpt } from '../model/tinyGpt';
import { choicesInForce, chooseVariant, declareVariants } from '../ops/kernelVariants';
import { trainTokenizer } from '../text/tokenizer';
import { pretrainingDocuments } from '../text/world/documents';
import { createWorld } from '../text/world/world';
import type { CheckpointFile, Fingerprints, OpenRequest, SessionEvent, StartRequest } from './protocol';
import { TrainingSession } from './session';
import { TOY_SETTINGS, toyRankings } from './toyWorkshop';

const SHAPE = PRESETS.nano;
const MODELS_URL = 'https://nudge.test/models/';
const PRETRAIN: StartRequest = { stage: 'pretrain', runId: 'run-1', seed: 1, settings: TOY_SETTINGS.pretrain };
const NAME = 'transformer.wte.weight';
const KERNEL = 'kernel of the session test';
declareVariants(KERNEL, [
  { name: 'a', quads: false },
  { name: 'b', quads: false },
]);
const CHOICE = { kernel: KERNEL, shape: 'one', variant: 'b' };

describe('the training session', () => {
  /** What the page's origin serves. */
  const served = new Map<string, ArrayBuffer | string>();
  let events: SessionEvent[] = [];
  /** The kernels that were chosen when each step was reported. */
  let kernelsOfSteps: unknown[] = [];

  beforeAll(async () => {
    await startDevice('wasm');
    const documents = pretrainingDocuments(createWorld(1), 1);
    const texts = Array.from({ length: 300 }, () => documents.next().value);
    served.set('nano/tokenizer.json', JSON.stringify(trainTokenizer(texts, SHAPE.vocabulary)));
    for (const [seed, name] of ['base', 'sft'].entries()) {
      const gpt = tinyGpt(seed + 1, SHAPE);
      served.set(`nano/${name}.safetensors`, await saveVariables(gpt.parameters));
      disposeGpt(gpt);
    }
  }, 60_000);
  beforeEach(() => {
    events = [];
    kernelsOfSteps = [];
    served.set('nano/config.json', JSON.stringify(toGpt2Config(SHAPE)));
    vi.stubGlobal('fetch', (url: string) => {
      const body = served.get(url.replace(MODELS_URL, ''));
      return Promise.resolve(body === undefined ? new Response(null, { status: 404 }) : new Response(body));
    });
  });
  afterEach(() => {
    vi.unstubAllGlobals();
    tf.disposeVariables();
  });

  const open = (checkpoints: CheckpointFile[] = [], changes: Partial<OpenRequest> = {}): Promise<TrainingSession> =>
    TrainingSession.open(
      { preset: 'auto', backend: 'wasm', seed: 0, modelsUrl: MODELS_URL, checkpoints, ...changes },
      (event) => {
        events.push(event);
        if (event.type === 'run.metrics') kernelsOfSteps.push(choicesInForce().chosen);
        // So that every step that counts is worth a checkpoint.
        if (event.type === 'run.metrics' && vi.isFakeTimers()) vi.advanceTimersByTime(20_000);
      },
    );
  const checkpoints = (): CheckpointFile[] =>
    events.flatMap((event) => (event.type === 'checkpoint' ? [event.file] : []));
  /** Resolves when a run is over. */
  async function over(runId: string): Promise<SessionEvent> {
    const isOver = (event: SessionEvent): boolean =>
      event.type === 'run.state' && event.runId === runId && ['done', 'stopped', 'failed'].includes(event.state);
    await vi.waitUntil(() => events.some(isOver) && events.at(-1)?.type === 'session.changed', {
      timeout: 20_000,
      interval: 5,
    });
    return events.find(isOver) as SessionEvent;
  }

  it('opens with the shipped models, the small ones where there is no GPU, and says what it has', async () => {
    const session = await open();
    expect(session.report()).toMatchObject({
      device: { backend: 'wasm' },
      model: {
        preset: 'nano',
        parameters: parameterCount(SHAPE),
        context: SHAPE.context,
        vocabulary: SHAPE.vocabulary,
      },
      stages: { base: 'shipped', sft: 'shipped', rewardModel: 'none', policy: 'none' },
      resumable: null,
    });
    expect(events).toEqual([]);
    expect(await session.handlers.memory({})).toMatchObject({ tensors: expect.any(Number) as number });
  });

  it('refuses shipped models that are missing or of another shape', async () => {
    served.set('nano/config.json', JSON.stringify(toGpt2Config({ ...SHAPE, layers: 3 })));
    await expect(open()).rejects.toThrow(CheckpointError);
    served.delete('nano/config.json');
    await expect(open()).rejects.toThrow('404');
  });

  describe('fetches the base model', () => {
    const asked: string[] = [];
    beforeEach(() => {
      asked.length = 0;
      const fetch = globalThis.fetch as unknown as (url: string) => Promise<Response>;
      vi.stubGlobal('fetch', (url: string) => {
        asked.push(url.replace(`${MODELS_URL}nano/`, ''));
        return fetch(url);
      });
    });
    const reply = (session: TrainingSession, from: 'base' | 'sft'): Promise<unknown> | unknown =>
      session.handlers['chat.reply']({
        jobId: 'j',
        conversation: [{ role: 'user', text: 'Hello?' }],
        k: 1,
        from,
        sampling: { temperature: 0, topK: 0, topP: 1, maxNewTokens: 2 },
        seed: 0,
      });

    it('not to open, but by itself after the first reply', async () => {
      const session = await open();
      expect(asked.sort()).toEqual(['config.json', 'sft.safetensors', 'tokenizer.json']);
      expect(session.report()).toMatchObject({ unfetched: ['base'], stages: { base: 'shipped' } });
      vi.useFakeTimers({ toFake: ['setTimeout'] });
      await reply(session, 'sft');
      expect(asked).not.toContain('base.safetensors');
      vi.runAllTimers();
      vi.useRealTimers();
      await vi.waitUntil(() => events.some(({ type }) => type === 'session.changed'));
      expect(session.report()).toMatchObject({ unfetched: [], fingerprints: { base: expect.any(String) as string } });
      expect(asked.filter((file) => file === 'base.safetensors')).toHaveLength(1);
    });

    it('when something needs it, once for all who do; where that fails, says why, and tries again', async () => {
      const session = await open();
      const bytes = served.get('nano/base.safetensors') as ArrayBuffer;
      served.delete('nano/base.safetensors');
      await expect(reply(session, 'base')).rejects.toThrow(/base\.safetensors, got HTTP status 404/);
      served.set('nano/base.safetensors', bytes.slice(0, 99));
      await expect(reply(session, 'base')).rejects.toThrow(/base\.safetensors cannot be used/);
      expect(session.report()).toMatchObject({ unfetched: ['base'], stages: { base: 'shipped' } });
      served.set('nano/base.safetensors', bytes);
      asked.length = 0;
      const sft: StartRequest = { stage: 'sft', runId: 's', seed: 1, settings: TOY_SETTINGS.sft, demonstrations: [] };
      await Promise.all([reply(session, 'base'), session.handlers['train.start'](sft)]);
      expect(asked).toEqual(['base.safetensors']);
      expect(await over('s')).toMatchObject({ state: 'done' });
    });

    it('never, where it was pretrained here; nor the SFT model, which belongs to another base', async () => {
      const first = await open();
      await first.handlers['train.start'](PRETRAIN);
      await over('run-1');
      const files = events.flatMap((event) => (event.type === 'checkpoint' && event.file.final ? [event.file] : []));
      asked.length = 0;
      const second = await open(files);
      expect(asked.sort()).toEqual(['config.json', 'tokenizer.json']);
      expect(second.report().stages).toEqual(first.report().stages);
      expect(second.report()).toMatchObject({ stages: { base: 'trained', sft: 'none' }, pretrainingUndo: 'shipped' });
      const report = await second.handlers['pretraining.undo']({});
      expect(report).toMatchObject({ stages: { base: 'shipped', sft: 'shipped' }, pretrainingUndo: null });
      expect(asked).toContain('sft.safetensors');
    });
  });

  it('brings back everything that pretraining replaced, and gives it to the page to be stored', async () => {
    const gpt = tinyGpt(9, SHAPE);
    const policy = new Map([...gpt.parameters].map(([name, parameter]) => [`policy.${name}`, parameter]));
    const session = await open([
      { name: 'sft', runId: 's', step: 3, final: true, bytes: await saveVariables(tinyGpt(8, SHAPE).parameters) },
      { name: 'policy', runId: 'p', step: 3, final: true, bytes: await saveVariables(policy) },
    ]);
    await session.handlers['model.export']({ name: 'base' });
    const before = session.report();
    await session.handlers['train.start'](PRETRAIN);
    await over('run-1');
    expect(session.report()).toMatchObject({ stages: { base: 'trained', sft: 'none', policy: 'none' } });
    expect(session.report().pretrainingUndo).toBe('earlier');
    events = [];
    const after = await session.handlers['pretraining.undo']({});
    expect({ ...after, resumable: null }).toEqual(before);
    const stored = events.flatMap((event) => (event.type === 'checkpoint' ? [event.file] : []));
    expect(stored.map(({ name }) => name)).toEqual(['sft', 'policy']);
    events = [];
    const later = await open(stored);
    await later.handlers['model.export']({ name: 'base' });
    expect(later.report().fingerprints).toEqual(before.fingerprints);
    await expect(session.handlers['pretraining.undo']({})).rejects.toThrow(InputError);
  });

  it('runs one stage at a time: whatever would meddle has to wait', async () => {
    const session = await open();
    const { handlers } = session;
    await handlers['train.start']({ ...PRETRAIN, startPaused: true });
    const meddling = [
      () => handlers['train.start']({ ...PRETRAIN, runId: 'run-2' }),
      () => handlers['policy.reset']({}),
      () => handlers['model.import']({ name: 'sft', bytes: served.get('nano/sft.safetensors') as ArrayBuffer }),
    ];
    for (const meddle of meddling) expect(meddle).toThrow(RunConflictError);
    // A command for a run that is over, or never was, does nothing.
    expect(handlers['train.stop']({ runId: 'another' })).toBeNull();
    await handlers['train.resume']({ runId: 'run-1' });
    expect(await over('run-1')).toMatchObject({ state: 'done' });
    await handlers['policy.reset']({});
    expect(session.report().stages).toEqual({ base: 'trained', sft: 'none', rewardModel: 'none', policy: 'none' });
  });

  it('starts one run where two are asked for while the weights are still on their way', async () => {
    const { handlers } = await open();
    const start = (runId: string): unknown =>
      handlers['train.start']({
        stage: 'sft',
        runId,
        seed: 1,
        settings: TOY_SETTINGS.sft,
        demonstrations: [],
        startPaused: true,
      });
    const [first, second] = [start('run-1'), start('run-2')];
    expect(await first).toEqual({ runId: 'run-1' });
    await expect(second).rejects.toThrow(RunConflictError);
    await handlers['train.resume']({ runId: 'run-1' });
    expect(await over('run-1')).toMatchObject({ state: 'done' });
  });

  it('pauses, takes one step, and stops, as it is told', async () => {
    const { handlers } = await open();
    const steps = (): number => events.filter(({ type }) => type === 'run.metrics').length;
    await handlers['train.start']({ ...PRETRAIN, startPaused: true });
    await handlers['train.step']({ runId: 'run-1' });
    await vi.waitUntil(() => steps() === 1, { timeout: 20_000 });
    await handlers['train.pause']({ runId: 'run-1' });
    await handlers['train.stop']({ runId: 'run-1' });
    expect(await over('run-1')).toMatchObject({ state: 'stopped' });
    expect(steps()).toBe(1);
  });

  it('stopped or failed before its first step, leaves models, checkpoints and an interrupted run alone', async () => {
    const gpt = tinyGpt(9, SHAPE);
    const rewardModel = await saveVariables(rewardParameters(rewardModelFrom(gpt, 1)));
    const interrupted = { name: 'base', runId: 'earlier', step: 2, final: false } as const;
    const request = JSON.stringify({ ...PRETRAIN, runId: 'earlier' });
    const kernels = JSON.stringify({ chosen: [], refused: [] });
    const bytes = await saveVariables(gpt.parameters, { request, kernels, steps: '4' });
    const { handlers, report } = await open([
      { name: 'rewardModel', runId: 'r', step: 3, final: true, bytes: rewardModel },
      { ...interrupted, bytes },
    ]).then((session) => ({ handlers: session.handlers, report: () => session.report() }));
    await handlers['model.export']({ name: 'base' }); // so that fine-tuning need not bring it
    const before = report();
    expect(before.resumable).toMatchObject({ runId: 'earlier' });
    const { ppo, sft } = TOY_SETTINGS;
    const requests: StartRequest[] = [
      { stage: 'sft', runId: 'a', seed: 1, settings: sft, demonstrations: [], startPaused: true },
      { stage: 'ppo', runId: 'b', seed: 1, settings: ppo, extraPrompts: [], continuePolicy: true, startPaused: true },
    ];
    for (const request of requests) {
      await handlers['train.start'](request);
      await handlers['train.stop']({ runId: request.runId });
      expect(await over(request.runId)).toMatchObject({ state: 'stopped' });
    }
    await handlers['train.start']({ ...PRETRAIN, runId: 'c', settings: { ...TOY_SETTINGS.pretrain, batchSize: -1 } });
    expect(await over('c')).toMatchObject({ state: 'failed' });
    expect(report()).toEqual(before);
    expect(events.filter(({ type }) => type === 'checkpoint')).toEqual([]);
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
        [events, kernelsOfSteps] = [[], []];
        const later = await open([...earlier, first]);
        const { stage } = request;
        expect(later.report().resumable).toEqual({ stage, runId: 'run-1', step: at, steps: of, exact: true });
        expect(choicesInForce().chosen).toEqual([]);
        expect(() => later.handlers['train.continue']({ runId: 'another' })).toThrow(InputError);
        await later.handlers['train.continue']({ runId: 'run-1' });
        expect(await over('run-1')).toMatchObject({ state: 'done' });
        const steps = events.flatMap((event) => (event.type === 'run.metrics' ? [event.step] : []));
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

  it('takes up what the page had stored; of what is damaged it says so, and the shipped models stay', async () => {
    const gpt = tinyGpt(9, SHAPE);
    const rewardModel = rewardModelFrom(gpt, 1);
    const file = (name: CheckpointFile['name'], bytes: ArrayBuffer): CheckpointFile => ({
      name,
      runId: 'r',
      step: 3,
      final: true,
      bytes,
    });
    const good = file('rewardModel', await saveVariables(rewardParameters(rewardModel)));
    const session = await open([good, file('sft', new ArrayBuffer(5)), file('base', good.bytes.slice(0, 999))]);
    expect(session.report().stages).toEqual({
      base: 'shipped',
      sft: 'shipped',
      rewardModel: 'trained',
      policy: 'none',
    });
    expect(events.map((event) => (event.type === 'error' ? event.error.code : event.type))).toEqual([
      'bad-checkpoint',
      'bad-checkpoint',
    ]);
  });

  it('forgets what was made from a model that an import replaces', async () => {
    const bytes = served.get('nano/sft.safetensors') as ArrayBuffer;
    const gpt = tinyGpt(9, SHAPE);
    const rewardModel = await saveVariables(rewardParameters(rewardModelFrom(gpt, 1)));
    const policy = new Map([...gpt.parameters].map(([name, parameter]) => [`policy.${name}`, parameter]));
    const session = await open([
      { name: 'rewardModel', runId: 'r', step: 3, final: true, bytes: rewardModel },
      { name: 'policy', runId: 'p', step: 3, final: true, bytes: await saveVariables(policy) },
    ]);
    expect(session.report().stages).toMatchObject({ rewardModel: 'trained', policy: 'trained' });
    const report = await session.handlers['model.import']({ name: 'sft', bytes });
    expect(report.stages).toEqual({ base: 'shipped', sft: 'trained', rewardModel: 'none', policy: 'none' });
  });

  it('gives an imported model to the page to be stored, from which a later visit has it again', async () => {
    const imported = await saveVariables(tinyGpt(9, SHAPE).parameters, { stage: 'pretrain' }, 'F16');
    const first = await open();
    await first.handlers['model.import']({ name: 'base', bytes: imported });
    const files = events.flatMap((event) => (event.type === 'checkpoint' ? [event.file] : []));
    expect(files).toMatchObject([{ name: 'base', final: true }]);
    expect(events.map(({ type }) => type)).toEqual(['checkpoint', 'session.changed']);
    const second = await open(files);
    const { fingerprints } = first.report();
    expect(second.report()).toMatchObject({
      stages: { base: 'trained', sft: 'shipped' },
      resumable: null,
      fingerprints,
    });
    const weights = async (session: TrainingSession): Promise<unknown> =>
      readSafetensors((await session.handlers['model.export']({ name: 'base' })).bytes).tensors;
    expect(await weights(second)).toEqual(await weights(first));
  });

  it('makes the policy of a round the policy again, bit for bit, and gives it to the page to be stored', async () => {
    const policies = [3, 4].map((seed) => tinyGpt(seed, SHAPE));
    const [ofRound, later] = await Promise.all(policies.map(({ parameters }) => saveVariables(parameters)));
    const session = await open();
    const { handlers } = session;
    await handlers['policy.bringBack']({ bytes: later as ArrayBuffer });
    const bytesOf = async (): Promise<ArrayBuffer> =>
      (await handlers['model.export']({ name: 'policy', exact: true })).bytes;
    const expected = readSafetensors(ofRound as ArrayBuffer).tensors;
    expect(readSafetensors(await bytesOf()).tensors).not.toEqual(expected);
    await handlers['policy.bringBack']({ bytes: ofRound as ArrayBuffer });
    // What a round keeps is the weights as they are, and no bit is lost on the way there and back.
    const kept = await bytesOf();
    expect(readSafetensors(kept).tensors).toEqual(expected);
    await handlers['policy.bringBack']({ bytes: later as ArrayBuffer });
    await handlers['policy.bringBack']({ bytes: kept });
    expect(readSafetensors(await bytesOf()).tensors).toEqual(expected);
    expect(session.report().stages.policy).toBe('trained');
    const stored = events.flatMap((event) => (event.type === 'checkpoint' ? [event.file] : [])).at(-1);
    const inStore = new Map([...expected].map(([name, tensor]) => [`policy.${name}`, tensor]));
    expect(readSafetensors(stored?.bytes as ArrayBuffer).tensors).toEqual(inStore);
  });

  it('gives a model out in 16 bits and takes it in again', async () => {
    const session = await open();
    const { bytes, fileName } = await session.handlers['model.export']({ name: 'sft' });
    expect(fileName).toBe('nudge-nano-sft.safetensors');
    const original = readSafetensors(served.get('nano/sft.safetensors') as ArrayBuffer).tensors.get(NAME)?.values;
    const expected = [...(original ?? [])].map((value) => halfValue(halfBits(value)));
    expect([...(readSafetensors(bytes).tensors.get(NAME)?.values ?? [])]).toEqual(expected);
    const report = await session.handlers['model.import']({ name: 'sft', bytes });
    expect(report.stages).toEqual({ base: 'shipped', sft: 'trained', rewardModel: 'none', policy: 'none' });
    const again = await session.handlers['model.export']({ name: 'sft' });
    expect([...(readSafetensors(again.bytes).tensors.get(NAME)?.values ?? [])]).toEqual(expected);
    await expect(session.handlers['model.export']({ name: 'policy' })).rejects.toThrow(InputError);
    expect(() => session.handlers['model.import']({ name: 'sft', bytes: new ArrayBuffer(3) })).toThrow(CheckpointError);
    expect(session.report().stages.sft).toBe('trained');
  });
});
