/**
 * Reads the pickle of a state dict: only the opcodes that build dictionaries, tuples and tensors. No name is resolved
 * and no code is called: a global is only compared with the names that tensors consist of.
 * Opcodes: https://github.com/python/cpython/blob/main/Lib/pickletools.py; tensors: torch/_utils.py,
 * _rebuild_tensor_v2.
 */
import { InputError } from '../../contracts/errors.ts';
import { isKnownGlobal, MARK, type PickledTensor, reduced, storageOf, tensorsOf, type Value } from './pickle-values.ts';

/** Above the size of the largest state dicts. */
const MAX_DEPTH = 100_000;

/** The tensors of a state dict, by name. Throws InputError naming opcode and byte for anything but tensors. */
export function readStateDict(bytes: Uint8Array, label: string): ReadonlyMap<string, PickledTensor> {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const stack: Value[] = [];
  const memo = new Map<number, Value>();
  let at = 0;
  let opcodeAt = 0;
  const fault = (what: string): InputError =>
    new InputError(
      `${label}: ${what} at byte ${opcodeAt}; only state dicts of tensors are read, and no code of a pickle is run`,
    );
  const take = (count: number): number => {
    if (at + count > bytes.byteLength) throw fault('the pickle ends within an opcode');
    at += count;
    return at - count;
  };
  const pop = (): Value => {
    const value = stack.pop();
    if (value === undefined || value === MARK) throw fault('an opcode on an empty stack');
    return value;
  };
  const popToMark = (): Value[] => {
    const from = stack.lastIndexOf(MARK);
    if (from < 0) throw fault('an opcode without a mark');
    const items = stack.splice(from);
    return items.slice(1);
  };
  const tuple = (items: readonly Value[]): void => void stack.push({ kind: 'tuple', items });
  const tupleOf = (count: number): void => tuple(Array.from({ length: count }, pop).reverse());
  const line = (): string => {
    const end = bytes.indexOf(0x0a, at);
    if (end < 0) throw fault('the pickle ends within a name');
    const text = new TextDecoder().decode(bytes.subarray(at, end));
    at = end + 1;
    return text;
  };
  const string = (length: number): string => {
    const from = take(length);
    return new TextDecoder().decode(bytes.subarray(from, from + length));
  };
  const long = (): number => {
    const count = view.getUint8(take(1));
    if (count > 8) throw fault(`a whole number of ${count} bytes`);
    const from = take(count);
    let value = 0n;
    for (let index = count - 1; index >= 0; index--) value = (value << 8n) | BigInt(view.getUint8(from + index));
    return Number(BigInt.asIntN(8 * count, value));
  };
  const global = (name: string): void => {
    if (!isKnownGlobal(name)) throw fault(`GLOBAL "${name.slice(0, 80).replace(' ', '.')}"`);
    stack.push({ kind: 'global', name });
  };
  const setItems = (pairs: readonly Value[]): void => {
    const target = stack.at(-1);
    if (typeof target !== 'object' || target?.kind !== 'dict' || pairs.length % 2 !== 0)
      throw fault('SETITEMS outside a dictionary');
    for (let index = 0; index < pairs.length; index += 2)
      target.entries.set(pairs[index] ?? null, pairs[index + 1] ?? null);
  };

  for (;;) {
    opcodeAt = at;
    if (stack.length > MAX_DEPTH) throw fault('a stack too deep');
    const opcode = view.getUint8(take(1));
    switch (opcode) {
      case 0x80: // PROTO
        if (view.getUint8(take(1)) > 5) throw fault('an unknown protocol');
        break;
      case 0x95: // FRAME
        take(8);
        break;
      case 0x28: // MARK
        stack.push(MARK);
        break;
      case 0x7d: // EMPTY_DICT
        stack.push({ kind: 'dict', entries: new Map() });
        break;
      case 0x29: // EMPTY_TUPLE
        tuple([]);
        break;
      case 0x85: // TUPLE1
        tupleOf(1);
        break;
      case 0x86: // TUPLE2
        tupleOf(2);
        break;
      case 0x87: // TUPLE3
        tupleOf(3);
        break;
      case 0x74: // TUPLE
        tuple(popToMark());
        break;
      case 0x4e: // NONE
        stack.push(null);
        break;
      case 0x88: // NEWTRUE
        stack.push(true);
        break;
      case 0x89: // NEWFALSE
        stack.push(false);
        break;
      case 0x4b: // BININT1
        stack.push(view.getUint8(take(1)));
        break;
      case 0x4d: // BININT2
        stack.push(view.getUint16(take(2), true));
        break;
      case 0x4a: // BININT
        stack.push(view.getInt32(take(4), true));
        break;
      case 0x8a: // LONG1
        stack.push(long());
        break;
      case 0x58: // BINUNICODE
        stack.push(string(view.getUint32(take(4), true)));
        break;
      case 0x8c: // SHORT_BINUNICODE
        stack.push(string(view.getUint8(take(1))));
        break;
      case 0x71: // BINPUT
        memo.set(view.getUint8(take(1)), stack.at(-1) ?? null);
        break;
      case 0x72: // LONG_BINPUT
        memo.set(view.getUint32(take(4), true), stack.at(-1) ?? null);
        break;
      case 0x94: // MEMOIZE
        memo.set(memo.size, stack.at(-1) ?? null);
        break;
      case 0x68: // BINGET
      case 0x6a: {
        // LONG_BINGET
        const key = opcode === 0x68 ? view.getUint8(take(1)) : view.getUint32(take(4), true);
        const value = memo.get(key);
        if (value === undefined) throw fault(`BINGET of ${key}, which nothing put there`);
        stack.push(value);
        break;
      }
      case 0x63: // GLOBAL
        global(`${line()} ${line()}`);
        break;
      case 0x93: {
        // STACK_GLOBAL
        const [name, module] = [pop(), pop()];
        global(`${String(module)} ${String(name)}`);
        break;
      }
      case 0x51: // BINPERSID
        stack.push(storageOf(pop(), fault));
        break;
      case 0x52: {
        // REDUCE
        const parts = pop();
        stack.push(reduced(pop(), parts, fault));
        break;
      }
      case 0x73: {
        // SETITEM
        const value = pop();
        setItems([pop(), value]);
        break;
      }
      case 0x75: // SETITEMS
        setItems(popToMark());
        break;
      case 0x62: {
        // BUILD: attributes of an OrderedDict besides its entries (versions of modules) are ignored.
        pop();
        const target = stack.at(-1);
        if (typeof target !== 'object' || target?.kind !== 'dict')
          throw fault('BUILD of something else than a dictionary');
        break;
      }
      case 0x2e: // STOP
        return tensorsOf(pop(), fault);
      default:
        throw fault(`opcode 0x${opcode.toString(16).padStart(2, '0')} (${printable(opcode)})`);
    }
  }
}

const printable = (opcode: number): string =>
  opcode > 32 && opcode < 127 ? `"${String.fromCharCode(opcode)}"` : 'no letter';
