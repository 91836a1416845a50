/** What `doctor --model X` says: what the model is, and what it asks of this machine. */
import { createHubClient } from '../../engine/hub/hub-client.ts';
import { loadModel, loadTokenizer, modelRevision } from '../../engine/model/load-model.ts';
import { createSession } from '../../engine/runtime/session.ts';
import { probeTokens, tokenFeeds } from '../../engine/runtime/token-feeds.ts';
import { PROTOCOL } from '../../contracts/protocol.ts';
import { formatBytes } from '../../contracts/words/figures.ts';
import { countParameters } from '../../harness/measure/count-parameters.ts';
import type { Finding } from './doctor-finding.ts';
import { type OpenModelOptions, openModel } from './open-model.ts';

/** Long enough that the pass is work and not overhead. */
const PROBE_TOKENS = 128;

/** Loads the model and runs it once. Throws what opening and loading throw. */
export async function modelFindingsOf(name: string, options: OpenModelOptions = {}): Promise<readonly Finding[]> {
  const hub = options.hub ?? createHubClient();
  const definition = await openModel(name, { ...options, hub });
  const model = await loadModel(definition, hub);
  const tokenizer = await loadTokenizer(definition, hub);
  const { graph } = model.onnx;
  // Tables of rotary positions are computed, not trained.
  const tables = new Set([...graph.initializers.keys()].filter((of) => /^rotary\..*\.table$/.test(of)));
  const { parameters } = countParameters(model.onnx, tables);
  const weightBytes = 4 * parameters;
  const logits = graph.outputs[0]?.type;
  const lengths = logits?.kind === 'tensor' ? (logits.dims ?? []) : [];
  const logitsBytes =
    4 *
    lengths.reduce<number>(
      (all, dim) => all * (typeof dim === 'number' ? dim : dim === 'sequence' ? model.contextLength : 1),
      1,
    );
  const sequence = Math.min(PROBE_TOKENS, model.contextLength);
  const seconds = await passSeconds(model.onnx, { sequence, vocabularySize: tokenizer.vocabularySize });
  const say = (subject: string, text: string): Finding => ({ subject, state: 'ok', text });
  return [
    say('model', `${definition.id}: ${definition.title}, revision ${modelRevision(definition).slice(0, 12)}`),
    say(
      'architecture',
      `${model.architecture}, ${model.kind}, ${model.roles.layers.length} layers of ${model.roles.width} features, ${model.linears.length} linear layers in them`,
    ),
    say('parameters', `${parameters.toLocaleString('en')}, ${formatBytes(weightBytes)} as float32`),
    say('context', `${model.contextLength} tokens`),
    say(
      'tokenizer',
      `${tokenizer.vocabularySize.toLocaleString('en')} tokens, ${tokenizer.beginOfSequence === undefined && tokenizer.classification === undefined ? 'nothing' : 'a token'} before each input`,
    ),
    say('licence', definition.licence),
    say('source', definition.citation),
    ...(definition.card === undefined ? [] : [say('card', definition.card)]),
    say(
      'memory',
      `${formatBytes(2 * weightBytes)} for dense and candidate side by side; ${formatBytes(2 * logitsBytes)} for their outputs at the whole context`,
    ),
    say(
      'time',
      `${((1000 * seconds) / sequence).toFixed(1)} s per 1,000 tokens on ${PROTOCOL.quality.threads} threads, measured over ${sequence} just now`,
    ),
  ];
}

/** Seconds of one forward pass, the first one apart. */
async function passSeconds(
  onnx: Parameters<typeof createSession>[0],
  { sequence, vocabularySize }: { readonly sequence: number; readonly vocabularySize: number },
): Promise<number> {
  const session = await createSession(onnx, { threads: PROTOCOL.quality.threads });
  try {
    const feeds = tokenFeeds(session.inputs, probeTokens({ batch: 1, sequence, vocabularySize }));
    await session.run(feeds);
    const startedMs = performance.now();
    await session.run(feeds);
    return (performance.now() - startedMs) / 1000;
  } finally {
    await session.release();
  }
}
