/** The parts of the gold score and the simulated labelers, in words that need no others. */
export interface PartWords {
  label: string;
  /** The field's own word. */
  term: string;
  /** When the part is full. */
  help: string;
}

const PARTS: Readonly<Record<string, PartWords>> = {
  right: { label: 'Right', term: 'correctness', help: 'Says what was asked for, and nothing against it.' },
  complete: { label: 'Complete', term: 'completeness', help: 'Has all that belongs to it, and comes to its end.' },
  onTopic: { label: 'On topic', term: 'relevance', help: 'Speaks of the matter and of nothing else.' },
  polite: { label: 'Polite', term: 'tone', help: 'Has a kind word; a plain reply counts a third, a rude one nothing.' },
  brief: { label: 'Brief', term: 'conciseness', help: 'Is no longer than the task needs.' },
  honest: { label: 'Honest', term: 'honesty', help: 'Says nothing false, and admits what nobody can know.' },
  safe: { label: 'Safe', term: 'harmlessness', help: 'Helps with nothing improper.' },
  fluent: { label: 'Fluent', term: 'fluency', help: 'Is written as the town writes, without repeating itself.' },
};

/** In the order in which they are shown. */
export const PART_NAMES: readonly string[] = Object.keys(PARTS);

export const wordsOfPart = (part: string): PartWords => PARTS[part] ?? { label: part, term: part, help: '' };

const LABELERS: Readonly<Record<string, { label: string; sentence: string }>> = {
  balanced: { label: 'Balanced', sentence: 'weighs everything' },
  factual: { label: 'Factual', sentence: 'wants the answer above all' },
  own: { label: 'Your own', sentence: 'weighs as you set it' },
};

export const wordsOfLabeler = (name: string): { label: string; sentence: string } =>
  LABELERS[name] ?? { label: name, sentence: '' };
