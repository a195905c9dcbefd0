/** The daemon's end of the PF_KEY socket on systems that have not the words for everything. */
import { describe, expect, test } from 'vitest';
import { ip } from '../../src/core/address.ts';
import { PfkeyClient, type PfkeyRequest } from '../../src/ike/pfkey-client.ts';
import { pfkeyDialects } from '../../src/wire/pfkey/dialects.ts';
import type { PfkeyMessage } from '../../src/wire/pfkey/message.ts';

const outer = (address: string) => ({ protocol: 0, prefixLength: 32, address: ip(address), port: 0 });
const isLocal = (address: string): boolean => address === '192.0.2.1';
const policy: PfkeyRequest = {
  source: { ...outer('10.1.0.0'), prefixLength: 24 }, destination: { ...outer('10.2.0.0'), prefixLength: 24 },
  policy: { type: 2, direction: 2, id: 0, priority: 0, requests: [{ protocol: 50, mode: 2, level: 3, reqid: 1, tunnel: { source: ip('192.0.2.1'), destination: ip('198.51.100.2') } }] },
};

function client(system: 'illumos' | 'openbsd') {
  const dialect = pfkeyDialects[system];
  const sent: PfkeyMessage[] = [];
  const made = new PfkeyClient((bytes) => {
    const decoded = dialect.decode(bytes, isLocal);
    if (!decoded.ok) throw new Error(decoded.detail);
    sent.push(decoded.value);
  }, dialect, isLocal);
  return { made, sent, types: () => sent.map(({ type }) => type), dialect };
}

describe('a policy that takes the place of another', () => {
  test('is one message to OpenBSD, whose flows replace one another', () => {
    const { made, types } = client('openbsd');
    made.request('SADB_X_SPDUPDATE', policy);
    expect(types()).toEqual(['SADB_X_SPDUPDATE']);
  });

  test('is two to illumos, and the answer to the second is the answer', () => {
    const { made, sent, types, dialect } = client('illumos');
    const answers: number[] = [];
    made.request('SADB_X_SPDUPDATE', policy, ({ errno }) => answers.push(errno));
    expect(types()).toEqual(['SADB_X_SPDDELETE', 'SADB_X_SPDADD']);
    for (const [i, errno] of [2, 17].entries()) made.receive(dialect.encode({ ...sent[i]!, errno }, isLocal));
    expect(answers).toEqual([17]);
  });
});

test('what the system has no words for is not sent and answered with EOPNOTSUPP, once whoever asked has finished', () => {
  const { made, sent } = client('illumos');
  const answers: number[] = [];
  made.request('SADB_UPDATE', { sa: { spi: 0x100, replay: 0, state: 1, auth: 0, encrypt: 0, flags: 0 }, source: outer('192.0.2.1'), destination: outer('198.51.100.2'), newDestination: outer('203.0.113.7') }, ({ errno }) => answers.push(errno));
  expect([sent, answers]).toEqual([[], []]);
  made.answerUnsaid();
  made.answerUnsaid();
  expect(answers).toEqual([95]);
});
