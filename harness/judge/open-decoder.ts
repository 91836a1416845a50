/** A decoder in two parts: a session up to its head, and the head as a graph for blocks of tokens. */
import { InputError } from '../../contracts/errors.ts';
import { present } from '../../contracts/present.ts';
import type { Provider } from '../../contracts/runner.ts';
import { createMappedSession } from '../../engine/runtime/mapped-session.ts';
import type { Session } from '../../engine/runtime/session.ts';
import { exampleFeeds } from '../../engine/runtime/token-feeds.ts';
import { extractSubgraph, withGraph } from '../../numerics/onnx/edit.ts';
import type { OnnxModel, ValueInfo } from '../../numerics/onnx/graph.ts';
import { elementCount, type NumericTensor } from '../../numerics/tensor/tensor.ts';
import { type HeadInputs, LOGITS_ONLY, findHeadInputs } from './decoder-head.ts';

export interface DecoderHead {
  /** Maps the head's inputs to `logits` [1, rows, vocabulary]. */
  readonly model: OnnxModel;
  readonly inputs: HeadInputs;
}

/** The head's inputs for one sequence: rows [1, sequence, features], and scalars. */
export type HeadValues = Readonly<Record<string, NumericTensor>>;

export interface OpenDecoder {
  readonly head: DecoderHead;
  /** Runs everything before the head. */
  run(tokens: Int32Array): Promise<HeadValues>;
  release(): Promise<void>;
}

export interface DecoderOptions {
  readonly provider: Provider;
  readonly threads: number;
  /** Folder for temporary model files; default: the system's temporary folder. */
  readonly scratch?: string | undefined;
}

/** Throws InputError for a model that is not a decoder, and the errors of createMappedSession. */
export async function openDecoder(model: OnnxModel, options: DecoderOptions): Promise<OpenDecoder> {
  const stray = model.graph.inputs.find(({ name }) => name !== 'input_ids' && !model.graph.initializers.has(name));
  if (stray !== undefined) {
    throw new InputError(
      `scoring next tokens needs a decoder that reads only input_ids, got one that reads ${stray.name}`,
    );
  }
  const cut = findHeadInputs(model.graph);
  return (await openCut(model, cut, options)) ?? present(await openCut(model, LOGITS_ONLY, options), 'logits');
}

/** Undefined where the values do not have the expected form: rows of tokens, and scalars. */
async function openCut(
  model: OnnxModel,
  inputs: HeadInputs,
  { scratch, ...options }: DecoderOptions,
): Promise<OpenDecoder | undefined> {
  const outputs = [...inputs.rows, ...inputs.wholes];
  const body = extractSubgraph(model.graph, { inputs: model.graph.inputs, outputs });
  const session = await createMappedSession(withGraph(model, body), { ...options, ...(scratch && { scratch }) });
  const run = (tokens: Int32Array): Promise<HeadValues> => session.run(exampleFeeds(session.inputs, { tokens }));
  const fits = inputs === LOGITS_ONLY || haveShapes(inputs, await run(PROBE));
  if (!fits) {
    await session.release();
    return undefined;
  }
  const head = extractSubgraph(model.graph, { inputs: inputInfos(session, inputs), outputs: ['logits'] });
  return { head: { model: withGraph(model, head), inputs }, run, release: () => session.release() };
}

/** Token ids that exist in every vocabulary. */
const PROBE = Int32Array.of(0, 1, 0);

function haveShapes({ rows, wholes }: HeadInputs, values: HeadValues): boolean {
  const dimsOf = (name: string): readonly number[] => present(values[name], `value ${name}`).dims;
  const areRows = rows.every((name) => dimsOf(name).length === 3 && dimsOf(name)[1] === PROBE.length);
  return areRows && wholes.every((name) => elementCount(dimsOf(name)) === 1);
}

function inputInfos(session: Session, { rows, wholes }: HeadInputs): ValueInfo[] {
  const known = new Map(session.outputs.map((value) => [value.name, value]));
  return [...rows, ...wholes].map((name) => {
    const { dtype, dims } = present(known.get(name), `output ${name}`);
    const features = dims.at(-1);
    return {
      name,
      type: { kind: 'tensor', dtype, dims: rows.includes(name) ? [1, 'rows', features] : dims },
    };
  });
}
