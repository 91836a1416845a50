/**
 * Scores a method on a model's validation split, which is what parameters are chosen on; test items choose nothing:
 *   npx node cli/authors/validate-method.ts gptq/w4g32 'magnitude {"sparsity": 0.6}' [--model tinyworld-gpt] [--seed 0]
 * Each argument is a variant, or a method and its parameters as JSON. Model, data and draws are those of a run.
 */
import { parseArgs } from 'node:util';
import Table from 'cli-table3';
import type { Method } from '../../engine/definitions/method.ts';
import type { OnnxModel } from '../../numerics/onnx/graph.ts';
import { writeModel } from '../../numerics/onnx/write.ts';
import { measureSize } from '../../harness/measure/size.ts';
import { findVariants } from '../setup/registry.ts';
import { openValidation } from '../setup/validation.ts';

const { values: options, positionals } = parseArgs({
  options: { model: { type: 'string', default: 'tinyworld-gpt' }, seed: { type: 'string', default: '0' } },
  allowPositionals: true,
});
const { model, task, compress, evaluate } = await openValidation(options.model, {
  seed: Number(options.seed),
  remark: (text) => console.error(text),
});
const sizeOf = async (onnx: OnnxModel) =>
  (await measureSize(writeModel(onnx), { tiedEmbedding: model.roles.head === undefined })).zstdBytes;
const denseBytes = await sizeOf(model.onnx);

const table = new Table({
  style: { head: [], border: [] },
  head: ['method', 'validation', '95 % interval', 'Δ loss', 'smaller', 'seconds'],
});
for (const argument of positionals) {
  for (const { method, name, params } of choices(argument)) {
    const { compressed, seconds } = await compress(method, params, name);
    const { quality, distance } = await evaluate(compressed);
    const { value, low, high } = quality.estimate;
    table.push([
      `${method.id} ${name}`,
      value.toFixed(4),
      `${low.toFixed(3)} to ${high.toFixed(3)}`,
      distance.deltaLogPerplexity.value.toFixed(4),
      `${(denseBytes / (await sizeOf(compressed.onnx))).toFixed(2)}×`,
      seconds.toFixed(1),
    ]);
    console.error(`${method.id} ${name}: ${value.toFixed(4)}, ${seconds.toFixed(1)} s`);
  }
}
console.log(`${model.id}, ${task}, validation split, seed ${options.seed}`);
console.log(table.toString());

interface Choice {
  readonly method: Method;
  readonly name: string;
  readonly params: Readonly<Record<string, unknown>>;
}

function choices(argument: string): readonly Choice[] {
  const [, id = argument, json] = /^(\S+)\s+(\{.*\})$/s.exec(argument) ?? [];
  const registrations = findVariants([id]);
  if (json === undefined) {
    return registrations.map(({ registration: { method }, variant }) => ({
      method,
      name: variant,
      params: method.variants[variant] ?? {},
    }));
  }
  const method = registrations[0]?.registration.method;
  return method ? [{ method, name: json, params: JSON.parse(json) as Record<string, unknown> }] : [];
}
