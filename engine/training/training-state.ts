/** Parameters, moments and masks between calls, and as data that a later training can start from. */
import { InputError } from '../../contracts/errors.ts';
import { elementCount, elements, type NumericTensor, type Tensor } from '../../numerics/tensor/tensor.ts';
import type { Optimizer } from './optimizer.ts';
import { gatherSlot, nextName, type Slot, type SlotLayout, stateName, viewsOf } from './slots.ts';

/** All that a training needs to go on bit for bit: everything else is a function of step and seed. */
export interface TrainingState {
  /** Steps made. */
  readonly step: number;
  readonly parameters: ReadonlyMap<string, Float32Array>;
  /** By kind (Optimizer.moments), by parameter. */
  readonly moments: ReadonlyMap<string, ReadonlyMap<string, Float32Array>>;
  readonly masks: ReadonlyMap<string, Float32Array>;
}

export interface StateMemory {
  feeds(): Readonly<Record<string, NumericTensor>>;
  /** Takes over the state that a run of the step graph gave out. */
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
  readonly from?: TrainingState | undefined;
}

/** Throws InputError when the state to go on from is that of other parameters or another optimizer. */
export function createStateMemory({ layout, optimizer, parameters, masks, from }: StateRequest): StateMemory {
  if (from !== undefined) requireSame(from, { layout, optimizer });
  const tensors = new Map<string, NumericTensor>();
  const slotOf = new Map(layout.slots.flatMap((slot) => slot.members.map(({ name }) => [name, slot] as const)));
  for (const slot of layout.slots) {
    const initial = (name: string) => from?.parameters.get(name) ?? elements(parameters.get(name) as Tensor, 'float32');
    const mask = (name: string) => from?.masks.get(name) ?? masks.get(name);
    const parameter = gatherSlot(slot, initial);
    if (slot.masked) {
      const masking = gatherSlot(slot, mask);
      tensors.set(stateName(slot, 'mask'), masking);
      applyMask(parameter, masking);
    }
    tensors.set(stateName(slot, 'parameter'), parameter);
    for (const kind of optimizer.moments)
      tensors.set(
        stateName(slot, kind),
        gatherSlot(slot, (name) => from?.moments.get(kind)?.get(name)),
      );
  }
  const read = (kind: string, slots: readonly Slot[] = layout.slots): Map<string, Float32Array> =>
    new Map(slots.flatMap((slot) => [...viewsOf(slot, tensors.get(stateName(slot, kind)) as NumericTensor)]));
  function slotWith(name: string): Slot {
    const slot = slotOf.get(name);
    if (slot === undefined)
      throw new InputError(
        `training: "${name}" is not trained; trained: ${[...slotOf.keys()].slice(0, 12).join(', ')}, …`,
      );
    return slot;
  }
  /** The slot's tensor with one member's values changed. The old memory may still be read by whoever holds a view of it. */
  function change(slot: Slot, kind: string, values: ReadonlyMap<string, Float32Array>): NumericTensor {
    const old = viewsOf(slot, tensors.get(stateName(slot, kind)) as NumericTensor);
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
    values[index] = (values[index] as number) * (mask[index] as number);
}

function requireSame(
  from: TrainingState,
  { layout, optimizer }: { readonly layout: SlotLayout; readonly optimizer: Optimizer },
): void {
  const members = layout.slots.flatMap((slot) => slot.members);
  for (const { name, dims } of members) {
    if (from.parameters.get(name)?.length === elementCount(dims)) continue;
    throw new InputError(`training: the state to go on from has no parameter "${name}" of shape [${dims.join(', ')}]`);
  }
  const extra = [...from.parameters.keys()].find((name) => !members.some((member) => member.name === name));
  if (extra !== undefined)
    throw new InputError(`training: the state to go on from trains "${extra}", this training does not`);
  const kinds = [...from.moments.keys()];
  if (kinds.join() !== optimizer.moments.join()) {
    throw new InputError(
      `training: the state to go on from keeps [${kinds.join(', ')}], this optimizer [${optimizer.moments.join(', ')}]`,
    );
  }
}
