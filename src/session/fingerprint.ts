/** What tells weights apart: the same numbers give the same fingerprint, also in a later visit. */
import type { HostWeights } from './models';

/**
 * FNV-1a over the bits of the named weights, in the order of the names.
 *
 * @param names of parameters; a checkpoint's moments do not count. The weights may lack the leading "transformer."
 * @returns 8 hexadecimal digits
 */
export function fingerprintOf(weights: HostWeights, names: Iterable<string>): string {
  let hash = 0x811c9dc5;
  for (const name of names) {
    const values = (weights.get(name) ?? weights.get(name.replace(/^transformer\./, '')))?.values;
    if (!values) continue;
    const words = new Uint32Array(values.buffer, values.byteOffset, values.length);
    for (let i = 0; i < words.length; i++) hash = Math.imul(hash ^ words[i]!, 0x01000193);
  }
  return (hash >>> 0).toString(16).padStart(8, '0');
}
