/**
 * The notation in which the banks write sentences: alternatives in round brackets, slots in braces.
 *
 *   (Hi|Hello) {name}, how are you?
 *
 * A slot that opens a sentence begins with a capital letter. Alternatives may be empty, and do not nest.
 */
import type { Random } from './random';

/** What stands in a slot, by its name. */
export type Slots = Readonly<Record<string, string>> | ((slot: string) => string);

const ALTERNATIVES = /\(([^()]*)\)/;
const SLOT = /\{([\w.]+)\}/g;

/** Every text that the alternatives of a template make, slots left as they are. */
export function variants(template: string): string[] {
  const group = ALTERNATIVES.exec(template);
  if (group === null) return [tidy(template)];
  const [whole, choices = ''] = group;
  const [before, after] = [template.slice(0, group.index), template.slice(group.index + whole.length)];
  return choices.split('|').flatMap((choice) => variants(before + choice + after));
}

/** One of the texts that the alternatives of a template make, slots left as they are. */
export function vary(template: string, random: Random): string {
  const chosen = template.replace(new RegExp(ALTERNATIVES, 'g'), (_, choices: string) =>
    random.pick(choices.split('|')),
  );
  return tidy(chosen);
}

/** @throws RangeError for a slot that nothing is known of */
export function fill(template: string, slots: Slots): string {
  return template.replace(SLOT, (_, slot: string, position: number) => {
    const value = typeof slots === 'function' ? slots(slot) : slots[slot];
    if (value === undefined) throw new RangeError(`Expected a value for {${slot}} in "${template}", got none.`);
    return /(^|[.!?]["']? |\n)$/.test(template.slice(0, position)) ? capital(value) : value;
  });
}

/** One of the texts of a template, filled. */
export function say(template: string, slots: Slots, random: Random): string {
  return fill(vary(template, random), slots);
}

/** All texts of all templates, filled, each once. */
export function sayAll(templates: readonly string[], slots: Slots): string[] {
  return [...new Set(templates.flatMap(variants).map((template) => fill(template, slots)))];
}

/** The slots of a template, in order. */
export function slotsOf(template: string): string[] {
  return [...template.matchAll(SLOT)].map(([, slot = '']) => slot);
}

export function capital(text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1);
}

/** Empty alternatives leave spaces behind. */
function tidy(text: string): string {
  return text
    .replace(/ {2,}/g, ' ')
    .replace(/ ([,.!?])/g, '$1')
    .trim();
}
