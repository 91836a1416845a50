/** Parameters, moments and masks of a training between calls of its step graph. */
import { InputError } from '../../contracts/errors.ts';
import { present } from '../../contracts/present.ts';
import { elements, type NumericTensor, type Tensor } from '../../numerics/tensor/tensor.ts';
import type { Optimizer } from './optimizer.ts';
import { gatherSlot, nextName, type Slot, type SlotLayout, stateName, viewsOf } from './slots.ts';

/** Everything that changes from step to step. */
export interface TrainingState {
  /** Number of steps made. */
  readonly step: number;
  readonly parameters: ReadonlyMap<string, Float32Array>;
  /** By kind (Optimizer.moments), by parameter. */
  readonly moments: ReadonlyMap<string, ReadonlyMap<string, Float32Array>>;
  readonly masks: ReadonlyMap<string, Float32Array>;
}

export interface StateMemory {
  feeds(): Readonly<Record<string, NumericTensor>>;
  /** Accepts the state that a run of the step graph returned. */
  advance(outputs: Readonly<Record<string, NumericTensor>>): void;
  view(step: number): {
    readonly step: number;
    readonly parameters: ReadonlyMap<string, Float32Array>;
    moments(kind: string): ReadonlyMap<string, Float32Array>;
    setMask(name: string, mask: Float32Array): void;
    setParameter(name: string, values: Float32Array): void;
  };
  state(step: number): TrainingState;
}

export interface StateRequest {
  readonly layout: SlotLayout;
  readonly optimizer: Optimizer;
  readonly parameters: ReadonlyMap<string, Tensor>;
  readonly masks: ReadonlyMap<string, Float32Array>;
  /** Initial parameters, moments and masks, in place of the model's weights and zeros. */
  readonly from?: Omit<TrainingState, 'step'>;
}

/** Throws InputError for an initial state that lacks a parameter or its optimizer state. */
export function createStateMemory({ layout, optimizer, parameters, masks, from }: StateRequest): StateMemory {
  const given = (kind: string, values: ReadonlyMap<string, Float32Array> | undefined, name: string): Float32Array => {
    const value = values?.get(name);
    if (value !== undefined) return value;
    throw new InputError(`training: the state to go on from has no ${kind} of "${name}"; begin from the start`);
  };
  const tensors = new Map<string, NumericTensor>();
  const slotOf = new Map(layout.slots.flatMap((slot) => slot.members.map(({ name }) => [name, slot] as const)));
  for (const slot of layout.slots) {
    const initial = (name: string) =>
      from
        ? given('parameter', from.parameters, name)
        : elements(present(parameters.get(name), `parameter "${name}"`), 'float32');
    const parameter = gatherSlot(slot, initial);
    if (slot.masked) {
      const masking = gatherSlot(slot, (name) => (from ? given('mask', from.masks, name) : masks.get(name)));
      tensors.set(stateName(slot, 'mask'), masking);
      applyMask(parameter, masking);
    }
    tensors.set(stateName(slot, 'parameter'), parameter);
    for (const kind of optimizer.moments)
      tensors.set(
        stateName(slot, kind),
        gatherSlot(slot, (name) => (from ? given(kind, from.moments.get(kind), name) : undefined)),
      );
  }
  const read = (kind: string, slots: readonly Slot[] = layout.slots): Map<string, Float32Array> =>
    new Map(
      slots.flatMap((slot) => [
        ...viewsOf(slot, present(tensors.get(stateName(slot, kind)), 'tensors of stateName(slot,kind)')),
      ]),
    );
  function slotWith(name: string): Slot {
    const slot = slotOf.get(name);
    if (slot === undefined)
      throw new InputError(
        `training: "${name}" is not trained; trained: ${[...slotOf.keys()].slice(0, 12).join(', ')}, …`,
      );
    return slot;
  }
  /**
   * The slot's tensor with one member's values changed. The old memory is not overwritten, because views of it may
   * still be in use.
   */
  function change(slot: Slot, kind: string, values: ReadonlyMap<string, Float32Array>): NumericTensor {
    const old = viewsOf(slot, present(tensors.get(stateName(slot, kind)), 'tensors of stateName(slot,kind)'));
    const changed = gatherSlot(slot, (member) => values.get(member) ?? old.get(member));
    tensors.set(stateName(slot, kind), changed);
    return changed;
  }

  return {
    feeds: () => Object.fromEntries(tensors),
    advance(outputs) {
      for (const name of tensors.keys()) {
        const next = outputs[nextName(name)];
        if (next !== undefined) tensors.set(name, next);
      }
    },
    view: (step) => ({
      step,
      parameters: read('parameter'),
      moments(kind) {
        if (optimizer.moments.includes(kind)) return read(kind);
        throw new InputError(
          `training: the optimizer keeps no "${kind}" of parameters; it keeps [${optimizer.moments.join(', ')}]`,
        );
      },
      setParameter: (name, values) => void change(slotWith(name), 'parameter', new Map([[name, values]])),
      setMask(name, mask) {
        const slot = slotWith(name);
        if (!slot.masked)
          throw new InputError(`training: "${name}" has no mask; give it one in parameterOptions, of ones if need be`);
        const masking = change(slot, 'mask', new Map([[name, mask]]));
        const parameter = change(slot, 'parameter', new Map());
        applyMask(parameter, masking);
      },
    }),
    state: (step) => ({
      step,
      parameters: read('parameter'),
      moments: new Map(optimizer.moments.map((kind) => [kind, read(kind)])),
      masks: read(
        'mask',
        layout.slots.filter((slot) => slot.masked),
      ),
    }),
  };
}

function applyMask(parameter: NumericTensor, masking: NumericTensor): void {
  const [values, mask] = [elements(parameter, 'float32'), elements(masking, 'float32')];
  for (let index = 0; index < values.length; index++)
    values[index] = present(values[index], 'values[index]') * present(mask[index], 'mask[index]');
}
