/**
 * What Wireshark does not know of the drafts of NAT-T: with 00 and 01 ESP and keepalives go on port 500, ESP behind eight zero octets; with 04 to 08
 * NAT-D and NAT-OA have the numbers of two payloads of GDOI. A dissector of our own tells it, in Wireshark's Lua.
 */
import { decodeMessage } from '../../src/wire/ike/v1/codec.ts';
import { classifyIkePort } from '../../src/wire/natt.ts';

/** Where a configuration folder has its scripts; a Wireshark that was built without Lua does not look there. */
export const draftsFile = 'plugins/nat-t-drafts.lua';

/** Numbers of drafts 04 to 08, and those of RFC 3947 §6 that replaced them. */
const renumbered: ReadonlyMap<number, number> = new Map([[15, 20], [16, 21]]);

/** Whether a datagram on port 500 is of a draft that Wireshark does not know. */
export function isOfDrafts(payload: Uint8Array): boolean {
  if (classifyIkePort(payload) !== 'ike') return true;
  const message = payload[17] === 0x10 ? decodeMessage(payload) : undefined;
  return message?.ok === true && 'payloads' in message.value && message.value.payloads.some((body) => (body.type === 'NAT-D' || body.type === 'NAT-OA') && renumbered.has(body.number));
}

/**
 * `ports` are those besides 500 that stand opposite it. It takes the place of Wireshark's own IKE dissector at them when a capture is opened, which is after
 * all tables of ports are read, and hands everything on to that one.
 */
export const draftsScript = (ports: Iterable<number>): string => `-- What Wireshark does not know of the drafts of NAT-T; written by natt-lab.
local ports = { ${[500, ...ports].join(', ')} }
local drafts = Proto("nat_t_drafts", "Drafts of NAT-T")
local marker = ProtoField.bytes("nat_t_drafts.non_ike_marker", "Non-IKE marker")
local keepalive = ProtoField.uint8("nat_t_drafts.keepalive", "NAT-T keepalive", base.HEX)
local renumbered = ProtoField.string("nat_t_drafts.renumbered", "Payloads shown by their numbers of RFC 3947")
drafts.fields = { marker, keepalive, renumbered }
local isakmp, esp = Dissector.get("isakmp"), Dissector.get("esp")

-- NAT-D and NAT-OA of drafts 04 to 08
local numbers = { ${[...renumbered].map(([draft, rfc]) => `[${draft}] = ${rfc}`).join(', ')} }

-- A message in the clear with the numbers that Wireshark knows, and how many there were of others.
local function with_numbers_of_the_rfc(payload)
  local bytes, count = payload():bytes(), 0
  if bytes:len() < 28 or bytes:get_index(17) ~= 0x10 or bytes:get_index(19) % 2 == 1 then return bytes, 0 end
  local named, at = 16, 28
  while bytes:get_index(named) ~= 0 and at + 4 <= bytes:len() do
    local number = numbers[bytes:get_index(named)]
    if number then
      bytes:set_index(named, number)
      count = count + 1
    end
    named, at = at, at + math.max(4, bytes:get_index(at + 2) * 256 + bytes:get_index(at + 3))
  end
  return bytes, count
end

function drafts.dissector(payload, packet, tree)
  if packet.src_port ~= 500 and packet.dst_port ~= 500 then return 0 end -- something else, on a port that a box has used
  if payload:len() == 1 and payload(0, 1):uint() == 0xff then
    tree:add(drafts, payload()):add(keepalive, payload(0, 1))
    packet.cols.protocol = "UDPENCAP"
    packet.cols.info = "NAT-keepalive"
    return 1
  end
  if payload:len() > 16 and payload(0, 4):uint() == 0 and payload(4, 4):uint() == 0 then
    tree:add(drafts, payload(0, 8)):add(marker, payload(0, 8))
    return 8 + esp:call(payload(8):tvb(), packet, tree)
  end
  local bytes, count = with_numbers_of_the_rfc(payload)
  if count == 0 then return isakmp:call(payload, packet, tree) end
  tree:add(drafts, payload()):add(renumbered, tostring(count))
  return isakmp:call(bytes:tvb("By the numbers of RFC 3947"), packet, tree)
end

function drafts.init()
  for _, port in ipairs(ports) do DissectorTable.get("udp.port"):add(port, drafts) end
end
`;
