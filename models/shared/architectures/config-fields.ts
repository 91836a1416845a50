/**
 * The fields of a config.json, each read by name and checked. Fields that were not read at the end are an error, since
 * an unknown field may change what the network computes.
 */
import { InputError } from '../../../contracts/errors.ts';
import { isRecord } from '../../../contracts/is-record.ts';

/** Fields without influence on the network's evaluation. */
const WITHOUT_EFFECT: readonly RegExp[] = [
  /^(architectures|model_type|transformers_version|torch_dtype|dtype|_name_or_path|_commit_hash|use_cache)$/,
  /^(bos|eos|pad|sep|cls|mask|unk|decoder_start)_token_id$/,
  /^(initializer_range|initializer_factor|initializer_cutoff_factor|init_std|gradient_checkpointing|output_past)$/,
  /^(\w+_)?(dropout|pdrop)(_p|_prob)?$|^(summary_first_dropout|layerdrop)$/,
  /^(finetuning_task|task_specific_params|problem_type|language|prefix|attn_implementation|_attn_implementation)$/,
  /^(output_attentions|output_hidden_states|return_dict|chunk_size_feed_forward|torchscript)$/,
  /^(is_llama_config|transformers\.js_config|unsloth_version|unsloth_fixed|pretraining_tp|directionality|gradient_\w+)$/,
];

/** An order of magnitude above any published model; memory is not allocated for a count before weights are found. */
const MOST = { layers: 1000, features: 2 ** 18, vocabulary: 2 ** 21, context: 2 ** 26, heads: 4096 } as const;
export type CountKind = keyof typeof MOST;

export interface ConfigFields {
  readonly modelType: string;
  /** Whether the field exists and is not null. */
  has(name: string): boolean;
  /** A whole number from 1. Without the field the fallback; without a fallback an error. */
  count(name: string, kind: CountKind, fallback?: number): number;
  /** A whole number from 0. */
  index(name: string): number;
  /** A finite number above 0. */
  positive(name: string, fallback?: number): number;
  flag(name: string, fallback?: boolean): boolean;
  /** The value that the field's word maps to. */
  oneOf<T>(name: string, meanings: Readonly<Record<string, T>>, fallback?: string): T;
  words(name: string): readonly string[] | undefined;
  /** A nested object, whose fields are read and checked in the same way. */
  nested(name: string): ConfigFields | undefined;
  /** Number of entries of an object. */
  entries(name: string): number | undefined;
  /** Throws where the field exists with another value: an unsupported network. */
  expect(name: string, values: readonly unknown[]): void;
  ignore(...names: readonly string[]): void;
  /** Throws InputError for fields that were not read. */
  finish(): void;
  fault(message: string): InputError;
}

/** `label` names the file. Throws InputError where `config` is not an object. */
export function configFields(label: string, config: unknown, modelType = ''): ConfigFields {
  if (!isRecord(config)) {
    throw new InputError(`${label}: expected an object, got ${JSON.stringify(config)?.slice(0, 80)}`);
  }
  const values = new Map(Object.entries(config));
  const read = new Set<string>();
  const nestedFields: ConfigFields[] = [];
  const fault = (message: string): InputError => new InputError(`${label}: ${message}`);
  function take(name: string): unknown {
    read.add(name);
    return values.get(name) ?? undefined;
  }
  function required<T>(name: string, fallback: T | undefined, what: string): T {
    if (fallback !== undefined) return fallback;
    throw fault(`no field "${name}", expected ${what}`);
  }
  const wrong = (name: string, value: unknown, what: string): InputError =>
    fault(`"${name}" is ${JSON.stringify(value)?.slice(0, 80)}, expected ${what}`);
  return {
    modelType,
    fault,
    has: (name) => (values.get(name) ?? undefined) !== undefined,
    count(name, kind, fallback) {
      const value = take(name);
      const what = `a whole number from 1 to ${MOST[kind]}`;
      if (value === undefined) return required(name, fallback, what);
      if (!Number.isInteger(value) || (value as number) < 1 || (value as number) > MOST[kind])
        throw wrong(name, value, what);
      return value as number;
    },
    index(name) {
      const value = take(name);
      if (!Number.isInteger(value) || (value as number) < 0) throw wrong(name, value, 'a whole number from 0');
      return value as number;
    },
    positive(name, fallback) {
      const value = take(name);
      if (value === undefined) return required(name, fallback, 'a number above 0');
      if (typeof value !== 'number' || !Number.isFinite(value) || value <= 0)
        throw wrong(name, value, 'a number above 0');
      return value;
    },
    flag(name, fallback) {
      const value = take(name);
      if (value === undefined) return required(name, fallback, 'true or false');
      if (typeof value !== 'boolean') throw wrong(name, value, 'true or false');
      return value;
    },
    oneOf(name, meanings, fallback) {
      const value = take(name) ?? required(name, fallback, `one of ${Object.keys(meanings).join(', ')}`);
      if (typeof value !== 'string' || !Object.hasOwn(meanings, value)) {
        throw wrong(name, value, `one of ${Object.keys(meanings).join(', ')}`);
      }
      return meanings[value] as (typeof meanings)[string];
    },
    words(name) {
      const value = take(name);
      if (value === undefined) return undefined;
      if (!Array.isArray(value) || !value.every((word) => typeof word === 'string'))
        throw wrong(name, value, 'a list of words');
      return value;
    },
    nested(name) {
      const value = take(name);
      if (value === undefined) return undefined;
      const fields = configFields(`${label}: ${name}`, value, modelType);
      nestedFields.push(fields);
      return fields;
    },
    entries(name) {
      const value = take(name);
      if (value === undefined) return undefined;
      if (typeof value !== 'object' || Array.isArray(value)) throw wrong(name, value, 'an object');
      return Object.keys(value as object).length;
    },
    expect(name, allowed) {
      const value = take(name);
      if (value === undefined || allowed.some((one) => JSON.stringify(one) === JSON.stringify(value))) return;
      throw fault(
        `"${name}" is ${JSON.stringify(value)?.slice(0, 80)}; only ${allowed.map((one) => JSON.stringify(one)).join(' or ')} is built`,
      );
    },
    ignore(...names) {
      for (const name of names) read.add(name);
    },
    finish() {
      const unread = [...values.keys()].filter(
        (name) => !read.has(name) && !WITHOUT_EFFECT.some((pattern) => pattern.test(name)),
      );
      if (unread.length > 0) {
        const shown = unread.slice(0, 8).map((name) => `${name}: ${JSON.stringify(values.get(name))?.slice(0, 60)}`);
        throw fault(
          `${unread.length} fields that the builder of "${modelType}" does not know (${shown.join('; ')}): they may change what the ` +
            'network computes; support or ignore them in models/shared/architectures',
        );
      }
      for (const fields of nestedFields) fields.finish();
    },
  };
}
