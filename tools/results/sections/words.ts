/** How numbers and tables are written in RESULTS.md. */
import { spreadOf } from '../seeds';
import type { Made } from '../records';
import type { ModelFacts } from '../models';

/** What a section of RESULTS.md is made of. */
export interface Section {
  markdown: string;
  /** SVG by file name, in the folder of the results. */
  figures: Record<string, string>;
}

export const percent = (share: number, digits = 1): string => `${(100 * share).toFixed(digits)}%`;

export const wholePercent = (share: number): string => percent(share, 0);

/** "63.1% ± 1.2 (61.9–64.4)": mean, standard deviation over the seeds, lowest and highest. */
export function spread(shares: readonly number[]): string {
  const { mean, sd, lowest, highest } = spreadOf(shares);
  const [low, high] = [lowest, highest].map((share) => (100 * share).toFixed(1));
  return `${percent(mean)} ± ${(100 * sd).toFixed(1)} (${low}–${high})`;
}

/** "0.16 million", "9.9 thousand" */
export function amount(count: number): string {
  if (count >= 1e6) return `${short(count / 1e6)} million`;
  if (count >= 1e5) return `${(count / 1e6).toFixed(2)} million`;
  return count >= 1e4 ? `${short(count / 1e3)} thousand` : String(count);
}

const short = (value: number): string => (value >= 9.95 ? value.toFixed(0) : value.toFixed(1));

export function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]): string => `| ${cells.join(' | ')} |`;
  return [line(head), line(head.map(() => '---')), ...rows.map(line)].join('\n');
}

export function modelTable(models: readonly ModelFacts[]): string {
  return table(
    ['model', 'parameters', 'pretrained on', 'held-out loss', 'base.safetensors', 'sft.safetensors'],
    models.map(({ preset, parameters, tokens, heldOutLoss, files }) => [
      `\`${preset}\``,
      amount(parameters),
      `${amount(tokens)} tokens`,
      heldOutLoss === null ? 'not measured' : `${heldOutLoss.toFixed(3)} nats a token`,
      ...['base', 'sft'].map((role) => `\`${(files[`${role}.safetensors`] ?? '').slice(0, 12)}\``),
    ]),
  );
}

export const madeOn = ({ adapter, processor, commit, seconds }: Made): string =>
  `Made on ${adapter} (${processor}) in ${(seconds / 60).toFixed(0)} minutes, at commit \`${commit}\`.`;

export const list = (words: readonly string[]): string =>
  words.length < 2 ? words.join('') : `${words.slice(0, -1).join(', ')} and ${words.at(-1)}`;

/** Why a result does not appear here, where it does not; written by whoever looked into it. */
export function reason(appears: boolean, note: string | undefined): string {
  if (note !== undefined) return `${note}\n\n`;
  return appears ? '' : 'Nobody has looked yet into why.\n\n';
}
