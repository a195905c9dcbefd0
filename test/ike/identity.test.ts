import { expect, test } from 'vitest';
import { fromHex, utf8 } from '../../src/core/bytes.ts';
import { describeIdentity, identityToWire, matchesIdentity } from '../../src/ike/identity.ts';
import { identificationTypes } from '../../src/wire/ike/message.ts';

const { DER_ASN1_DN, FQDN } = identificationTypes;

/** RFC 5280 §C.2: the subject in PrintableString and IA5String. */
const endEntity = fromHex('3043 3113301106 0a0992268993f22c6401191603 636f6d 31173015060a0992268993f22c640119 1607 6578616d706c65 31133011 0603550403 130a 456e6420456e74697479');
const subject = { type: 'dn', value: 'DC=com, DC=example, CN=End Entity' } as const;

test("a certificate's subject is an identity, in whatever kind of string it comes", () => {
  expect(describeIdentity({ idType: DER_ASN1_DN, data: endEntity })).toBe(subject.value);
  expect(matchesIdentity(subject, { idType: DER_ASN1_DN, data: endEntity })).toBe(true);
  expect(matchesIdentity(subject, identityToWire(subject))).toBe(true);
});

test('another subject, a domain name that reads alike, and octets that are no name are not that identity', () => {
  expect(matchesIdentity(subject, identityToWire({ type: 'dn', value: 'DC=com, DC=example, CN=End' }))).toBe(false);
  expect(matchesIdentity(subject, { idType: FQDN, data: utf8(subject.value) })).toBe(false);
  expect(matchesIdentity(subject, { idType: FQDN, data: endEntity })).toBe(false);
  expect(matchesIdentity(subject, { idType: DER_ASN1_DN, data: endEntity.subarray(1) })).toBe(false);
  expect(describeIdentity({ idType: DER_ASN1_DN, data: fromHex('3005ff') })).toBe('0x3005ff');
});

test('a hostile subject is one line', () => {
  expect(describeIdentity(identityToWire({ type: 'dn', value: 'CN=a\\0a\\1b[2Jb' }))).toBe('CN=a\\0a\\1b[2Jb');
});
