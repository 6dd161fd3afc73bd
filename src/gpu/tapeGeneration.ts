/**
 * Which tapes may still be replayed: those recorded since the kernels were last chosen anew. A tape holds the pipelines
 * that were chosen when it was recorded, and knows nothing of a later choice.
 */

let generation = 0;

/** Tapes of an earlier generation are to be recorded anew. */
export const tapeGeneration = (): number => generation;

/** Every step is recorded anew before it next runs. To be called between two jobs, never in the middle of a run. */
export function retireTapes(): void {
  generation += 1;
}
