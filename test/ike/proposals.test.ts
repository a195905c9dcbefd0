import { describe, expect, test } from 'vitest';
import { acceptedChild, acceptedIke, childProposals, chooseChild, chooseIke, ikeProposals } from '../../src/ike/v2/proposals.ts';
import type { IkeProposal } from '../../src/ike/config.ts';
import type { Proposal } from '../../src/wire/ike/message.ts';

const none = new Uint8Array(0);
const gcm: IkeProposal = { encryption: [{ name: 'aes-gcm-16', bits: 256 }, { name: 'aes-gcm-16', bits: 128 }], integrity: [], prf: ['hmac-sha2-256'], groups: ['curve25519', 'ecp-256'] };
const cbc: IkeProposal = { encryption: [{ name: 'aes-cbc', bits: 128 }], integrity: ['hmac-sha2-256-128'], prf: ['hmac-sha2-256'], groups: ['modp-2048'] };
/** What a peer may offer, by IANA's numbers. */
const offer = (transforms: Proposal['transforms'], more: Partial<Proposal> = {}): Proposal => ({ number: 1, protocol: 1, spi: none, transforms, ...more });
const encr = (keyLength: number): Proposal['transforms'][number] => ({ type: 1, id: 20, keyLength });
const [prf, x25519, p256] = [{ type: 2, id: 5 }, { type: 4, id: 31 }, { type: 4, id: 19 }];

test('AEADs and other ciphers go in proposals of their own, only the latter with integrity transforms (RFC 5282 §8)', () => {
  const mixed: IkeProposal = { ...cbc, encryption: [...cbc.encryption, { name: 'chacha20-poly1305' }] };
  expect(ikeProposals([mixed])).toEqual([
    { number: 1, protocol: 1, spi: none, transforms: [{ type: 1, id: 28 }, { type: 2, id: 5 }, { type: 4, id: 14 }] },
    { number: 2, protocol: 1, spi: none, transforms: [{ type: 1, id: 12, keyLength: 128 }, { type: 2, id: 5 }, { type: 3, id: 12 }, { type: 4, id: 14 }] },
  ]);
});

test('a child SA is offered without a group in IKE_AUTH, with one later', () => {
  const esp = { encryption: gcm.encryption.slice(0, 1), integrity: [], groups: ['ecp-256'] as const, extendedSequenceNumbers: true };
  const spi = Uint8Array.of(1, 2, 3, 4);
  expect(childProposals({ proposals: [esp] }, spi, 'without groups')[0]!.transforms).toEqual([encr(256), { type: 5, id: 1 }, { type: 5, id: 0 }]);
  expect(childProposals({ proposals: [esp] }, spi, 'with groups')[0]!.transforms).toEqual([encr(256), p256, { type: 5, id: 1 }, { type: 5, id: 0 }]);
});

describe('AH (RFC 7296 §3.3.3)', () => {
  const spi = Uint8Array.of(1, 2, 3, 4);
  const [sha1, sha256] = [{ type: 3, id: 2 }, { type: 3, id: 12 }];
  const ah = { protocol: 'ah', proposals: [{ encryption: gcm.encryption, integrity: [] , groups: [], extendedSequenceNumbers: true }, { encryption: [], integrity: ['hmac-sha2-256-128', 'hmac-sha1-96'], groups: [], extendedSequenceNumbers: false }] } as const;
  const theirs = (protocol: number, ...transforms: Proposal['transforms']): Proposal => offer([...transforms, { type: 5, id: 0 }], { protocol, spi });

  test('is offered by its own protocol number, with integrity and no cipher; a proposal without integrity is none', () => {
    expect(childProposals(ah, spi, 'without groups')).toEqual([{ number: 1, protocol: 2, spi, transforms: [sha256, sha1, { type: 5, id: 0 }] }]);
  });

  test('is chosen, and has one key of the length of its hash', () => {
    expect(chooseChild([theirs(2, sha1)], ah, 'without groups')?.algorithms).toMatchObject({ encryption: 'none', integrity: 'hmac-sha1-96', keyLengths: { encryptionKeyLength: 0, integrityKeyLength: 20 } });
  });

  test.each([
    ['ESP', [theirs(3, encr(256)), theirs(3, { type: 1, id: 12, keyLength: 128 }, sha256)]],
    ['AH with a cipher', [theirs(2, encr(256), sha256)]],
    ['AH without integrity', [theirs(2), theirs(2, { type: 3, id: 0 })]],
    ['AH with an integrity of others', [theirs(2, { type: 3, id: 5 })]],
  ])('is not chosen where the peer offers %s', (_, offered) => {
    expect(chooseChild(offered, ah, 'without groups')).toBeUndefined();
  });

  test('is not accepted in place of ESP', () => {
    expect(acceptedChild([theirs(2, sha256)], childProposals({ proposals: [{ encryption: [{ name: 'aes-cbc', bits: 128 }], integrity: ['hmac-sha2-256-128'], groups: [], extendedSequenceNumbers: false }] }, spi, 'without groups'))).toBeUndefined();
  });
});

describe('the responder chooses', () => {
  test('one transform of each type, the peer\'s first that we have too', () => {
    expect(chooseIke([offer([encr(128), encr(256), prf, p256, x25519])], [gcm])?.proposal.transforms).toEqual([encr(128), prf, p256]);
  });

  test('the group of the KE payload that came along, to spare a round trip', () => {
    expect(chooseIke([offer([encr(128), prf, p256, x25519])], [gcm], 31)?.algorithms.group.id).toBe(31);
  });

  test('the proposal that fits, whichever number it has', () => {
    expect(chooseIke([offer([{ type: 1, id: 3 }, prf, p256]), offer([encr(256), prf, p256], { number: 7 })], [gcm])?.proposal.number).toBe(7);
  });

  test.each([
    ['a type of transform that we do not know', [encr(128), prf, x25519, { type: 9, id: 1 }]],
    ['a key length that we do not want', [encr(192), prf, x25519]],
    ['an attribute that we do not understand', [{ ...encr(128), otherAttributes: [{ type: 99, value: 1 }] }, prf, x25519]],
    ['an AEAD with an HMAC', [encr(128), prf, x25519, { type: 3, id: 12 }]],
    ['no group', [encr(128), prf]],
    ['no PRF', [encr(128), x25519]],
  ])('nothing: %s', (_name, transforms) => {
    expect(chooseIke([offer(transforms)], [gcm])).toBeUndefined();
  });

  test('an AEAD with integrity NONE is as good as without (RFC 7296 §3.3)', () => {
    expect(chooseIke([offer([encr(128), prf, x25519, { type: 3, id: 0 }])], [gcm])).toBeDefined();
  });

  test('for ESP: extended sequence numbers only when both want them; a group in IKE_AUTH is overlooked', () => {
    const esp = { encryption: gcm.encryption, integrity: [], groups: [], extendedSequenceNumbers: false };
    const theirs = offer([encr(256), p256, { type: 5, id: 1 }, { type: 5, id: 0 }], { protocol: 3, spi: Uint8Array.of(1, 2, 3, 4) });
    expect(chooseChild([theirs], { proposals: [esp] }, 'without groups')?.algorithms).toMatchObject({ extendedSequenceNumbers: false, group: undefined });
    expect(chooseChild([theirs], { proposals: [{ ...esp, extendedSequenceNumbers: true }] }, 'without groups')?.algorithms.extendedSequenceNumbers).toBe(true);
    expect(chooseChild([{ ...theirs, spi: none }], { proposals: [esp] }, 'without groups')).toBeUndefined();
  });
});

describe('the initiator accepts', () => {
  const offered = ikeProposals([gcm, cbc]);
  test('one proposal made of what it has offered under that number', () => {
    expect(acceptedIke([offer([encr(128), prf, p256])], offered)?.algorithms.suite.name).toBe('aes-gcm-16-128');
  });

  test.each([
    ['two proposals', [offer([encr(128), prf, p256]), offer([encr(256), prf, p256])]],
    ['a number that was not offered', [offer([encr(128), prf, p256], { number: 9 })]],
    ['a transform of another proposal', [offer([encr(128), prf, { type: 4, id: 14 }])]],
    ['two transforms of a type', [offer([encr(128), encr(256), prf, p256])]],
    ['a type left out', [offer([encr(128), p256])]],
    ['nothing', []],
  ])('not %s', (_name, answer) => {
    expect(acceptedIke(answer, offered)).toBeUndefined();
  });
});
