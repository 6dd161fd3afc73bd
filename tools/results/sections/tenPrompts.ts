/** The ten prompts as the README shows them, and how a part of a file is replaced. */
import type { Message, ModelRole } from '../../../src/session/protocol';
import { ROLES, type TenPrompts } from '../tenPrompts';
import { amount, table } from './words';

const ROLE_WORDS: Record<ModelRole, string> = { base: 'base', sft: 'SFT', policy: 'RLHF' };

export function tenPromptsBlock({ plan, model, policy, rows }: TenPrompts): string {
  const manner = plan.temperature === 0 ? 'greedy' : `at temperature ${plan.temperature}, seed ${plan.seed}`;
  const tuned =
    'plan' in policy
      ? `${policy.plan.rankings} rankings by a simulated labeler, seed ${policy.plan.seed}`
      : `the file with SHA-256 ${policy.sha256.slice(0, 12)}`;
  const right = ROLES.map((role) => `${ROLE_WORDS[role]} ${rows.filter(({ replies }) => replies[role].right).length}`);
  return `\`${model.preset}\` (${amount(model.parameters)} parameters), ${manner}; RLHF from ${tuned}. None of these prompts was trained on. ✓ is
right by the town's own truth: ${right.join(', ')} of ${rows.length}.

${table(
  ['asked', ...ROLES.map((role) => ROLE_WORDS[role])],
  rows.map(({ what, messages, replies }) => [
    `*${what}*<br>${talk(messages)}`,
    ...ROLES.map((role) => `${cell(replies[role].text) || '(nothing)'}${replies[role].right ? ' ✓' : ''}`),
  ]),
)}`;
}

/** A single question as it stands; a conversation with who says what. */
function talk(messages: readonly Message[]): string {
  if (messages.length === 1) return cell(messages[0]?.text ?? '');
  return messages.map(({ role, text }) => `${role === 'user' ? 'You' : 'It'}: ${cell(text)}`).join('<br>');
}

/** One line, with nothing in it that a table or Markdown would take for its own. */
const cell = (text: string): string =>
  text
    .trim()
    .replace(/[\\`*_[\]<>|&]/g, (mark) => `&#${mark.codePointAt(0) ?? 0};`)
    .replace(/\s*\n\s*/g, ' / ');

const marker = (name: string, end: 'begin' | 'end'): string => `<!-- ${name}: ${end} -->`;

/** @throws Error where the file has no such part */
export function partOfFile(text: string, name: string): string {
  const [from, to] = placeOf(text, name);
  return text.slice(from, to).trim();
}

/** @throws Error where the file has no such part */
export function withPart(text: string, name: string, content: string): string {
  const [from, to] = placeOf(text, name);
  return `${text.slice(0, from)}\n${content.trim()}\n${text.slice(to)}`;
}

function placeOf(text: string, name: string): [from: number, to: number] {
  const begin = marker(name, 'begin');
  const from = text.indexOf(begin);
  const to = text.indexOf(marker(name, 'end'));
  if (from < 0 || to < from)
    throw new Error(`Expected ${begin} and ${marker(name, 'end')}, in this order. Put them in.`);
  return [from + begin.length, to];
}
