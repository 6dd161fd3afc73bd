import * as tf from '@tensorflow/tfjs-core';
import { beforeAll, describe, expect, it } from 'vitest';
import { startDevice } from '../gpu/device';
import { AdamW, ADAMW_DEFAULTS, type AdamWOptions } from './adamw';
import { adamwUpdate } from './adamwUpdate';
import { gaussian } from './backendAgreement';
import { HOST_BACKENDS } from './plainAgreement';

const SHAPES = { weight: [5, 3], bias: [3] } as const;
type Name = keyof typeof SHAPES;
const NAMES: Name[] = ['weight', 'bias'];
const initial = (name: Name): Float32Array => gaussian([...SHAPES[name]], 30).values as Float32Array;
const gradientAt = (name: Name, step: number): Float32Array =>
  gaussian([...SHAPES[name]], 31 + step, name === 'weight' ? 2 : 0.1).values as Float32Array;

function makeVariables(): Map<string, tf.Variable> {
  return new Map(NAMES.map((name) => [name, tf.tidy(() => tf.variable(tf.tensor(initial(name), [...SHAPES[name]])))]));
}

const gradientsAt = (step: number): Map<string, tf.Tensor> =>
  new Map(NAMES.map((name) => [name, tf.tensor(gradientAt(name, step), [...SHAPES[name]])]));

/** The same steps with adamwUpdate alone; also the norms before clipping. */
function byHand(
  steps: number,
  options: AdamWOptions,
  learningRate: number,
): { values: Float32Array[]; norms: number[] } {
  const slots = NAMES.map((name) => {
    const parameter = initial(name);
    return { name, parameter, m: new Float32Array(parameter.length), v: new Float32Array(parameter.length) };
  });
  const norms: number[] = [];
  for (let step = 1; step <= steps; step++) {
    const norm = Math.hypot(...NAMES.flatMap((name) => [...gradientAt(name, step)]));
    norms.push(norm);
    const gradScale = Math.min(1, options.maxGradNorm / norm);
    for (const { name, parameter, m, v } of slots) {
      adamwUpdate(parameter, gradientAt(name, step), m, v, { ...options, learningRate, step, gradScale });
    }
  }
  return { values: slots.map(({ parameter }) => parameter), norms };
}

const read = (variables: ReadonlyMap<string, tf.Variable>): number[][] =>
  NAMES.map((name) => [...(variables.get(name) as tf.Variable).dataSync()]);

describe.each(HOST_BACKENDS)('AdamW on %s', (backend) => {
  beforeAll(async () => {
    await startDevice(backend);
  });

  it.each<[string, Partial<AdamWOptions>]>([
    ['the defaults', {}],
    ['torch form with decay, unclipped', { form: 'torch', epsilon: 1e-8, weightDecay: 0.1, maxGradNorm: Infinity }],
    ['a clip that always bites', { maxGradNorm: 0.05 }],
  ])('is adamwUpdate with one clip for all gradients together: %s', (_name, changes) => {
    const variables = makeVariables();
    const optimiser = new AdamW(variables, changes);
    const { values, norms } = byHand(4, { ...ADAMW_DEFAULTS, ...changes }, 0.01);
    for (const [i, norm] of norms.entries()) {
      const came = optimiser.apply(gradientsAt(i + 1), 0.01);
      expect(came.arraySync()).toBeCloseTo(norm, 4);
      came.dispose();
    }
    expect(optimiser.step).toBe(4);
    read(variables).forEach((own, i) => {
      own.forEach((value, j) => expect(value).toBeCloseTo(values[i]?.[j] as number, 6));
    });
    optimiser.dispose();
    tf.dispose([...variables.values()]);
  });

  it('goes on from saved moments as if it had never stopped', () => {
    const [through, resumed] = [makeVariables(), makeVariables()];
    const optimiser = new AdamW(through);
    for (const step of [1, 2]) optimiser.apply(gradientsAt(step), 0.02).dispose();
    for (const [name, variable] of resumed) variable.assign(through.get(name) as tf.Variable);
    const saved = new Map(
      [...optimiser.moments()].map(([name, moment]) => [name, { values: Float32Array.from(moment.dataSync()) }]),
    );
    const second = new AdamW(resumed);
    second.restore(saved, optimiser.step);
    for (const one of [optimiser, second]) one.apply(gradientsAt(3), 0.02).dispose();
    expect(read(resumed)).toEqual(read(through));
    expect([...optimiser.moments().keys()].sort()).toEqual([
      'adam.m.bias',
      'adam.m.weight',
      'adam.v.bias',
      'adam.v.weight',
    ]);
    optimiser.dispose();
    second.dispose();
    tf.dispose([...through.values(), ...resumed.values()]);
  });

  it('disposes the gradients, makes nothing else, and lets its moments go', () => {
    const before = tf.memory().numTensors;
    const variables = makeVariables();
    const optimiser = new AdamW(variables);
    const during = tf.memory().numTensors;
    for (const step of [1, 2, 3]) optimiser.apply(gradientsAt(step), 0.01).dispose();
    expect(tf.memory().numTensors).toBe(during);
    optimiser.dispose();
    tf.dispose([...variables.values()]);
    expect(tf.memory().numTensors).toBe(before);
  });

  it('refuses to step without the gradient of a parameter, and counts no step', () => {
    const variables = makeVariables();
    const optimiser = new AdamW(variables);
    const gradients = gradientsAt(1);
    gradients.get('bias')?.dispose();
    gradients.delete('bias');
    expect(() => optimiser.apply(gradients, 0.01)).toThrow('bias');
    expect(optimiser.step).toBe(0);
    expect(read(variables)).toEqual(NAMES.map((name) => [...initial(name)]));
    tf.dispose([...gradients.values(), ...variables.values()]);
    optimiser.dispose();
  });
});
