/**
 * Reads rows of Anthropic's HH-RLHF format: {"chosen": text, "rejected": text}.
 *
 *   "\n\nHuman: Hi\n\nAssistant: Hello!\n\nHuman: ...\n\nAssistant: reply"
 *
 * Both texts begin alike. What they share, cut back to its last "\n\nAssistant: ", is the conversation; the rest of
 * each is its reply, further turns included, because that is what was judged. TRL's splitter does the same.
 */
import type { Message } from '../../session/protocol';
import { excerpt, kindOf, type Judged } from './row';

const HUMAN = '\n\nHuman: ';
const ASSISTANT = '\n\nAssistant: ';

/** One row as a ranking of two replies, the chosen one first; or what is wrong with it, as a sentence. */
export function readHhRow(value: unknown): Judged | string {
  const pair = pairOf(value);
  if (typeof pair === 'string') return pair;
  const split = splitPair(pair.chosen, pair.rejected);
  return typeof split === 'string' ? split : { ...split, ranks: [1, 2] };
}

/** The two texts, or what is wrong. Reads own properties only and copies nothing else. */
function pairOf(value: unknown): { chosen: string; rejected: string } | string {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    return `expected a JSON object with "chosen" and "rejected", got ${kindOf(value)}.`;
  }
  const texts: string[] = [];
  for (const key of ['chosen', 'rejected']) {
    const text: unknown = Object.hasOwn(value, key) ? Reflect.get(value, key) : undefined;
    if (text === undefined)
      return `expected "${key}", got the keys ${Object.keys(value).slice(0, 8).join(', ') || '(none)'}.`;
    if (typeof text !== 'string') return `expected "${key}" to be text, got ${kindOf(text)}.`;
    texts.push(text);
  }
  const [chosen = '', rejected = ''] = texts;
  return { chosen, rejected };
}

/**
 * Cuts two transcripts into the conversation that they share and their two replies.
 *
 * @returns what is wrong, as a sentence, where they cannot be cut
 */
export function splitPair(chosen: string, rejected: string): Pick<Judged, 'conversation' | 'replies'> | string {
  for (const [key, text] of Object.entries({ chosen, rejected })) {
    if (!text.startsWith(HUMAN)) return `expected "${key}" to begin with "\\n\\nHuman: ", got ${excerpt(text)}.`;
    if (!text.includes(ASSISTANT)) return `expected "${key}" to have a turn "\\n\\nAssistant: ", found none.`;
  }
  const cut = chosen.slice(0, sharedLength(chosen, rejected)).lastIndexOf(ASSISTANT);
  if (cut < 0) return 'expected "chosen" and "rejected" to answer the same prompt, but their prompts differ.';
  const replies = [chosen, rejected].map((text) => text.slice(cut + ASSISTANT.length).trim());
  if (replies[0] === replies[1]) return 'expected two different replies, got the same one twice.';
  const conversation = splitTurns(chosen.slice(0, cut));
  if (conversation.at(-1)?.role !== 'user') return 'expected a Human turn before the replies, got an Assistant turn.';
  return { conversation, replies };
}

/** Turns of one transcript; neighbours of the same role become one message. */
function splitTurns(transcript: string): Message[] {
  const messages: Message[] = [];
  const [, ...pieces] = transcript.split(/\n\n(Human|Assistant): /);
  for (let i = 0; i + 1 < pieces.length; i += 2) {
    const role = pieces[i] === 'Human' ? 'user' : 'assistant';
    const text = (pieces[i + 1] ?? '').trim();
    const last = messages.at(-1);
    if (last?.role === role) last.text = `${last.text}\n\n${text}`.trim();
    else messages.push({ role, text });
  }
  return messages;
}

function sharedLength(a: string, b: string): number {
  const most = Math.min(a.length, b.length);
  let length = 0;
  while (length < most && a.charCodeAt(length) === b.charCodeAt(length)) length++;
  return length;
}
