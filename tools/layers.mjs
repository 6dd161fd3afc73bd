/**
 * Which part of `src` may import which. Arrows point down:
 *
 *   page:    main -> ui -> app -> session/client, store, sandbox
 *   worker:  session -> rlhf -> model -> ops -> gpu -> shaders
 *
 * and everyone may import what stands in `EVERYONE`. ESLint turns this table into a message at the import, and
 * src/architecture.test.ts checks every file by it.
 */

/** Importable from anywhere; they import nothing but each other, from left to right. */
export const EVERYONE = [
  'config',
  'errors',
  'metrics',
  'methods',
  'settingInfo',
  'lessons',
  'session/protocol',
  'text',
];

/** @type {Record<string, { mayImport: string[], why: string }>} */
export const LAYERS = {
  config: { mayImport: [], why: 'settings depend on nothing' },
  errors: { mayImport: [], why: 'errors depend on nothing' },
  metrics: { mayImport: ['config'], why: 'the page shows what metrics mean, the worker fills them in' },
  methods: { mayImport: ['config'], why: 'methods are settings with names' },
  settingInfo: { mayImport: ['config'], why: 'what a setting is called depends on no code' },
  lessons: { mayImport: ['config', 'metrics'], why: 'page and command run the same lessons' },
  'session/protocol': {
    mayImport: ['config', 'errors', 'methods'],
    why: 'the protocol is types that page and worker share',
  },
  text: { mayImport: ['config', 'errors', 'session/protocol'], why: 'text knows no tensors and no page' },
  gpu: { mayImport: [...EVERYONE, 'shaders'], why: 'gpu is the lowest layer: tensors, devices, kernels' },
  ops: { mayImport: [...EVERYONE, 'gpu', 'shaders'], why: 'an op knows its kernel, not the model that it serves' },
  model: { mayImport: [...EVERYONE, 'ops', 'gpu'], why: 'a model is made of ops and knows no training' },
  rlhf: { mayImport: [...EVERYONE, 'model', 'ops', 'gpu'], why: 'a stage yields values and knows no worker or page' },
  session: {
    mayImport: [...EVERYONE, 'rlhf', 'model', 'ops', 'gpu'],
    why: 'the worker reaches the page by messages only',
  },
  'session/client': { mayImport: EVERYONE, why: 'the client reaches the worker by messages only' },
  store: { mayImport: EVERYONE, why: 'the store holds plain records' },
  sandbox: { mayImport: ['errors'], why: "what runs a person's own code knows nothing else" },
  app: {
    mayImport: [...EVERYONE, 'session/client', 'store', 'sandbox'],
    why: 'the page reaches models through session/client',
  },
  ui: {
    mayImport: [...EVERYONE, 'app', 'session/client', 'store', 'sandbox'],
    why: 'the page reaches models through session/client',
  },
  main: { mayImport: [...EVERYONE, 'ui', 'app', 'store'], why: 'main opens the store and mounts the page' },
};

/** @type {Record<string, { layers: string[], why: string }>} packages that only some layers may name, by prefix */
export const PACKAGES = {
  '@tensorflow/': { layers: ['gpu', 'ops', 'model', 'rlhf'], why: 'tensors stay below the session' },
  'bleu-score': { layers: ['rlhf'], why: 'replies are measured where they are evaluated' },
  'js-rouge': { layers: ['rlhf'], why: 'replies are measured where they are evaluated' },
  idb: { layers: ['store'], why: 'only the store writes to IndexedDB' },
  uplot: { layers: ['ui'], why: 'charts are components' },
  'bits-ui': { layers: ['ui'], why: 'widgets are components' },
  'svelte-dnd-action': { layers: ['ui'], why: 'dragging belongs to components' },
};

/**
 * The layer of a path below `src`, or `shaders`; null for a file that belongs to none.
 * @param {string} file with forward slashes, as `src/rlhf/gae.ts` or `shaders/gelu.wgsl`
 */
export function layerOf(file) {
  if (file.startsWith('shaders/')) return 'shaders';
  if (!file.startsWith('src/')) return null;
  const [first = '', second = ''] = file.slice('src/'.length).split('/');
  const name = first.replace(/(\.svelte)?\.\w+$/, '');
  if (name === 'session') {
    const part = second.replace(/\.ts$/, '');
    if (part === 'client' || part === 'protocol') return `session/${part}`;
    if (part === 'protocolData') return 'session/protocol';
  }
  return name in LAYERS ? name : null;
}
