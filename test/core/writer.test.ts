import { expect, test } from 'vitest';
import { Writer } from '../../src/core/bytes.ts';

test.each([
  ['u8', (out: Writer) => out.u8(0xab), [0xab]],
  ['u16', (out: Writer) => out.u16(0xabcd), [0xab, 0xcd]],
  ['u32', (out: Writer) => out.u32(0x89abcdef), [0x89, 0xab, 0xcd, 0xef]],
  ['bytes', (out: Writer) => out.bytes(Uint8Array.of(1, 2)), [1, 2]],
] as const)('a %s that makes the buffer grow is written into the new one', (_, write, expected) => {
  expect([...write(new Writer(0)).finish()]).toEqual(expected);
});
