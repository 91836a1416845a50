/** The files of a BERT classifier in transformers' format, before and after its fine-tuning. */
import { InputError } from '../../../contracts/errors.ts';
import { isRecord } from '../../../contracts/is-record.ts';
import { present } from '../../../contracts/present.ts';
import type { LinearRole, Model, ModelFiles } from '../../../engine/definitions/model.ts';
import { openTensors } from '../../../engine/model/safetensors.ts';
import { type FloatTensor, writeSafetensors } from '../../../engine/model/write-safetensors.ts';
import { elements } from '../../../numerics/tensor/tensor.ts';
import type { Random } from '../../../numerics/tensor/random.ts';
import { BERT_LAYER } from '../architectures/bert.ts';
import { transposedRows } from '../architectures/checkpoint.ts';
import { readJsonFile } from '../transformers-model.ts';

const CONFIG = 'config.json';
const WEIGHTS = 'model.safetensors';
const COPIED = ['tokenizer.json', 'tokenizer_config.json', 'special_tokens_map.json'] as const;

/**
 * The base with a new classifier after its pooler: weights from a normal distribution with the deviation in
 * config.json, as in BERT, and a bias of zero. Throws InputError for a base that is not a BERT.
 */
export async function startingClassifier(
  base: ModelFiles,
  { classes, random }: { readonly classes: readonly string[]; readonly random: Random },
): Promise<ReadonlyMap<string, Uint8Array>> {
  const config = await readJsonFile(base, CONFIG);
  const { model_type: modelType, hidden_size: width, initializer_range: spread } = isRecord(config) ? config : {};
  if (!isRecord(config) || modelType !== 'bert' || typeof width !== 'number' || typeof spread !== 'number') {
    throw new InputError(
      `${CONFIG}: expected a BERT with hidden_size and initializer_range as the base of a classifier`,
    );
  }
  const tensors = new Map<string, FloatTensor>();
  const store = await openTensors(base, WEIGHTS);
  try {
    for (const [name, { dims, dtype }] of store.tensors) {
      if (dtype.startsWith('I')) continue; // tables of positions
      tensors.set(`bert.${name}`, { dims, values: await store.read(name, dims) });
    }
  } finally {
    await store.close();
  }
  const values = Float32Array.from({ length: classes.length * width }, () => spread * random.normal());
  tensors.set('classifier.weight', { dims: [classes.length, width], values });
  tensors.set('classifier.bias', { dims: [classes.length], values: new Float32Array(classes.length) });
  const classifierConfig = {
    ...config,
    architectures: ['BertForSequenceClassification'],
    id2label: Object.fromEntries(classes.entries()),
    label2id: Object.fromEntries(classes.map((name, label) => [name, label])),
  };
  const files = new Map([
    [CONFIG, new TextEncoder().encode(`${JSON.stringify(classifierConfig, undefined, 2)}\n`)],
    [WEIGHTS, writeSafetensors(tensors)],
  ]);
  for (const path of COPIED) if (base.has(path)) files.set(path, await base.read(path));
  return files;
}

/** The same files with the weights of `model`, which was built from them and trained. */
export function trainedClassifier(
  files: ReadonlyMap<string, Uint8Array>,
  model: Model,
): ReadonlyMap<string, Uint8Array> {
  return new Map([...files, [WEIGHTS, writeSafetensors(classifierTensors(model))]]);
}

function classifierTensors({ onnx, roles }: Model): ReadonlyMap<string, FloatTensor> {
  const tensors = new Map<string, FloatTensor>();
  const put = (to: string, name: string | undefined): void => {
    const tensor = present(onnx.graph.initializers.get(name ?? ''), `initializer "${name}"`);
    tensors.set(to, { dims: tensor.dims, values: elements(tensor, 'float32') });
  };
  const norm = (to: string, name: string): void => {
    for (const part of ['weight', 'bias']) put(`${to}.${part}`, `${name}.${part}`);
  };
  /** [in, out] to torch's [out, in]. */
  const linear = (to: string, role: LinearRole | undefined): void => {
    const { weight, bias, inFeatures, outFeatures } = present(role, to);
    const matrix = elements(present(onnx.graph.initializers.get(weight), weight), 'float32');
    const rows = Array.from({ length: inFeatures }, (_, row) => row);
    tensors.set(`${to}.weight`, {
      dims: [outFeatures, inFeatures],
      values: transposedRows(matrix, { rows, columns: outFeatures }),
    });
    put(`${to}.bias`, bias);
  };
  put('bert.embeddings.word_embeddings.weight', roles.embedding.weight);
  put('bert.embeddings.position_embeddings.weight', roles.positions?.weight);
  put('bert.embeddings.token_type_embeddings.weight', roles.segments?.weight);
  norm('bert.embeddings.LayerNorm', 'embedding.norm');
  for (const [index, layer] of roles.layers.entries()) {
    const name = `bert.encoder.layer.${index}`;
    for (const part of ['q', 'k', 'v', 'o', 'up', 'down'] as const) linear(`${name}.${BERT_LAYER[part]}`, layer[part]);
    norm(`${name}.${BERT_LAYER.attentionNorm}`, `layers.${index}.attention.norm`);
    norm(`${name}.${BERT_LAYER.feedForwardNorm}`, `layers.${index}.feed_forward.norm`);
  }
  linear('bert.pooler.dense', roles.pooler);
  linear('classifier', roles.head);
  return tensors;
}
