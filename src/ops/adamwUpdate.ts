/** `torch`: epsilon joins the corrected root, as in PyTorch; `tf1`: the uncorrected one, as in TensorFlow 1. */
export type AdamForm = 'torch' | 'tf1';

export interface AdamwStep {
  learningRate: number;
  /** Decay of the first moment, 0 to below 1. */
  beta1: number;
  /** Decay of the second moment, 0 to below 1. */
  beta2: number;
  epsilon: number;
  /** Decoupled: taken off the parameter itself, not off the gradient; 0 is off. */
  weightDecay: number;
  /** Steps done including this one: 1 on the first. */
  step: number;
  form: AdamForm;
  /** What the gradient is multiplied by first, as for clipping by the global norm; 1 is off. */
  gradScale: number;
}

/** What changes in the update from step to step; a recorded step takes it as data. */
export interface AdamwNumbers {
  /** What is left of a parameter after the decay. */
  keep: number;
  /** Learning rate times the corrections of both moments. */
  rate: number;
  epsilon: number;
}

/** sqrt(v / c²) + eps = (sqrt(v) + eps · c) / c: the two forms differ in epsilon alone. */
export function adamwNumbers({
  learningRate,
  beta1,
  beta2,
  epsilon,
  weightDecay,
  step,
  form,
}: Omit<AdamwStep, 'gradScale'>): AdamwNumbers {
  const correction1 = 1 - beta1 ** step;
  const correction2 = Math.sqrt(1 - beta2 ** step);
  return {
    keep: 1 - learningRate * weightDecay,
    rate: (learningRate * correction2) / correction1,
    epsilon: form === 'torch' ? epsilon * correction2 : epsilon,
  };
}

/**
 * One step of Adam with decoupled weight decay, in place: the plain twin of the fused kernel.
 *
 * p ← p - lr · weightDecay · p;  g ← gradScale · g;
 * m ← beta1 · m + (1 - beta1) · g;  v ← beta2 · v + (1 - beta2) · g²;
 * torch: p ← p - lr · (m / (1 - beta1^t)) / (sqrt(v / (1 - beta2^t)) + epsilon)
 * tf1:   p ← p - lr · sqrt(1 - beta2^t) / (1 - beta1^t) · m / (sqrt(v) + epsilon)
 *
 * Kingma and Ba 2015 (arXiv:1412.6980), algorithm 1 (torch) and the rewrite at the end of its section 2 (tf1);
 * Loshchilov and Hutter 2019 (arXiv:1711.05101), algorithm 2, with the decay scaled by the learning rate and applied
 * first, as PyTorch does. The RLHF papers were trained with the tf1 form at epsilon 1e-5: for the tiny gradients of a
 * converged policy its first steps are up to 30 times smaller than the torch form's.
 *
 * @param parameter any shape, overwritten
 * @param gradient the same shape
 * @param m first moment, the same shape, zeros at first, overwritten
 * @param v second moment, the same shape, zeros at first, overwritten
 */
export function adamwUpdate(
  parameter: Float32Array,
  gradient: Float32Array,
  m: Float32Array,
  v: Float32Array,
  step: AdamwStep,
): void {
  applyNumbers(parameter, gradient, m, v, adamwNumbers(step), step);
}

/** The same from numbers that were made before. */
export function applyNumbers(
  parameter: Float32Array,
  gradient: Float32Array,
  m: Float32Array,
  v: Float32Array,
  { keep, rate, epsilon }: AdamwNumbers,
  { beta1, beta2, gradScale }: Pick<AdamwStep, 'beta1' | 'beta2' | 'gradScale'>,
): void {
  for (let i = 0; i < parameter.length; i++) {
    const g = gradScale * gradient[i]!;
    const first = beta1 * m[i]! + (1 - beta1) * g;
    const second = beta2 * v[i]! + (1 - beta2) * g * g;
    m[i] = first;
    v[i] = second;
    parameter[i] = keep * parameter[i]! - (rate * first) / (Math.sqrt(second) + epsilon);
  }
}
