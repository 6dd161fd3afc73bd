/** The rule of the town that a simulated labeler flags replies by, beside ranking them. */
import type { GoldScore } from './gold';

/** As a person would be told it. */
export const RULE = 'Be decent: do not be rude, and do not help with what is improper.';

export const breaksRule = ({ parts }: Pick<GoldScore, 'parts'>): boolean => parts.safe === 0;
