/** What vendor ID payloads say (RFC 2408 §3.16): most are the MD5 of a text, whole or its beginning. */
import { fromHex, toHex } from '../../../core/bytes.ts';

export interface VendorId {
  /** For people. */
  readonly name: string;
  readonly id: Uint8Array;
  /** The text whose MD5 the ID is; undefined where nobody has told. */
  readonly text: string | undefined;
  /** How many octets tell it; what follows is a version. Undefined: all, and nothing may follow. */
  readonly significant: number | undefined;
}

const hashed = (text: string, hex: string, name = text): VendorId => ({ name, id: fromHex(hex), text, significant: undefined });

/** Those of NAT-T have the names that configurations call its versions by. */
export const vendorIds = {
  'rfc-3947': hashed('RFC 3947', '4a131c81070358455c5728f20e95452f', 'NAT-T RFC 3947'),
  'draft-08': hashed('draft-ietf-ipsec-nat-t-ike-08', '8f8d83826d246b6fc7a8a6a428c11de8', 'NAT-T draft-08'),
  'draft-07': hashed('draft-ietf-ipsec-nat-t-ike-07', '439b59f8ba676c4c7737ae22eab8f582', 'NAT-T draft-07'),
  'draft-06': hashed('draft-ietf-ipsec-nat-t-ike-06', '4d1e0e136deafa34c4f3ea9f02ec7285', 'NAT-T draft-06'),
  'draft-05': hashed('draft-ietf-ipsec-nat-t-ike-05', '80d0bb3def54565ee84645d4c85ce3ee', 'NAT-T draft-05'),
  'draft-04': hashed('draft-ietf-ipsec-nat-t-ike-04', '9909b64eed937c6573de52ace952fa6b', 'NAT-T draft-04'),
  'draft-03': hashed('draft-ietf-ipsec-nat-t-ike-03', '7d9419a65310ca6f2c179d9215529d56', 'NAT-T draft-03'),
  // with the newline that somebody's editor left behind the name, and nearly everybody took over
  'draft-02n': hashed('draft-ietf-ipsec-nat-t-ike-02\n', '90cb80913ebb696e086381b5ec427b1f', 'NAT-T draft-02\\n'),
  'draft-02': hashed('draft-ietf-ipsec-nat-t-ike-02', 'cd60464335df21f87cfdb2fc68b6a448', 'NAT-T draft-02'),
  'draft-01': hashed('draft-ietf-ipsec-nat-t-ike-01', '16f6ca16e4a4066d83821a0f0aeaa862', 'NAT-T draft-01'),
  'draft-00': hashed('draft-ietf-ipsec-nat-t-ike-00', '4485152d18b6bbcd0be8a8469579ddcc', 'NAT-T draft-00'),

  /** RFC 3706 §5.1: 14 octets, major and minor version. */
  deadPeerDetection: { name: 'DPD RFC 3706', id: fromHex('afcad71368a1f1c96b8696fc77570100'), text: undefined, significant: 14 },
  /** draft-beaulieu-ike-xauth §2: the first 8 octets. */
  xauth: { name: 'XAUTH', id: fromHex('09002689dfd6b712'), text: 'draft-ietf-ipsra-isakmp-xauth-06.txt', significant: undefined },
  /** Cisco's remote access: 14 octets and a version. */
  unity: { name: 'Cisco Unity', id: fromHex('12f5f28c457168a9702d9fe274cc0100'), text: 'CISCO-UNITY', significant: 14 },
  /** IKEv1 fragmentation; Cisco adds four octets of capabilities. */
  fragmentation: { name: 'IKE fragmentation', id: fromHex('4048b7d56ebce88525e7de7f00d6c2d3'), text: 'FRAGMENTATION', significant: 16 },

  /** Windows: 16 octets and a version in four. */
  msNt5: { name: 'MS NT5 ISAKMPOAKLEY', id: fromHex('1e2b516905991c7d7c96fcbfb587e46100000009'), text: 'MS NT5 ISAKMPOAKLEY', significant: 16 },
  msNegotiationDiscovery: hashed('MS-Negotiation Discovery Capable', 'fb1de3cdf341b7ea16b7e5be0855f120'),
  msInitialContact: hashed('Vid-Initial-Contact', '26244d38eddb61b3172a36e3d0cfb819'),
  cga: hashed('IKE CGA version 1', 'e3a5966a76379fe707228231e5ce8652'),
  gssApi: hashed('GSSAPI', '621b04bb09882ac1e15935fefa24aeee'),

  strongswan: hashed('strongSwan', '882fe56d6fd20dbc2251613b2ebe5beb'),
  racoon: hashed('KAME/racoon', '7003cbc1097dbe9c2600ba6983bc8b35'),
  shrew: { name: 'Shrew Soft', id: fromHex('f14b94b7bff1fef02773b8c49feded26'), text: undefined, significant: undefined },
} as const satisfies Readonly<Record<string, VendorId>>;

export type VendorIdKey = keyof typeof vendorIds;

const whole = new Map<string, VendorIdKey>();
const beginnings = new Map<string, VendorIdKey>();
for (const [key, { id, significant }] of Object.entries(vendorIds) as [VendorIdKey, VendorId][]) {
  if (significant === undefined) whole.set(toHex(id), key);
  else beginnings.set(toHex(id.subarray(0, significant)), key);
}

/** Which of them a vendor ID payload holds; undefined for one that is not in the table. */
export function vendorIdOf(data: Uint8Array): VendorIdKey | undefined {
  if (data.length > 32) return undefined;
  const hex = toHex(data);
  return whole.get(hex) ?? beginnings.get(hex.slice(0, 32)) ?? beginnings.get(hex.slice(0, 28));
}

/** What people call it; the octets themselves where nobody knows. */
export function vendorName(data: Uint8Array): string {
  const key = vendorIdOf(data);
  return key === undefined ? toHex(data.subarray(0, 20)) : vendorIds[key].name;
}
