/** Everything behind the page, made once and joined here; each concern has a class of its own. */
import { createContext } from 'svelte';
import type { PresetName } from '../config';
import type { BackendName, SessionEvent } from '../session/protocol';
import type { Preferences } from '../store/schema';
import type { Store } from '../store/store';
import { AiFeedback } from './aiFeedback.svelte';
import { Appearance } from './appearance.svelte';
import { Autopilot } from './autopilot.svelte';
import { Seeds } from './blindOrder';
import { Chat } from './chat.svelte';
import { ChatStorage } from './chatStorage';
import { Comparison } from './comparison.svelte';
import { Forgetting } from './forgetting.svelte';
import { KernelTuning } from './kernelTuning.svelte';
import { Labeler } from './labeler.svelte';
import { Labels } from './labels.svelte';
import { Lessons } from './lessons.svelte';
import { ModelFiles } from './modelFiles.svelte';
import { Notices } from './notices.svelte';
import { OwnReward } from './ownReward.svelte';
import type { Parameters } from './parameters';
import { Pipeline } from './pipeline.svelte';
import { PreferenceImport } from './preferenceImport.svelte';
import { Recorder } from './recorder';
import { RoundsOfTraining } from './rounds.svelte';
import { Replay } from './replay.svelte';
import { RewardModelCheck } from './rewardModelCheck.svelte';
import { Session } from './session.svelte';
import { SettingsForm } from './settingsForm.svelte';
import { Simulation } from './simulation.svelte';
import { Storage } from './storage.svelte';
import { StoredRuns } from './storedRuns';
import { Teach } from './teach.svelte';
import { Thinking } from './thinking.svelte';
import { Training } from './training.svelte';

export type Place = 'chat' | 'train' | 'compare';

const isPlace = (value: string | undefined): value is Place =>
  value === 'chat' || value === 'train' || value === 'compare';

export class Workspace {
  place = $state<Place>('chat');
  readonly notices = new Notices();
  readonly session = new Session();
  readonly appearance = new Appearance();
  readonly storage: Storage;
  readonly tuning: KernelTuning;
  readonly labels: Labels;
  readonly labeler: Labeler;
  readonly settings: SettingsForm;
  readonly training: Training;
  readonly chat: Chat;
  readonly thinking: Thinking;
  readonly teach: Teach;
  readonly simulation: Simulation;
  readonly aiFeedback: AiFeedback;
  readonly comparison: Comparison;
  readonly autopilot: Autopilot;
  readonly lessons: Lessons;
  readonly rounds: RoundsOfTraining;
  readonly ownReward: OwnReward;
  readonly pipeline: Pipeline;
  readonly files: ModelFiles;
  readonly replay: Replay;
  readonly check: RewardModelCheck;
  readonly preferenceImport: PreferenceImport;
  readonly forgetting: Forgetting;
  /** Used wherever the address gives no seed. */
  readonly seed: number;

  readonly #store: Store;
  readonly parameters: Parameters;
  readonly #recorder: Recorder;
  readonly #storedRuns: StoredRuns;
  readonly #chatStorage: ChatStorage;

  constructor(store: Store, parameters: Parameters) {
    this.#store = store;
    this.parameters = parameters;
    const seeds = new Seeds(parameters.seed);
    this.seed = parameters.seed ?? seeds.next();
    this.storage = new Storage(store, () => {
      this.#chatStorage.flush();
      this.#recorder.flush();
    });
    this.tuning = new KernelTuning(this.session, store, this.notices);
    this.labels = new Labels(store, this.notices);
    this.labeler = new Labeler(
      this.session,
      (labeler) => void store.preferences.set({ name: 'labeler', value: labeler }),
    );
    this.settings = new SettingsForm((settings, method) => {
      void store.preferences.set({ name: 'settings', value: settings });
      void store.preferences.set({ name: 'method', value: method });
    });
    this.training = new Training(this.session, this.notices);
    this.#recorder = new Recorder(this.session, this.training, store, this.notices);
    this.#storedRuns = new StoredRuns(this.training, store, this.notices);
    this.#chatStorage = new ChatStorage(store, this.notices);
    this.chat = new Chat(
      this.session,
      this.labels,
      this.notices,
      seeds,
      () => this.settings.values.chat,
      (snapshot) => this.#chatStorage.keep(snapshot),
      () => this.rounds.opponent,
    );
    this.thinking = new Thinking(this.session, () => this.chat.conversation);
    this.teach = new Teach(this.session, this.training, this.labels, this.settings, this.notices, seeds);
    this.simulation = new Simulation(this.session, this.labels, this.labeler, seeds);
    this.aiFeedback = new AiFeedback(this.session, this.labels, this.simulation, seeds);
    this.comparison = new Comparison(
      this.session,
      seeds,
      () => this.settings.values.chat,
      (report, models) => {
        void store.preferences.set({ name: 'evaluation', value: report });
        void store.preferences.set({ name: 'evaluatedModels', value: models });
      },
      (n) => void store.preferences.set({ name: 'bestOf', value: n }),
    );
    this.autopilot = new Autopilot(this.session, this.training, this.settings, this.labeler);
    this.lessons = new Lessons(this.session, this.training, this.settings);
    this.ownReward = new OwnReward(
      this.session,
      (ownReward) => void store.preferences.set({ name: 'ownReward', value: ownReward }),
    );
    this.pipeline = new Pipeline(
      this.session,
      this.training,
      this.labels,
      this.settings,
      this.notices,
      seeds,
      () => this.ownReward.request,
    );
    this.rounds = new RoundsOfTraining(
      this.session,
      this.training,
      this.pipeline,
      this.labels,
      this.labeler,
      store,
      this.notices,
      seeds,
      () => this.lessons.state === 'running',
    );
    this.replay = new Replay(this.session);
    this.check = new RewardModelCheck(this.session, this.labeler, seeds);
    this.files = new ModelFiles(this.session, this.labels, store, this.notices);
    this.forgetting = new Forgetting(store, this.notices, () => location.reload());
    this.preferenceImport = new PreferenceImport(this.labels);
    this.session.listen((event) => this.#hear(event));
  }

  /** Brings back what was stored, opens the session, and gets the first replies or the loop going. */
  async start(): Promise<void> {
    const preferences = await this.#restore();
    const preset = this.parameters.preset === 'auto' ? (preferences.preset ?? 'auto') : this.parameters.preset;
    const backend = this.parameters.backend === 'auto' ? (preferences.backend ?? 'auto') : this.parameters.backend;
    if (preset !== 'auto') await this.#restoreRuns(preset);
    if (!(await this.#open(preset, backend))) return;
    if (preset === 'auto' && this.session.report) await this.#restoreRuns(this.session.report.model.preset);
    if (this.parameters.autopilot) {
      this.place = 'train';
      await this.autopilot.start({ ...this.parameters, seed: this.parameters.seed ?? 0 });
      return;
    }
    await this.#restoreChat(preferences);
  }

  goTo(place: Place): void {
    this.place = place;
    void this.#store.preferences.set({ name: 'place', value: place });
  }

  /** Another size of model or another backend, in a fresh worker; what was made so far is stored and stays. */
  async switchTo(preset: PresetName, backend: BackendName | 'auto'): Promise<void> {
    this.training.forget();
    void this.#store.preferences.set({ name: 'backend', value: backend });
    if (!(await this.#open(preset, backend))) return;
    await this.#restoreRuns(preset);
    this.thinking.forget();
    if (this.chat.asked !== null && this.session.canSpeak) await this.chat.ask();
    else await this.chat.nextPrompt();
  }

  /** Goes on with the run that an earlier visit left in the middle. */
  async resumeInterrupted(): Promise<void> {
    const { resumable } = this.pipeline;
    if (!resumable) return;
    try {
      await this.training.continueRun(resumable.stage, resumable.runId);
    } catch (error) {
      this.notices.fail('training', error);
    }
  }

  /** Back to the reference policy. */
  async undoTraining(): Promise<void> {
    try {
      const report = await this.session.call('policy.reset', {});
      this.session.adopt(report);
      this.#recorder.forgetMissing(report);
      this.thinking.look();
    } catch (error) {
      this.notices.fail('training', error);
    }
  }

  /** Everything as it was before pretraining, or as it comes with the page. */
  async undoPretraining(): Promise<void> {
    try {
      this.session.adopt(await this.session.call('pretraining.undo', {}));
      this.thinking.look();
    } catch (error) {
      this.notices.fail('training', error);
    }
  }

  async #open(preset: PresetName | 'auto', backend: BackendName | 'auto'): Promise<boolean> {
    const stored = preset === 'auto' ? { files: [], errors: [] } : await this.#store.checkpoints.load(preset);
    for (const error of stored.errors) this.notices.fail('checkpoint', error);
    const tuning = await this.tuning.stored();
    try {
      await this.session.open({
        preset,
        backend,
        seed: this.seed,
        modelsUrl: new URL('./models/', document.baseURI).href,
        checkpoints: stored.files,
        tuning,
      });
    } catch {
      return false; // The page shows `session.failure` in place of the chat.
    }
    const report = this.session.report;
    if (report) {
      this.#recorder.forgetMissing(report);
      void this.#store.preferences.set({ name: 'preset', value: report.model.preset });
      await this.#restoreRounds();
    }
    return true;
  }

  async #restore(): Promise<Partial<Preferences>> {
    try {
      const preferences = await this.#store.preferences.all();
      this.settings.restore(preferences.settings ?? {}, preferences.method);
      if (preferences.labeler) this.labeler.restore(preferences.labeler);
      if (preferences.ownReward) this.ownReward.restore(preferences.ownReward);
      if (isPlace(preferences.place)) this.place = preferences.place;
      this.comparison.restore(preferences.evaluation, preferences.evaluatedModels);
      this.comparison.restoreBestOf(preferences.bestOf);
      await this.labels.load();
      return preferences;
    } catch (error) {
      this.notices.fail('storage', error);
      return {};
    }
  }

  async #restoreRuns(preset: PresetName): Promise<void> {
    try {
      await this.#storedRuns.restore(preset);
    } catch (error) {
      this.notices.fail('storage', error);
    }
  }

  async #restoreRounds(): Promise<void> {
    try {
      await this.rounds.restore();
    } catch (error) {
      this.notices.fail('storage', error);
    }
  }

  async #restoreChat(preferences: Partial<Preferences>): Promise<void> {
    const left = await this.#chatStorage.load(preferences);
    if (left) {
      this.chat.restore(left);
      this.thinking.look();
    } else await this.chat.nextPrompt();
  }

  #hear(event: SessionEvent): void {
    if (event.type === 'error') this.notices.showError('session', event.error);
    if (event.type === 'device.lost') this.notices.showError('device', event.error);
    if (event.type === 'device.restored') {
      this.notices.show({
        topic: 'device',
        tone: 'information',
        message: 'The GPU is back.',
        remedy: 'Work went on from the last good weights.',
        detail: '',
      });
    }
  }
}

const [getContext, setContext] = createContext<Workspace>();

/** The workspace of the page; to be called while a component is being set up. */
export const useWorkspace = getContext;
export const provideWorkspace = setContext;
