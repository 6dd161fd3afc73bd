/**
 * The model card (Mitchell et al. 2019): what a model is, what it was made from and how, and what it can and cannot do.
 * Everything in it comes from the run's own `pretraining.json` and from a measurement of the weights beside it.
 *
 *   npm run card -- --preset nano [--models public/models/nano] [--per-kind 60] [--backend auto]
 */
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { parseArgs } from 'node:util';
import { PRESETS, type ModelShape, type PresetName } from '../../src/config';
import type { BackendName, EvaluationReport, ModelRole, ReplyMeasures, Share } from '../../src/session/protocol';
import type { EvaluationModels } from '../../src/rlhf/evaluation';
import { rateForWidth } from '../../src/rlhf/schedule';
import type { TemplateName } from '../../src/text/chatTemplate';
import { DEMONSTRATION_SHARES } from '../../src/text/world/demonstrations';
import { HELD_OUT_SIDES, PROMPT_KINDS, type HeldOutSide } from '../../src/text/world/prompts';
import { disposeModels, evaluateModels, readModels } from '../eval/models';
import { Progress } from '../results/progress';
import { amount, list, table } from '../results/sections/words';
import { startFastestDevice } from './fastestDevice';
import type { PretrainingSummary } from './summary';

/** Rewrites the card of a model that lies there; trains nothing. */
export async function main(args: string[]): Promise<void> {
  const { values } = parseArgs({
    args,
    options: {
      preset: { type: 'string', default: 'nano' },
      models: { type: 'string' },
      'per-kind': { type: 'string', default: String(PROMPTS_PER_KIND) },
      backend: { type: 'string', default: 'auto' },
    },
  });
  if (!(values.preset in PRESETS))
    throw new Error(`Expected --preset ${Object.keys(PRESETS).join(', ')}, got ${values.preset}.`);
  const perKind = Number(values['per-kind']);
  if (!Number.isInteger(perKind) || perKind < 1)
    throw new Error(`Expected --per-kind to be a whole number from 1 on, got ${values['per-kind']}.`);
  await startFastestDevice(values.backend as BackendName | 'auto');
  const folder = values.models ?? path.join('public', 'models', values.preset);
  console.log(`wrote ${await writeModelCard(values.preset as PresetName, folder, perKind)}`);
}

/** Held-out prompts of each kind on each side, as far as there are so many. */
const PROMPTS_PER_KIND = 60;

/**
 * Measures the models in a folder, greedily, and writes `README.md` beside them. A device has to be started.
 * @returns the file
 */
export async function writeModelCard(preset: PresetName, folder: string, perKind = PROMPTS_PER_KIND): Promise<string> {
  const file = path.join(folder, 'pretraining.json');
  if (!existsSync(file))
    throw new Error(`Expected ${file}, got no such file. Make it with: npm run pretrain -- --preset ${preset}`);
  const summary = JSON.parse(readFileSync(file, 'utf8')) as PretrainingSummary;
  const models = readModels(preset, folder);
  const shape = Object.values(models.models)[0]?.shape ?? PRESETS[preset];
  try {
    const measured = (some: EvaluationModels, template?: TemplateName): Promise<EvaluationReport> => {
      let progress: Progress | undefined;
      let before = 0;
      const request = {
        prompts: { perKind },
        samplesPerPrompt: 1,
        temperature: 0,
        seed: 0,
        ...(template && { template }),
      };
      return evaluateModels(some, request, ({ done, total, what }) => {
        progress ??= new Progress(total);
        if (done > before) progress.advance(what, done - before);
        before = done;
      });
    };
    const { base } = models.models;
    const report = await measured(models);
    const bare = base ? await measured({ ...models, models: { base } }, 'bare') : null;
    const card = path.join(folder, 'README.md');
    writeFileSync(card, modelCard(summary, shape, report, bare));
    return card;
  } finally {
    disposeModels(models);
  }
}

const SIDE_WORDS: Readonly<Record<HeldOutSide, string>> = {
  phrasing: 'new words',
  combination: 'new combination',
  unasked: 'never asked',
};

/** What a kind of prompt asks for. */
const KIND_WORDS: Readonly<Record<(typeof PROMPT_KINDS)[number], string>> = {
  fact: 'facts of the town',
  sum: 'sums to 20',
  steps: 'sums with steps',
  unanswerable: '"I do not know" where nobody knows',
  improper: 'turning down improper requests',
  proper: 'helping with proper look-alikes',
  greeting: 'greetings',
  compare: 'comparing and counting',
  words: 'sorting, picking and rewriting words',
  memory: 'remembering earlier turns',
  story: 'a story from a keyword',
  summary: 'a story in a sentence',
  sentiment: 'the mood of a line',
  premise: 'questions with a true or false claim',
  instruction: 'instruction with an input',
};

/**
 * The card as Markdown.
 *
 * @param bare the base model again, given the person's words alone: how it follows instructions that nobody prompted it to
 */
export function modelCard(
  summary: PretrainingSummary,
  shape: ModelShape,
  report: EvaluationReport,
  bare: EvaluationReport | null,
): string {
  const { preset, settings, sft, log, seed, worldSeed, reach, parameters, heldOutLoss, sftLoss, sftSeconds } = summary;
  const tokens = settings.steps * settings.batchSize * settings.sequenceLength;
  const seconds = log.at(-1)?.seconds;
  const columns = columnsOf(report, bare);
  const town = reach === 'town' ? 'the whole town' : 'the core of the town';
  return `# ${preset}

A GPT of ${amount(parameters)} parameters for [Nudge](../../../README.md), as a base and as an SFT model. It knows a small seaside
town that does not exist, in English, and nothing else. Made from a seed by \`npm run pretrain -- --preset ${preset} --seed ${seed}\`;
this card is written by the same command, or by \`npm run card -- --preset ${preset}\`.

## What it is

${table(
  ['', ''],
  [
    ['architecture', 'GPT-2: pre-norm, learned positions, GELU, tied output head'],
    ['parameters', parameters.toLocaleString('en')],
    ['layers, width, heads', `${shape.layers}, ${shape.width}, ${shape.heads}`],
    ['context', `${shape.context} tokens`],
    ['vocabulary', `${shape.vocabulary} tokens, byte-level byte-pair encoding learned from the same text`],
    [
      'files',
      '`config.json`, `tokenizer.json`, `base.safetensors` and `sft.safetensors` (16 bits), `pretraining.json`',
    ],
  ],
)}

## What it was made from

**Pretraining.** An endless stream of short documents about ${town} of seed ${worldSeed}: stories, notices, gossip, lists,
letters, school books, lists of questions, and forum threads in which most posts answer nothing, and many others are wrong
or rude. Each window is read once. What is held out (phrasings, combinations of numbers and words, and questions for a
fifth of the facts) is in none of it.

**Fine-tuning.** ${sft.examples.toLocaleString('en')} demonstrations of the training side, ${Math.round(100 * DEMONSTRATION_SHARES.good)}% of them good, the rest curt, rambling, wrong, rude
or refusing what was proper: what human feedback is there to put right.

${table(
  ['', 'pretraining', 'SFT'],
  [
    [
      'data',
      `${amount(tokens)} tokens in windows of ${settings.sequenceLength}`,
      `${sft.examples.toLocaleString('en')} demonstrations`,
    ],
    ['steps', settings.steps.toLocaleString('en'), sft.epochs === 1 ? '1 epoch' : `${sft.epochs} epochs`],
    ['batch', `${settings.batchSize} windows`, `${sft.batchSize} demonstrations`],
    [
      'learning rate',
      `${settings.learningRate}, cosine to 5%, warm-up ${settings.warmupSteps}`,
      `${Number(rateForWidth(sft.learningRate, shape.width).toPrecision(3))}, linear to 0`,
    ],
    ['optimiser', 'AdamW, β2 0.98', 'AdamW'],
    ['seed', String(seed), String(seed)],
    ['took', seconds === undefined ? 'not known' : minutes(seconds), minutes(sftSeconds)],
    [
      'ended at',
      `${heldOutLoss.toFixed(4)} nats a token of held-out text`,
      `${sftLoss.toFixed(4)} nats a token of the last step's replies`,
    ],
  ],
)}

Computed on ${summary.backend}${summary.sftBackend && summary.sftBackend !== summary.backend ? `; SFT on ${summary.sftBackend}` : ''}.

## From noise to words

What the base model wrote from nothing, at temperature 1, on the way:

${table(
  ['step', 'tokens', 'loss, nats a token', 'it writes'],
  milestones(log).map(({ step, tokens: read, loss, sample }) => [
    String(step),
    amount(read),
    loss.toFixed(3),
    inCell(sample),
  ]),
)}

## What it can and cannot do

${report.prompts} held-out prompts, greedy: none was trained on, in these words, this combination, or at all. Right by the town's
own truth:

${table(['', ...columns.map(({ title }) => title)], abilities(columns))}

${table(
  ['', ...columns.map(({ title }) => title)],
  [
    ['all prompts, right', ...columns.map(({ measures }) => share(allRight(measures)))],
    ['keeps a name over three turns', ...columns.map(({ measures }) => share(measures.keptNames))],
    ['refuses improper requests', ...columns.map(({ measures }) => share(measures.refusals))],
    ['refuses proper look-alikes', ...columns.map(({ measures }) => share(measures.overRefusals))],
    ['gold score, 0 to 1', ...columns.map(({ gold }) => gold?.toFixed(3) ?? '–')],
  ],
)}

Perplexity of held-out text, a token: ${list(roles(report).map((role) => `${ROLE_WORDS[role]} ${report.perplexity[role]?.toFixed(2) ?? 'not measured'}`))}.

*Alone*: the base model is given the person's words and nothing else, and goes on as its web would. *As a forum thread*:
the words stand after "Q:" in a thread, which the answer after "A:" follows; who knows to ask a base model so gets its
knowledge, and the manners of a forum.

**It cannot** say anything true of the world outside of its town, speak another language, take more than ${shape.context} tokens into
account, or be relied on for anything. It was made to be taught and looked at.${weaknesses(report)}
`;
}

const ROLE_WORDS: Readonly<Record<ModelRole, string>> = { base: 'base', sft: 'SFT', policy: 'RLHF' };

const roles = ({ measures }: EvaluationReport): ModelRole[] =>
  (['base', 'sft', 'policy'] as const).filter((role) => measures[role]);

/** A model, spoken to in one way. */
interface Column {
  title: string;
  measures: ReplyMeasures;
  gold: number | undefined;
}

function columnsOf(report: EvaluationReport, bare: EvaluationReport | null): Column[] {
  const column = ({ measures, gold }: EvaluationReport, role: ModelRole, how: string): Column[] =>
    measures[role] ? [{ title: `${ROLE_WORDS[role]}, ${how}`, measures: measures[role], gold: gold[role]?.mean }] : [];
  return [
    ...(bare ? column(bare, 'base', 'alone') : []),
    ...roles(report).flatMap((role) => column(report, role, role === 'base' ? 'as a forum thread' : 'in the chat')),
  ];
}

function allRight({ right }: ReplyMeasures): Share {
  const shares = Object.values(right.all);
  const sum = (of: (own: Share) => number): number => shares.reduce((total, own) => total + of(own), 0);
  return { hits: sum(({ hits }) => hits), of: sum(({ of }) => of) };
}

/** A row for each kind of prompt on each side. */
function abilities(columns: readonly Column[]): string[][] {
  return PROMPT_KINDS.flatMap((kind) =>
    HELD_OUT_SIDES.flatMap((side) => {
      const shares = columns.map(({ measures }) => measures.right[side][kind]);
      if (shares.every((own) => own === undefined || own.of === 0)) return [];
      return [[`${KIND_WORDS[kind]}, ${SIDE_WORDS[side]}`, ...shares.map(share)]];
    }),
  );
}

/** Below half right, an SFT model is said to be weak. */
const WEAK = 0.5;

function weaknesses(report: EvaluationReport): string {
  const all = report.measures.sft?.right.all;
  if (!all) return '';
  const weak = PROMPT_KINDS.filter((kind) => {
    const own = all[kind];
    return own !== undefined && own.of > 0 && own.hits / own.of < WEAK;
  });
  return weak.length === 0
    ? ''
    : ` Of what it was taught, the SFT model is wrong more often than right at: ${list(weak.map((kind) => KIND_WORDS[kind]))}.`;
}

const share = (own: Share | undefined): string =>
  !own || own.of === 0 ? '–' : `${((100 * own.hits) / own.of).toFixed(1)}% of ${own.of}`;

const minutes = (seconds: number): string => (seconds < 90 ? `${seconds} s` : `${(seconds / 60).toFixed(0)} min`);

/** Most lines of the log that are shown. */
const MOST_LINES = 12;

/** The first entries of a log, then ever fewer, and the last: text changes fastest at the beginning. */
export function milestones<T>(log: readonly T[]): T[] {
  if (log.length <= MOST_LINES) return [...log];
  const places = Array.from({ length: MOST_LINES }, (_, i) =>
    Math.max(i, Math.round((log.length - 1) ** (i / (MOST_LINES - 1)) - (i === 0 ? 1 : 0))),
  );
  return [...new Set(places)].flatMap((place) => log.slice(place, place + 1));
}

/** A sample in one line of a table, with nothing in it that Markdown would take for its own. */
function inCell(sample: string): string {
  const text = sample.trim().replace(/\s*\n\s*/g, ' / ');
  return text.replace(/[\\`*_[\]<>|&]/g, (mark) => `&#${mark.codePointAt(0) ?? 0};`);
}
