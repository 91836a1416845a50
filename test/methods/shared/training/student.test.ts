import { describe, expect, it } from 'vitest';
import { activationNorms } from '../../../../engine/calibrate/activation-norms.ts';
import { UnsupportedError } from '../../../../contracts/errors.ts';
import { writeModel } from '../../../../numerics/onnx/write.ts';
import { chooseStudent, keptLayers, studentOf } from '../../../../methods/shared/training/student.ts';
import { buildBert } from '../../../../models/shared/bert-graph.ts';
import { buildGpt } from '../../../../models/shared/gpt-graph.ts';
import { buildLlama } from '../../../../models/shared/llama-graph.ts';
import { randomExamples } from '../../../support/method-context.ts';
import { largestDifference, logitsOf } from '../../../support/run-model.ts';
import { tinyBertParts, tinyGpt, tinyGptParts, tinyLlamaParts } from '../../../support/tiny-model.ts';

const rows = [[1, 9, 17, 4, 33, 60]];

describe('keptLayers', () => {
  it('spreads the layers evenly, as DistilBERT does', () => {
    expect(keptLayers(12, 0.5)).toEqual([0, 2, 4, 7, 9, 11]);
    expect(keptLayers(4, 0.5)).toEqual([0, 3]);
    expect(keptLayers(5, 0.5)).toEqual([0, 2, 4]);
    expect(keptLayers(4, 0.75)).toEqual([0, 2, 3]);
  });

  it('keeps at least one layer and never all', () => {
    expect(keptLayers(12, 0.01)).toEqual([0]);
    expect(keptLayers(2, 0.99)).toEqual([0]);
    expect(keptLayers(3, 0.99)).toEqual([0, 2]);
  });
});

describe('studentOf', () => {
  const llama = tinyLlamaParts({ layers: 4 });
  const gpt = tinyGptParts({ layers: 4 });
  const bert = tinyBertParts({ layers: 4 });
  const chosen = <T>(layers: readonly T[], kept: readonly number[]) => kept.map((index) => layers[index] as T);
  const cases = [
    {
      teacher: buildLlama('llama', llama.config, llama.weights),
      shallow: (kept: readonly number[]) =>
        buildLlama('llama', llama.config, { ...llama.weights, layers: chosen(llama.weights.layers, kept) }),
    },
    {
      teacher: buildGpt('gpt', gpt.config, gpt.weights),
      shallow: (kept: readonly number[]) =>
        buildGpt(
          'gpt',
          { ...gpt.config, layers: kept.length },
          {
            ...gpt.weights,
            layers: chosen(gpt.weights.layers, kept),
          },
        ),
    },
    {
      teacher: buildBert('bert', bert.config, bert.weights),
      shallow: (kept: readonly number[]) =>
        buildBert(
          'bert',
          { ...bert.config, layers: kept.length },
          {
            ...bert.weights,
            layers: chosen(bert.weights.layers, kept),
          },
        ),
    },
  ];

  it.each(cases.map((item) => [item.teacher.id, item] as const))(
    'is the %s built of the layers it keeps',
    async (_, { teacher, shallow }) => {
      for (const depth of [0.75, 0.5, 0.25]) {
        const { model, kept } = studentOf(teacher, depth);
        const built = shallow(kept);
        expect(largestDifference(await logitsOf(model, rows), await logitsOf(built, rows))).toBe(0);
        expect(model.onnx.graph.nodes).toHaveLength(built.onnx.graph.nodes.length);
        expect(model.onnx.graph.initializers.size).toBe(built.onnx.graph.initializers.size);
        expect(writeModel(model.onnx).byteLength).toBeLessThan(writeModel(teacher.onnx).byteLength);
        // Its roles describe what is left: statistics gathered by them are those of the model built so.
        const { examples } = randomExamples(teacher, 'student', { count: 2 });
        const [ours, theirs] = [
          await activationNorms({ model, examples }),
          await activationNorms({ model: built, examples }),
        ];
        expect([...ours.values()]).toEqual([...theirs.values()]);
        model.roles.layers.forEach((layer, at) =>
          expect(layer.input).toBe(model.roles.layers[at - 1]?.output ?? layer.input),
        );
      }
    },
  );

  it('is the smaller model on request, where there is one', () => {
    const [teacher, smaller] = [tinyGpt(), tinyGpt({ layers: 1, width: 16 })];
    const params = { depth: 'smaller' } as const;
    expect(chooseStudent(teacher, { params, smaller })).toEqual({ model: smaller, kept: null });
    expect(() => chooseStudent(teacher, { params })).toThrow(/tiny-gpt: has no smaller dense model/);
    expect(chooseStudent(teacher, { params: { depth: 0.5 }, smaller }).kept).toEqual([0]);
  });

  it('refuses a teacher of one layer', () => {
    const { config, weights } = tinyGptParts({ layers: 1 });
    expect(() => studentOf(buildGpt('flat', config, weights), 0.5)).toThrow(UnsupportedError);
  });
});
