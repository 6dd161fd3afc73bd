/**
 * A step: what is done again and again with other numbers. On WebGPU it is recorded once for every set of shapes and
 * replayed; on the host backends it is run as it stands.
 *
 * `run` does not wait for the device: results are read when they are wanted, of many runs at once.
 */
import * as tf from '@tensorflow/tfjs-core';
import { webGpuBackend } from './kernel';
import { rehearsing } from './pipelineRequests';
import { type HostTensor, Tape } from './tape';
import { tapeGeneration } from './tapeGeneration';

export type { HostTensor } from './tape';

/** Reads the outputs of one run, one array each. */
export type Reader = () => Promise<(Float32Array | Int32Array)[]>;

/**
 * What lengths are rounded up to. Each length is another recording, so on WebGPU batches are padded to a few of them;
 * elsewhere padding would only cost.
 */
export const lengthMultiple = (): number => (tf.getBackend() === 'webgpu' ? 8 : 1);

/** Sets of shapes that are remembered; the one used longest ago goes first. */
const TAPES = 8;

export class Step<Input extends string> {
  readonly name: string;
  readonly #body: (inputs: Record<Input, tf.Tensor>) => tf.Tensor[];
  readonly #variables: () => Iterable<tf.Variable>;
  readonly #tapes = new Map<string, Tape>();
  #generation = tapeGeneration();

  /**
   * @param name for errors and labels
   * @param body gives the outputs from the inputs. It is run once and then no more, so every number that changes from
   *   run to run must be an input.
   * @param variables that the body uses
   */
  constructor(
    name: string,
    body: (inputs: Record<Input, tf.Tensor>) => tf.Tensor[],
    variables: () => Iterable<tf.Variable>,
  ) {
    this.name = name;
    this.#body = body;
    this.#variables = variables;
  }

  run(inputs: Readonly<Record<Input, HostTensor>>): Reader {
    if (rehearsing()) return this.#rehearse(inputs);
    return tf.getBackend() === 'webgpu' ? this.#tapeFor(inputs).replay(inputs) : this.#runPlainly(inputs);
  }

  /** Runs and waits. */
  async read(inputs: Readonly<Record<Input, HostTensor>>): Promise<(Float32Array | Int32Array)[]> {
    return this.run(inputs)();
  }

  /** Without a tape, operation by operation, on any backend: what a replay must equal bit for bit. */
  runPlainly(inputs: Readonly<Record<Input, HostTensor>>): Reader {
    return this.#runPlainly(inputs);
  }

  /** Dispatches and bytes of every tape. */
  get tapes(): { dispatches: number; bytes: number }[] {
    return [...this.#tapes.values()].map(({ dispatches, bytes }) => ({ dispatches, bytes }));
  }

  dispose(): void {
    for (const tape of this.#tapes.values()) tape.dispose();
    this.#tapes.clear();
  }

  /** There are no results, so nobody is ever given any. */
  #rehearse(inputs: Readonly<Record<Input, HostTensor>>): Reader {
    tf.dispose(this.#outputsOf(inputs));
    return () => new Promise(() => undefined);
  }

  #outputsOf(inputs: Readonly<Record<Input, HostTensor>>): tf.Tensor[] {
    return tf.tidy(() => {
      const tensors = Object.entries<HostTensor>(inputs).map(([name, { values, shape }]) => [
        name,
        tf.tensor(values, shape, values instanceof Int32Array ? 'int32' : 'float32'),
      ]);
      return this.#body(Object.fromEntries(tensors) as Record<Input, tf.Tensor>);
    });
  }

  #runPlainly(inputs: Readonly<Record<Input, HostTensor>>): Reader {
    const outputs = this.#outputsOf(inputs);
    return async () => {
      const values = await Promise.all(outputs.map((output) => output.data<'float32' | 'int32'>()));
      tf.dispose(outputs);
      return values;
    };
  }

  #tapeFor(inputs: Readonly<Record<Input, HostTensor>>): Tape {
    if (this.#generation !== tapeGeneration()) {
      this.dispose();
      this.#generation = tapeGeneration();
    }
    const key = Object.values<HostTensor>(inputs)
      .map(({ shape }) => shape.join('x'))
      .join(' ');
    const known = this.#tapes.get(key);
    this.#tapes.delete(key);
    let tape = known;
    if (known && !known.valid) {
      known.dispose();
      tape = undefined;
    }
    tape ??= new Tape(webGpuBackend(this.name), this.name, inputs, this.#body, [...this.#variables()]);
    this.#tapes.set(key, tape); // last in order: used last
    const [oldest] = this.#tapes;
    if (this.#tapes.size > TAPES && oldest) {
      oldest[1].dispose();
      this.#tapes.delete(oldest[0]);
    }
    return tape;
  }
}
