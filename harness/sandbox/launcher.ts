/**
 * A program of a few hundred bytes that prepares its process and becomes the program that its arguments name. It joins a new
 * session keyring, closes all file descriptors from 4 on and, on request, installs the filter of call-filter.ts: what neither
 * Node nor util-linux before 2.41 can do. It is written as machine code, since installing ShrinkRank compiles nothing.
 */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { CALL_NUMBERS, callFilter } from './call-filter.ts';

/** Absolute paths. Both take the absolute path of a program and its arguments. */
export interface Launchers {
  readonly plain: string;
  readonly filtering: string;
}

/** Exit code where the filter cannot be installed. */
export const NO_FILTER = 125;
const NO_PROGRAM = 126;

let launchers: Launchers | null | undefined;

/** Written once per process, into the folder for temporary files; null for an architecture without machine code. */
export function writeLaunchers(architecture = process.arch): Launchers | null {
  if (launchers !== undefined) return launchers;
  const numbers = CALL_NUMBERS[architecture];
  if (!numbers) return (launchers = null);
  const folder = mkdtempSync(join(tmpdir(), 'shrinkrank-launch-'));
  process.on('exit', () => rmSync(folder, { recursive: true, force: true }));
  const write = (name: string, filter: Uint8Array | null): string => {
    const path = join(folder, name);
    writeFileSync(path, launcherFile(architecture, filter), { mode: 0o755, flag: 'wx' });
    return path;
  };
  return (launchers = { plain: write('plain', null), filtering: write('filtering', callFilter(numbers)) });
}

const KEYCTL_JOIN_SESSION_KEYRING = 1;
const PR_SET_NO_NEW_PRIVS = 38;
const SECCOMP_SET_MODE_FILTER = 1;
const FIRST_CLOSED_DESCRIPTOR = 4;
const BASE_ADDRESS = 0x400000;
const HEADER_BYTES = 64 + 56;

interface Assembler {
  readonly machine: number;
  readonly keyctl: number;
  readonly closeRange: number;
  readonly prctl: number;
  readonly seccomp: number;
  readonly exit: number;
  /** Keeps the address of the arguments. */
  readonly begin: Buffer;
  /** Calls the kernel with up to five arguments below 2^32. */
  call(number: number, args: readonly number[]): Buffer;
  /** Passes over the code where the last call gave 0. */
  unlessZero(code: Buffer): Buffer;
  /** Becomes the program that the first argument names. */
  readonly becomeProgram: Buffer;
}

/** An ELF file with one segment: headers, code and the filter. https://man7.org/linux/man-pages/man5/elf.5.html */
export function launcherFile(architecture: NodeJS.Architecture, filter: Uint8Array | null): Buffer {
  const assembler = architecture === 'arm64' ? ARM64 : X64;
  const { keyctl, closeRange, prctl, seccomp, exit, begin, call, unlessZero, becomeProgram } = assembler;
  const codeFor = (filterAddress: number) =>
    Buffer.concat([
      begin,
      call(keyctl, [KEYCTL_JOIN_SESSION_KEYRING, 0, 0, 0, 0]),
      call(closeRange, [FIRST_CLOSED_DESCRIPTOR, 0xffffffff, 0]),
      ...(filter === null
        ? []
        : [
            call(prctl, [PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0]),
            call(seccomp, [SECCOMP_SET_MODE_FILTER, 0, filterAddress]),
            unlessZero(call(exit, [NO_FILTER])),
          ]),
      becomeProgram,
      call(exit, [NO_PROGRAM]),
    ]);
  const codeBytes = codeFor(0).byteLength;
  const filterOffset = Math.ceil((HEADER_BYTES + codeBytes) / 16) * 16;
  const code = codeFor(BASE_ADDRESS + filterOffset);
  const tail = filter === null ? Buffer.alloc(0) : filterProgram(filter, BASE_ADDRESS + filterOffset);
  const bytes = Buffer.alloc(filterOffset + tail.byteLength);
  elfHeaders(assembler.machine, bytes.byteLength).copy(bytes);
  code.copy(bytes, HEADER_BYTES);
  tail.copy(bytes, filterOffset);
  return bytes;
}

/** struct sock_fprog, and behind it the instructions it points at. */
function filterProgram(filter: Uint8Array, address: number): Buffer {
  const header = Buffer.alloc(16);
  header.writeUInt16LE(filter.byteLength / 8, 0);
  header.writeUInt32LE(address + header.byteLength, 8);
  return Buffer.concat([header, filter]);
}

function elfHeaders(machine: number, fileBytes: number): Buffer {
  const bytes = Buffer.alloc(HEADER_BYTES);
  Buffer.from([0x7f, 0x45, 0x4c, 0x46, 2, 1, 1]).copy(bytes); // 64 bits, little-endian, version 1
  bytes.writeUInt16LE(2, 16); // ET_EXEC
  bytes.writeUInt16LE(machine, 18);
  bytes.writeUInt32LE(1, 20);
  bytes.writeUInt32LE(BASE_ADDRESS + HEADER_BYTES, 24); // entry
  bytes.writeUInt32LE(64, 32); // offset of the program header
  bytes.writeUInt16LE(64, 52);
  bytes.writeUInt16LE(56, 54);
  bytes.writeUInt16LE(1, 56);
  bytes.writeUInt32LE(1, 64); // PT_LOAD
  bytes.writeUInt32LE(5, 68); // read and execute
  bytes.writeUInt32LE(BASE_ADDRESS, 80);
  bytes.writeUInt32LE(BASE_ADDRESS, 88);
  bytes.writeUInt32LE(fileBytes, 96);
  bytes.writeUInt32LE(fileBytes, 104);
  bytes.writeUInt32LE(0x1000, 112); // alignment
  return bytes;
}

const hex = (text: string): Buffer => Buffer.from(text.replaceAll(' ', ''), 'hex');

/** `mov r32, imm32`, which clears the upper half. */
function x64Load(register: string, value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32LE(value >>> 0);
  return Buffer.concat([hex(register), bytes]);
}

const X64: Assembler = {
  machine: 0x3e,
  keyctl: 250,
  closeRange: 436,
  prctl: 157,
  seccomp: 317,
  exit: 60,
  begin: hex('49 89 e4'), // mov r12, rsp
  call: (number, args) =>
    Buffer.concat([
      x64Load('b8', number),
      // edi, esi, edx, r10d, r8d
      ...args.map((value, index) => x64Load(['bf', 'be', 'ba', '41ba', '41b8'][index] ?? '', value)),
      hex('0f 05'), // syscall
    ]),
  unlessZero: (code) => Buffer.concat([hex('85 c0 74'), Buffer.from([code.byteLength]), code]), // test eax, eax; jz
  becomeProgram: Buffer.concat([
    hex('49 8b 7c 24 10'), // mov rdi, [r12+16]: the first argument
    hex('49 8d 74 24 10'), // lea rsi, [r12+16]: the arguments from there on
    hex('49 8b 0c 24'), // mov rcx, [r12]: the number of arguments
    hex('48 8d 14 ce'), // lea rdx, [rsi+rcx*8]: the environment behind them
    x64Load('b8', 59), // execve
    hex('0f 05'),
  ]),
};

function arm64(...instructions: readonly number[]): Buffer {
  const bytes = Buffer.alloc(4 * instructions.length);
  instructions.forEach((instruction, index) => bytes.writeUInt32LE(instruction >>> 0, 4 * index));
  return bytes;
}

const SUPERVISOR_CALL = 0xd4000001;
const CALL_REGISTER = 8;

/** `movz` and `movk`. */
function arm64Load(register: number, value: number): number[] {
  return [0xd2800000 | ((value & 0xffff) << 5) | register, 0xf2a00000 | ((value >>> 16) << 5) | register];
}

const ARM64: Assembler = {
  machine: 0xb7,
  keyctl: 219,
  closeRange: 436,
  prctl: 167,
  seccomp: 277,
  exit: 93,
  begin: arm64(0x910003f3), // mov x19, sp
  call: (number, args) =>
    arm64(
      ...args.flatMap((value, index) => arm64Load(index, value)),
      ...arm64Load(CALL_REGISTER, number),
      SUPERVISOR_CALL,
    ),
  unlessZero: (code) => Buffer.concat([arm64(0x34000000 | ((code.byteLength / 4 + 1) << 5)), code]), // cbz w0
  becomeProgram: arm64(
    0xf9400a60, // ldr x0, [x19, #16]: the first argument
    0x91004261, // add x1, x19, #16: the arguments from there on
    0xf9400269, // ldr x9, [x19]: the number of arguments
    0x8b090c22, // add x2, x1, x9, lsl #3: the environment behind them
    ...arm64Load(CALL_REGISTER, 221), // execve
    SUPERVISOR_CALL,
  ),
};
