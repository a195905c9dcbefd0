import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { concat, fromHex, toHex } from '../../../src/core/bytes.ts';
import { element, oidContent, oidText, tags } from '../../../src/wire/x509/der.ts';
import { decodeName, encodeName, nameText, parseName, sameName } from '../../../src/wire/x509/name.ts';
import { needs } from '../../support/needs.ts';
import { OpenSsl } from '../../support/openssl.ts';

/** The subject of the example certificate of RFC 5280 §C.2, its octets 0000–0042 of the name: cn=End Entity, dc=example, dc=com. */
const endEntity = fromHex(`30433113 3011060a09922689 93f22c6401191603 636f6d3117301506 0a09922689 93f22c640119 16076578616d706c65 3113 3011 0603550403 130a 456e6420456e74697479`);

const text = (der: Uint8Array): string => {
  const name = decodeName(der);
  return name.ok ? nameText(name.value) : name.reason;
};

describe('a distinguished name', () => {
  test('reads the subject of RFC 5280 §C.2', () => {
    expect(text(endEntity)).toBe('DC=com, DC=example, CN=End Entity');
  });

  test('PrintableString there and UTF8String here are the same name', () => {
    const name = decodeName(endEntity);
    expect(name.ok && sameName(name.value, parseName('DC=com,DC=example,  CN=End Entity'))).toBe(true);
    for (const other of ['DC=com, DC=example, CN=End entity', 'DC=example, DC=com, CN=End Entity', 'DC=com, DC=example, O=End Entity', 'DC=com, DC=example', 'CN=End Entity']) {
      expect(name.ok && sameName(name.value, parseName(other)), other).toBe(false);
    }
  });

  needs('openssl').test('is written as OpenSSL writes it, octet for octet', () => {
    using openssl = new OpenSsl();
    const subject = (slashes: string): string => {
      openssl.certificate('name', { subject: slashes });
      const [line] = openssl.run('asn1parse', '-in', 'name.pem', '-strparse', '4').toString().split('\n').filter((it) => it.includes('SEQUENCE')).slice(2, 3); // TBSCertificate, signature, issuer
      const [, at, header, length] = /^\s*(\d+):d=\d+\s+hl=(\d+)\s+l=\s*(\d+)/.exec(line!)!.map(Number);
      const tbs = openssl.run('asn1parse', '-in', 'name.pem', '-strparse', '4', '-noout', '-out', '-');
      return tbs.subarray(at, at! + header! + length!).toString('hex');
    };
    for (const [slashes, commas] of [
      ['/C=CH/O=natt-lab/CN=client.example', 'C=CH, O=natt-lab, CN=client.example'],
      ['/DC=example/OU=K\u00fcche/CN=a, b', 'DC=example, OU=Küche, CN=a\\, b'],
      ['/C=CH/O=natt-lab/OU=x+CN=y', 'C=CH, O=natt-lab, CN=y+OU=x'],
    ] as const) {
      expect(toHex(encodeName(parseName(commas)))).toBe(subject(slashes));
    }
  });

  test.each([
    ['a comma and a plus', 'CN=a\\, b\\+c'],
    ['blanks at both ends', 'CN=\\ a\\ '],
    ['a hash in front', 'CN=\\#a'],
    ['quotes and backslashes', 'CN=\\"a\\\\\\"'],
    ['a line break and an escape sequence', 'CN=a\\0ab\\1b[31m'],
    ['an attribute without a keyword', '1.3.6.1.4.1.311.60.2.1.3=CH'],
    ['octets that are no string', 'CN=#02012a'],
    ['two attributes in one place', 'CN=x+OU=y'],
  ])('%s survives text and DER', (_, written) => {
    expect(nameText(parseName(written))).toBe(written);
    expect(text(encodeName(parseName(written)))).toBe(written);
  });

  test('any strings survive text and DER', () => {
    const anyName = fc.array(fc.tuple(fc.constantFrom('CN', 'O', 'OU', '1.2.3.4'), fc.string({ unit: 'binary', minLength: 1, maxLength: 20 })), { maxLength: 4 });
    fc.assert(
      fc.property(anyName, (pairs) => {
        const name = pairs.map(([type, value]) => [{ type, value: value.replace(/^\uFEFF/u, '') || 'x' }]);
        const read = decodeName(encodeName(name));
        expect(read).toEqual({ ok: true, value: name });
        if (name.length > 0) expect(parseName(nameText(name))).toEqual(name);
        expect(nameText(name)).not.toMatch(/[\n\r\u0007\u001b\u2028]/u);
      }),
      { numRuns: 200 },
    );
  });

  test('any octets are read or refused, and never throw; what was read is written again alike', () => {
    const attribute = fc.tuple(fc.uint8Array({ maxLength: 8 }), fc.nat(255), fc.uint8Array({ maxLength: 10 })).map(([oid, tag, value]) => element(tags.set, element(tags.sequence, element(tags.oid, oid), element(tag, value))));
    const names = fc.array(attribute, { maxLength: 3 }).map((sets) => element(tags.sequence, ...sets));
    const cut = fc.tuple(names, fc.nat(60)).map(([name, length]) => name.subarray(0, length));
    fc.assert(
      fc.property(fc.oneof(fc.uint8Array({ maxLength: 60 }), names, cut), (der) => {
        const name = decodeName(der);
        if (!name.ok) expect(name.reason).toBe('certificate-malformed');
        else expect(decodeName(encodeName(name.value))).toMatchObject({ ok: true });
      }),
      { numRuns: 300 },
    );
  });

  test.each(['', 'CN', 'CN=', 'CN=a,', 'FOO=a', '3.1=a', 'CN=#xyz'])('"%s" is not a name for a configuration', (written) => {
    expect(() => parseName(written)).toThrow(TypeError);
  });
});

describe('DER is read strictly', () => {
  test.each([
    ['a length of more octets than it needs', '3081 02 3100'],
    ['a length with zeros in front', '308200 02 3100'],
    ['an indefinite length', '3080 3100 0000'],
    ['a length beyond the end', '3003 3100'],
    ['a tag of many octets', '3f8101 00'],
    ['octets behind the end', '3000 00 00'],
  ])('%s is refused', (_, hex) => {
    expect(decodeName(fromHex(hex))).toMatchObject({ ok: false, reason: 'certificate-malformed' });
  });

  test('a long length with a zero in front is refused', () => {
    const long = encodeName(parseName(`CN=${'x'.repeat(150)}`));
    expect(toHex(long.subarray(0, 2))).toBe('3081');
    expect(decodeName(long)).toMatchObject({ ok: true });
    expect(decodeName(concat(fromHex('308200'), long.subarray(2)))).toMatchObject({ ok: false, reason: 'certificate-malformed' });
  });

  test('object identifiers: X.690 §8.19.5 has 2.999.3 as 88 37 03', () => {
    expect(oidText(fromHex('883703'))).toBe('2.999.3');
    expect(oidContent('2.999.3')).toEqual(fromHex('883703'));
    expect(oidContent('1.2.840.113549.1.9.1')).toEqual(fromHex('2a864886f70d010901'));
  });

  test('lengths of one, two and three octets', () => {
    for (const [length, head] of [[127, '047f'], [128, '048180'], [256, '04820100']] as const) {
      expect(toHex(element(tags.octetString, new Uint8Array(length)))).toBe(toHex(concat(fromHex(head), new Uint8Array(length))));
    }
  });
});
