import { beforeEach, describe, expect, it, vi } from 'vitest';
import { CheckpointError, InputError, RunConflictError } from '../errors';
import { saveVariables, toGpt2Config } from '../model/checkpoint';
import { parameterCount } from '../model/gpt';
import { halfBits, halfValue, readSafetensors } from '../model/safetensors';
import { rewardModelFrom, rewardParameters } from '../model/rewardHead';
import { tinyGpt } from '../model/tinyGpt';
import type { CheckpointFile, StartRequest } from './protocol';
import type { TrainingSession } from './session';
import { TOY_SETTINGS } from './toyWorkshop';
import { MODELS_URL, PRETRAIN, SHAPE, visits } from './visits.testing';

const NAME = 'transformer.wte.weight';

describe('the training session', () => {
  const visit = visits();
  const { served, open, over } = visit;

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
    expect(visit.events).toEqual([]);
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
      await vi.waitUntil(() => visit.events.some(({ type }) => type === 'session.changed'));
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
      const files = visit.events.flatMap((event) =>
        event.type === 'checkpoint' && event.file.final ? [event.file] : [],
      );
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
    visit.events = [];
    const after = await session.handlers['pretraining.undo']({});
    expect({ ...after, resumable: null }).toEqual(before);
    const stored = visit.events.flatMap((event) => (event.type === 'checkpoint' ? [event.file] : []));
    expect(stored.map(({ name }) => name)).toEqual(['sft', 'policy']);
    visit.events = [];
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
    const steps = (): number => visit.events.filter(({ type }) => type === 'run.metrics').length;
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
    expect(visit.events.filter(({ type }) => type === 'checkpoint')).toEqual([]);
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
    expect(visit.events.map((event) => (event.type === 'error' ? event.error.code : event.type))).toEqual([
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
    const files = visit.events.flatMap((event) => (event.type === 'checkpoint' ? [event.file] : []));
    expect(files).toMatchObject([{ name: 'base', final: true }]);
    expect(visit.events.map(({ type }) => type)).toEqual(['checkpoint', 'session.changed']);
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
    const stored = visit.events.flatMap((event) => (event.type === 'checkpoint' ? [event.file] : [])).at(-1);
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
