/**
 * The training session: one device, one set of models, at most one run at a time; answers the page's commands.
 */
import { PRESETS, REACH, WORLD_SEED, type PresetName } from '../config';
import { DeviceLostError, InputError, RunConflictError, toPlainError } from '../errors';
import { startDevice, type Device } from '../gpu/device';
import { memory } from '../gpu/memory';
import { choicesInForce } from '../ops/kernelVariants';
import { parameterCount } from '../model/gpt';
import { readSafetensors, writeSafetensors } from '../model/safetensors';
import { createWorld, type World } from '../text/world/world';
import { CompileAhead } from './compileAhead';
import {
  canGoOn,
  goesOnExactly,
  interruptedRun,
  type InterruptedRun,
  madeFrom,
  metadataToGoOn,
} from './interruptedRun';
import { Jobs } from './jobs';
import { Models, type HostWeights, type KeptModels } from './models';
import type {
  CheckpointFile,
  CheckpointName,
  Commands,
  OpenRequest,
  Results,
  SessionEvent,
  SessionReport,
} from './protocol';
import { RewardQuestions } from './rewardQuestions';
import { Run } from './run';
import { fetchShippedModels, type ShippedModels } from './shippedModels';
import type { SavedState } from './stage';
import { asPolicyCheckpoint, policyWeightsOf } from './stages/policyCheckpoint';
import { RewardModelStage } from './stages/rewardModelStage';
import { RunFiles } from './runFiles';
import { stageOf } from './stages/stageOf';
import { Supply } from './supply';
import { Tuning } from './tuning';
import type { Workshop } from './workshop';

export type Emit = (event: SessionEvent, transfer?: Transferable[]) => void;

/** In place of a run's id, in the checkpoint of weights that came from a file, or back from before pretraining. */
const IMPORTED = 'imported';
const RESTORED = 'restored';

type Beginning = Pick<InterruptedRun, 'request' | 'kernels' | 'adapter' | 'madeFrom'> & { saved: SavedState | null };

export class TrainingSession {
  readonly #emit: Emit;
  readonly #runFiles: RunFiles;
  readonly #preset: PresetName;
  readonly #backend: OpenRequest['backend'];
  readonly #workshop: Workshop;
  readonly #jobs: Jobs;
  readonly #tuning: Tuning;
  readonly #supply: Supply;
  readonly #questions: RewardQuestions;
  #device: Device;
  #deviceIsLost = false;
  #recovery: Promise<void> | null = null;
  #run: Run | null = null;
  #replaying = false;
  #resumable: InterruptedRun | null = null;
  /** All models, as they were before the last pretraining of this visit. */
  #beforePretraining: KeptModels | null = null;

  private constructor(
    emit: Emit,
    request: OpenRequest,
    preset: PresetName,
    device: Device,
    workshop: Workshop,
    fetchWeights: ShippedModels['fetchWeights'],
  ) {
    this.#emit = (event, transfer) => {
      this.#runFiles.hear(event);
      emit(event, transfer);
    };
    this.#preset = preset;
    this.#backend = request.backend;
    this.#device = device;
    this.#questions = new RewardQuestions(emit);
    this.#workshop = { ...workshop, askReward: (code, items) => this.#questions.ask(code, items) };
    this.#jobs = new Jobs(emit, workshop);
    this.#tuning = new Tuning(emit, request.tuning ?? [], { ahead: new CompileAhead(workshop) });
    this.#runFiles = new RunFiles(preset, PRESETS[preset], this.#tuning);
    this.#tuning.begin(device);
    this.#supply = new Supply(fetchWeights, {
      models: workshop.models,
      alone: (work) => this.#tuning.without(work),
      arrived: () => this.#changed(),
      emit,
    });
    this.#supply.offer();
    this.#watch(device);
  }

  /**
   * Starts the device and takes up what the page had stored. Of what is shipped it fetches only what the first reply
   * needs: half of what the page loads is the base model, and few look at it first.
   */
  static async open(request: OpenRequest, emit: Emit): Promise<TrainingSession> {
    const starting = startDevice(request.backend);
    const preset = request.preset === 'auto' ? presetFor(await starting) : request.preset;
    const world: World = createWorld(WORLD_SEED, { reach: REACH[preset] });
    const [device, { tokenizer, fetchWeights }] = await Promise.all([
      starting,
      fetchShippedModels(preset, request.modelsUrl, world),
    ]);
    const models = new Models(PRESETS[preset]);
    const session = new TrainingSession(emit, request, preset, device, { models, tokenizer, world }, fetchWeights);
    for (const file of request.checkpoints) session.#takeUp(file);
    await models.need('sft');
    if (session.#resumable && !canGoOn(session.#resumable, models)) session.#resumable = null;
    return session;
  }

  report(): SessionReport {
    const shape = PRESETS[this.#preset];
    return {
      device: this.#device.report,
      model: {
        preset: this.#preset,
        parameters: parameterCount(shape),
        context: shape.context,
        vocabulary: shape.vocabulary,
      },
      stages: this.#workshop.models.report(),
      fingerprints: this.#workshop.models.fingerprints(),
      unfetched: this.#workshop.models.unfetched,
      pretrainingUndo: this.#pretrainingUndo,
      resumable: this.#resumable && {
        stage: this.#resumable.request.stage,
        runId: this.#resumable.request.runId,
        step: this.#resumable.saved.step,
        steps: this.#resumable.steps,
        exact: goesOnExactly(this.#resumable, this.#device.report.adapter),
      },
    };
  }

  /** Resolves when the device that is in use now is lost. */
  get deviceLost(): Promise<DeviceLostError> {
    return this.#device.lost;
  }

  readonly handlers: {
    [N in Exclude<keyof Commands, 'session.open' | 'catalogue'>]: (
      request: Commands[N],
    ) => Promise<Results[N]> | Results[N];
  } = {
    'chat.reply': async (request) => {
      await this.#supply.need(request.from);
      const result = await this.#tuning.without(() => this.#jobs.reply(request));
      this.#supply.needRestLater();
      return result;
    },
    'chat.bestOf': async (request) => {
      await this.#supply.need('sft');
      return this.#tuning.without(() => this.#jobs.bestOf(request));
    },
    'chat.credit': (request) => this.#tuning.without(() => this.#jobs.credit(request)),
    'chat.inspect': (request) => this.#tuning.without(() => this.#jobs.inspect(request)),
    'world.prompt': (request) => this.#jobs.worldPrompt(request),
    'rank.simulate': (request) => this.#tuning.without(() => this.#jobs.simulate(request)),
    evaluate: async (request) => {
      await this.#supply.need(...request.models);
      return this.#tuning.without(() => this.#jobs.evaluate(request));
    },
    'job.cancel': ({ jobId }) => this.#jobs.cancel(jobId),
    'reward.answer': (answer) => this.#questions.answer(answer),
    'train.start': (request) => {
      const start = (): { runId: string } => {
        this.#refuseWhileTraining('Training');
        return this.#start({
          ...{ request, kernels: choicesInForce(), adapter: this.#device.report.adapter },
          ...{ madeFrom: madeFrom(request, this.#workshop.models), saved: null },
        });
      };
      if (request.stage !== 'sft') return start();
      this.#refuseWhileTraining('Training');
      return this.#supply.need('base').then(start); // which looks again: another may have begun meanwhile
    },
    'train.continue': ({ runId }) => this.#continue(runId),
    'train.pause': ({ runId }) => this.#control(runId, (run) => run.pause()),
    'train.resume': ({ runId }) => this.#control(runId, (run) => run.resume()),
    'train.step': ({ runId }) => this.#control(runId, (run) => run.step()),
    'train.stop': ({ runId }) => this.#control(runId, (run) => run.stop()),
    'policy.reset': () => {
      this.#refuseWhileTraining('Going back to the SFT model');
      this.#workshop.models.drop('policy');
      this.#resumable = null;
      return this.#changed();
    },
    'pretraining.undo': () => this.#undoPretraining(),
    'model.export': async ({ name, exact = false }) => {
      if (name !== 'rewardModel') await this.#supply.need(name);
      const weights = this.#workshop.models.weights(name);
      if (!weights) throw new InputError('Expected a trained model to export, got none.', 'Train it first.');
      const bytes = writeSafetensors(weights, { preset: this.#preset, model: name }, exact ? 'F32' : 'F16');
      return { bytes, fileName: `nudge-${this.#preset}-${name}.safetensors` };
    },
    'model.import': ({ name, bytes }) => {
      this.#refuseWhileTraining('Importing a model');
      const { tensors } = readSafetensors(bytes);
      this.#workshop.models.load(name, tensors, 'trained');
      for (const dependent of ['rewardModel', 'policy'] as const) this.#workshop.models.drop(dependent);
      this.#resumable = null;
      this.#store(name, tensors, IMPORTED);
      return this.#changed();
    },
    'policy.bringBack': ({ bytes }) => {
      this.#refuseWhileTraining('Going back to an earlier round');
      const { tensors } = readSafetensors(bytes);
      this.#workshop.models.load('policy', tensors, 'trained');
      this.#resumable = null;
      this.#store('policy', tensors, IMPORTED);
      return this.#changed();
    },
    'policies.rate': async (request) => {
      await this.#supply.need('sft');
      return this.#tuning.without(() => this.#jobs.rate(request));
    },
    'feedback.revise': (request) => this.#tuning.without(() => this.#jobs.revise(request)),
    'rewardModel.check': async (request) => {
      await this.#supply.need(request.from);
      return this.#tuning.without(() => this.#jobs.checkRewardModel(request));
    },
    'run.save': ({ runId }) => this.#runFiles.save(runId),
    'run.replay': ({ jobId, bytes }) => {
      this.#refuseWhileTraining('Replaying a run');
      this.#refuseWhileReplaying('Replaying a run');
      const { adapter } = this.#device.report;
      this.#replaying = true;
      return this.#jobs
        .run(jobId, 'Replaying the run', (signal, progress) =>
          this.#runFiles.replay(bytes, this.#workshop, adapter, signal, progress),
        )
        .finally(() => (this.#replaying = false));
    },
    'tuning.measureAgain': () => {
      this.#tuning.measureAgain();
      return null;
    },
    memory: () => memory(),
    'device.destroy': () => {
      this.#device.destroy();
      return null;
    },
  };

  /** @param saved where an interrupted run stood; null begins anew */
  #start({ saved, ...beginning }: Beginning): { runId: string } {
    this.#refuseWhileReplaying('Training');
    const { request, kernels } = beginning;
    const { runId, startPaused = false } = request;
    const stage = stageOf(this.#workshop, request);
    if (!saved) this.#runFiles.begin(request, this.#workshop, this.#device.report.adapter);
    const interrupted = this.#resumable;
    this.#resumable = null;
    const before = stage.name === 'pretrain' ? this.#workshop.models.keep() : null;
    const endHold = this.#tuning.hold(kernels);
    const run = new Run(
      stage,
      runId,
      {
        emit: this.#emit,
        deviceLost: () => this.deviceLost,
        recoverDevice: () => this.#recover(),
        metadata: metadataToGoOn(beginning),
      },
      saved,
      startPaused,
    );
    this.#run = run;
    void run.over.then(() => {
      if (stage instanceof RewardModelStage && stage.report) {
        this.#emit({ type: 'run.rewardModel', runId, report: stage.report });
      }
      this.#run = null;
      endHold();
      if (!run.learned) this.#resumable = interrupted;
      else if (before) this.#beforePretraining = before;
      // A device that went away as the run ended was asked for by nobody.
      if (this.#deviceIsLost) void this.#recover();
      this.#changed();
    });
    return { runId };
  }

  #continue(runId: string): { runId: string } {
    this.#refuseWhileTraining('Going on with a run');
    const resumable = this.#resumable;
    if (resumable?.request.runId !== runId) {
      throw new InputError('Expected an interrupted run, got none with this name.', 'Start a new run.');
    }
    return this.#start(resumable);
  }

  #control(runId: string, act: (run: Run) => void): null {
    if (this.#run?.runId === runId) act(this.#run);
    return null;
  }

  #refuseWhileTraining(what: string): void {
    if (this.#run)
      throw new RunConflictError(`${what} has to wait: the stage ${this.#run.stage.name} is being trained.`);
  }

  /** A replay takes the kernels of its file until it ends, which would change them for whatever else began meanwhile. */
  #refuseWhileReplaying(what: string): void {
    if (this.#replaying) throw new RunConflictError(`${what} has to wait: a saved run is being replayed.`);
  }

  /** Loads a checkpoint that the page had stored; a bad one is reported, and what is shipped stays. */
  #takeUp(file: CheckpointFile): void {
    try {
      const read = readSafetensors(file.bytes);
      const { tensors, metadata } = read;
      const weights = file.name === 'policy' ? policyWeightsOf(tensors) : tensors;
      const { models } = this.#workshop;
      // A policy that nothing finished stands in for can be talked to on its way, as while it was trained.
      const none = file.name === 'policy' && models.weights('policy') === null;
      if (file.final || none) models.load(file.name, weights, 'trained');
      // The SFT model that comes with the page was made from another base.
      if (file.final && file.name === 'base' && metadata['stage'] === 'pretrain' && models.unfetched.includes('sft'))
        models.drop('sft');
      this.#resumable = interruptedRun(file, read) ?? this.#resumable;
    } catch (error) {
      this.#emit({ type: 'error', error: toPlainError(error) });
    }
  }

  /** Gives a model to the page to be stored, as a run does with what it trained. */
  #store(
    name: CheckpointName,
    weights: HostWeights,
    runId: typeof IMPORTED | typeof RESTORED,
    stage?: 'pretrain',
  ): void {
    const metadata = { preset: this.#preset, model: name, ...(stage && { stage }) };
    const tensors = name === 'policy' ? asPolicyCheckpoint(weights) : weights;
    const bytes = writeSafetensors(tensors, metadata);
    this.#emit({ type: 'checkpoint', file: { name, runId, step: 0, final: true, bytes } }, [bytes]);
  }

  get #pretrainingUndo(): SessionReport['pretrainingUndo'] {
    if (this.#beforePretraining) return 'earlier';
    return this.#supply.hasModels && this.#workshop.models.report().base === 'trained' ? 'shipped' : null;
  }

  async #undoPretraining(): Promise<SessionReport> {
    this.#refuseWhileTraining('Undoing pretraining');
    if (!this.#pretrainingUndo) {
      throw new InputError('Expected models from before pretraining, got none.', 'Load weights from a file instead.');
    }
    const { models } = this.#workshop;
    models.bringBack(this.#beforePretraining ?? { models: new Map(), unfetched: new Map() });
    if (!this.#beforePretraining) this.#supply.offer();
    const { base, sft } = models.report();
    for (const [name, { weights, origin }] of models.keep().models) {
      const alone = name === 'base' && sft === 'none';
      if (origin === 'trained') this.#store(name, weights, RESTORED, alone ? 'pretrain' : undefined);
    }
    this.#beforePretraining = null;
    this.#resumable = null;
    this.#changed();
    await this.#supply.need('sft', ...(base === 'shipped' && sft === 'none' ? (['base'] as const) : []));
    return this.report();
  }

  #changed(): SessionReport {
    const report = this.report();
    this.#emit({ type: 'session.changed', report });
    return report;
  }

  #watch(device: Device): void {
    device.onError((error) => this.#emit({ type: 'error', error: toPlainError(error) }));
    void device.lost.then((error) => {
      this.#deviceIsLost = true;
      this.#emit({ type: 'device.lost', error: toPlainError(error) });
      // A run that is under way asks for the device by itself, once it has let go of the old one.
      if (!this.#run || this.#run.state === 'paused') void this.#recover();
    });
  }

  /** Starts a device anew and makes every model again from the host's copy; once, however many ask. */
  #recover(): Promise<void> {
    if (!this.#deviceIsLost) return Promise.resolve();
    this.#recovery ??= this.#restartDevice().finally(() => (this.#recovery = null));
    return this.#recovery;
  }

  async #restartDevice(): Promise<void> {
    try {
      this.#device = await startDevice(this.#backend);
      this.#deviceIsLost = false;
      this.#tuning.begin(this.#device);
      this.#workshop.models.rebuild();
      this.#watch(this.#device);
      this.#emit({ type: 'device.restored', report: this.#device.report });
      this.#changed();
    } catch (error) {
      this.#emit({ type: 'error', error: toPlainError(error) });
      throw error instanceof Error ? error : new DeviceLostError(String(error));
    }
  }
}

/** The default model: `mini` on a real GPU, `nano` where the CPU does the work. */
function presetFor({ report }: Device): PresetName {
  return report.backend === 'webgpu' && !report.software ? 'mini' : 'nano';
}
