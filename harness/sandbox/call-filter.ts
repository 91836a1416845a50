/**
 * The system calls that an untrusted process is refused, as a seccomp filter
 * (https://docs.kernel.org/userspace-api/seccomp_filter.html): keys of the kernel, which outlive a process and may be the
 * starter's; user namespaces, which give capabilities inside them; sockets that no network namespace isolates; and calls of the
 * kernel that have been ways out of sandboxes.
 */
const EPERM = 1;
const ENOSYS = 38;
const EAFNOSUPPORT = 97;

/** What the filter needs to know of an architecture. */
export interface CallNumbers {
  /** AUDIT_ARCH_* of linux/audit.h. */
  readonly auditArchitecture: number;
  /** Numbers from here on belong to another calling convention; null where there is none. */
  readonly foreignFrom: number | null;
  readonly refused: readonly number[];
  readonly clone: number;
  readonly unshare: number;
  readonly socket: number;
}

/** asm/unistd_64.h and asm-generic/unistd.h of Linux 6. */
export const CALL_NUMBERS: Readonly<Partial<Record<NodeJS.Architecture, CallNumbers>>> = {
  x64: {
    auditArchitecture: 0xc000003e,
    foreignFrom: 0x40000000,
    // add_key, request_key, keyctl, bpf, userfaultfd, perf_event_open, setns, open_by_handle_at, kexec_load, kexec_file_load
    refused: [248, 249, 250, 321, 323, 298, 308, 304, 246, 320],
    clone: 56,
    unshare: 272,
    socket: 41,
  },
  arm64: {
    auditArchitecture: 0xc00000b7,
    foreignFrom: null,
    refused: [217, 218, 219, 280, 282, 241, 268, 265, 104, 294],
    clone: 220,
    unshare: 97,
    socket: 198,
  },
};

/** Calls that programs do without where the kernel lacks them. The flags of clone3 lie in memory, out of the filter's sight. */
const ABSENT = { clone3: 435, io_uring_setup: 425, io_uring_enter: 426, io_uring_register: 427 };
/** CLONE_NEWNS, NEWCGROUP, NEWUTS, NEWIPC, NEWUSER, NEWPID and NEWNET; for unshare also NEWTIME. */
const NAMESPACES = 0x7e020000;
const NEW_TIME = 0x80;
/** AF_UNIX, AF_INET, AF_INET6, AF_NETLINK: those that a network namespace isolates. */
const FAMILIES = [1, 2, 10, 16];

/** struct sock_filter[]: eight bytes each, little-endian. */
export function callFilter(numbers: CallNumbers): Uint8Array {
  const { auditArchitecture, foreignFrom, refused, clone, unshare, socket } = numbers;
  const program = [
    load(ARCHITECTURE),
    jump(EQUAL, auditArchitecture, 1, 0),
    answer(KILL_PROCESS),
    load(NUMBER),
    ...(foreignFrom === null ? [] : [jump(AT_LEAST, foreignFrom, 0, 1), answer(ERROR | ENOSYS)]),
    ...refused.flatMap((number) => [jump(EQUAL, number, 0, 1), answer(ERROR | EPERM)]),
    ...Object.values(ABSENT).flatMap((number) => [jump(EQUAL, number, 0, 1), answer(ERROR | ENOSYS)]),
    ...when(clone, [jump(ANY_BIT, NAMESPACES, 0, 1), answer(ERROR | EPERM)], ALLOW),
    ...when(unshare, [jump(ANY_BIT, NAMESPACES | NEW_TIME, 0, 1), answer(ERROR | EPERM)], ALLOW),
    ...when(
      socket,
      FAMILIES.flatMap((family) => [jump(EQUAL, family, 0, 1), answer(ALLOW)]),
      ERROR | EAFNOSUPPORT,
    ),
    answer(ALLOW),
  ];
  return Buffer.concat(program);
}

/** Offsets in struct seccomp_data; the low half of the first argument. */
const NUMBER = 0;
const ARCHITECTURE = 4;
const FIRST_ARGUMENT = 16;

/** Codes of linux/bpf_common.h: BPF_JMP|BPF_K with JEQ, JGE, JSET. */
const EQUAL = 0x15;
const AT_LEAST = 0x35;
const ANY_BIT = 0x45;

const KILL_PROCESS = 0x80000000;
const ERROR = 0x00050000;
const ALLOW = 0x7fff0000;

/** Judges the first argument of one call. */
function when(number: number, rules: readonly Buffer[], otherwise: number): Buffer[] {
  const body = [load(FIRST_ARGUMENT), ...rules, answer(otherwise)];
  return [jump(EQUAL, number, 0, body.length), ...body];
}

const load = (offset: number) => instruction(0x20, 0, 0, offset);
const jump = (code: number, value: number, ifTrue: number, ifFalse: number) =>
  instruction(code, ifTrue, ifFalse, value);
const answer = (value: number) => instruction(0x06, 0, 0, value);

function instruction(code: number, ifTrue: number, ifFalse: number, value: number): Buffer {
  const bytes = Buffer.alloc(8);
  bytes.writeUInt16LE(code, 0);
  bytes.writeUInt8(ifTrue, 2);
  bytes.writeUInt8(ifFalse, 3);
  bytes.writeUInt32LE(value >>> 0, 4);
  return bytes;
}
