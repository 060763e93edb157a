"""goflow2's logs: JSON objects out of files, and typed values out of JSON objects.

What a value means for a flow is flow.py's business.
"""
import functools
import io
import ipaddress
import json
import os
import re
import subprocess
import sys
import zlib
from datetime import datetime, timedelta, timezone

SECOND = 10**9
EPOCH = datetime(1970, 1, 1, tzinfo=timezone.utc)
U32 = 2**32 - 1
U64 = 2**64 - 1
SIGN = 2**63                    # a time from here on is a negative one that wrapped


class Problem(Exception):
    """Something that ends the run with one line on standard error."""


# ---- the keys of goflow2 1.x ---------------------------------------------------------

SPELLINGS = {key: field for key, field in (pair.split(":") for pair in """
Type:type TimeReceived:time_received_ns SequenceNum:sequence_num SamplingRate:sampling_rate
FlowDirection:flow_direction SamplerAddress:sampler_address TimeFlowStart:time_flow_start_ns
TimeFlowEnd:time_flow_end_ns TimeFlowStartMs:time_flow_start_ns
TimeFlowEndMs:time_flow_end_ns Bytes:bytes Packets:packets SrcAddr:src_addr DstAddr:dst_addr
Etype:etype Proto:proto SrcPort:src_port DstPort:dst_port InIf:in_if OutIf:out_if
SrcMac:src_mac DstMac:dst_mac SrcVlan:src_vlan DstVlan:dst_vlan VlanId:vlan_id
IngressVrfId:ingress_vrf_id EgressVrfId:egress_vrf_id IpTos:ip_tos
ForwardingStatus:forwarding_status IpTtl:ip_ttl TcpFlags:tcp_flags IcmpType:icmp_type
IcmpCode:icmp_code Ipv6FlowLabel:ipv6_flow_label FragmentId:fragment_id
FragmentOffset:fragment_offset SrcAs:src_as DstAs:dst_as NextHop:next_hop
NextHopAs:next_hop_as SrcNet:src_net DstNet:dst_net BgpNextHop:bgp_next_hop
BgpCommunities:bgp_communities AsPath:as_path MplsLabelIp:mpls_ip
ObservationDomainId:observation_domain_id ObservationPointId:observation_point_id
""".split())}
SCALES = {"TimeReceived": SECOND, "TimeFlowStart": SECOND, "TimeFlowEnd": SECOND,
          "TimeFlowStartMs": SECOND // 1000, "TimeFlowEndMs": SECOND // 1000}


def ns_of_scaled(key, value):
    """A time of 1.x in ns; None when it is none."""
    if isinstance(value, str):
        return None if DIGITS.fullmatch(value) else time_of(value)
    ns = number_of(value, U64)
    return None if ns is None else number_of(ns * SCALES[key], U64)


def by_field(record):
    """The record with the keys of 1.x by the names of their fields. Beside the field's own
    key they stay what they are; milliseconds count before seconds, unless they are 0 or no
    time at all."""
    if not SPELLINGS.keys() & record.keys():
        return record
    named, keys_of = {}, {}
    for key, value in record.items():
        field = SPELLINGS.get(key)
        if field is None or field in record:
            named[key] = value
        elif key in SCALES:
            keys_of.setdefault(field, []).append(key)
        else:
            named[field] = value
    for field, keys in keys_of.items():
        keys.sort(key=SCALES.get)
        for key in keys:
            named[field] = ns_of_scaled(key, record[key])
            if named[field]:
                break
        named.update({other: record[other] for other in keys if other != key})
    return named


# ---- logs ------------------------------------------------------------------------------

def no_constant(name):
    raise ValueError(f"{name} is not JSON")        # NaN and Infinity, which Python takes


GZIP, ZSTD = b"\x1f\x8b", b"\x28\xb5\x2f\xfd"
DECODER = json.JSONDecoder(parse_constant=no_constant)


def gunzipped(log):
    """The lines of a gzip file of any number of members; a torn one ends where it is torn."""
    data, last = log.read(), b""
    while data[:2] == GZIP:
        member = zlib.decompressobj(wbits=31)
        try:
            while data and not member.eof:
                text = member.decompress(data, 1 << 20)
                data = member.unused_data if member.eof else member.unconsumed_tail
                *lines, last = (last + text).split(b"\n")
                yield from lines
            last += b"" if member.eof else member.flush()
        except zlib.error:
            break
    yield from last.split(b"\n")


def unzstded(log):
    """The lines of a zstd file; of a torn one what `zstd` gives, which complains itself."""
    with subprocess.Popen(["zstd", "-dcq"], stdin=log, stdout=subprocess.PIPE) as zstd:
        line = None
        for line in zstd.stdout:
            yield line
    if line is None and zstd.returncode:
        raise Problem("nothing came out of zstd")


def open_log(path):
    """The lines of a log, and its modification time in ns."""
    if path == "-":
        return sys.stdin.buffer, None
    log = open(path, "rb", buffering=0)                # zstd starts where our reading stands
    modified = os.fstat(log.fileno()).st_mtime_ns
    magic = log.read(4)
    log.seek(0)
    if magic[:2] == GZIP:
        return gunzipped(log), modified
    if magic == ZSTD:
        return unzstded(log), modified
    return io.BufferedReader(log), modified


def records_of(lines):
    """Every JSON object. What is not one is passed over up to the next brace of its line;
    a line feed ends whatever was open."""
    for line in lines:
        text = line.decode("utf-8", "surrogateescape")
        at = text.find("{")
        while at >= 0:
            try:
                record, at = DECODER.raw_decode(text, at)
                yield by_field(record)
            except (ValueError, RecursionError):
                at += 1
            at = text.find("{", at)


# ---- values ----------------------------------------------------------------------------

KINDS = {name: kind for kind, names in {
    "enum": "type etype proto",
    "time": "time_received_ns time_flow_start_ns time_flow_end_ns",
    "u64": "bytes packets sampling_rate",
    "u32": "sequence_num src_port dst_port in_if out_if src_vlan dst_vlan vlan_id ip_tos"
           " forwarding_status ip_ttl ip_flags tcp_flags icmp_type icmp_code"
           " ipv6_flow_label fragment_id fragment_offset src_as dst_as next_hop_as"
           " observation_domain_id observation_point_id ipv6_routing_header_seg_left"
           " post_napt_src_transport_port post_napt_dst_transport_port nat_event"
           " ingress_vrf_id egress_vrf_id flow_direction",
    "address": "src_addr dst_addr sampler_address next_hop bgp_next_hop",
    "nat": "post_nat_src_ipv4_address post_nat_dst_ipv4_address"
           " post_nat_src_ipv6_address post_nat_dst_ipv6_address",
    "prefix": "src_net dst_net",
    "mac": "src_mac dst_mac",
    "text": "icmp_name",
    "numbers": "as_path bgp_communities mpls_label mpls_ttl layer_size",
    "texts": "layer_stack",
    "addresses": "mpls_ip ipv6_routing_header_addresses",
}.items() for name in names.split()}

PROTOCOLS = """HOPOPT ICMP IGMP GGP IPv4 ST TCP CBT EGP IGP BBN-RCC-MON NVP-II PUP ARGUS
EMCON XNET CHAOS UDP MUX DCN-MEAS HMP PRM XNS-IDP TRUNK-1 TRUNK-2 LEAF-1 LEAF-2 RDP IRTP
ISO-TP4 NETBLT MFE-NSP MERIT-INP DCCP 3PC IDPR XTP DDP IDPR-CMTP TP++ IL IPv6 SDRP
IPv6-Route IPv6-Frag IDRP RSVP GRE DSR BNA ESP AH I-NLSP SWIPE NARP Min-IPv4 TLSP SKIP
IPv6-ICMP IPv6-NoNxt IPv6-Opts any-host-internal-protocol CFTP any-local-network SAT-EXPAK
KRYPTOLAN RVD IPPC any-distributed-file-system SAT-MON VISA IPCV CPNX CPHB WSN PVP
BR-SAT-MON SUN-ND WB-MON WB-EXPAK ISO-IP VMTP SECURE-VMTP VINES IPTM NSFNET-IGP DGP TCF
EIGRP OSPFIGP Sprite-RPC LARP MTP AX.25 IPIP MICP SCC-SP ETHERIP ENCAP
any-private-encryption-scheme GMTP IFMP PNNI PIM ARIS SCPS QNX A/N IPComp SNP Compaq-Peer
IPX-in-IP VRRP PGM any-0-hop-protocol L2TP DDX IATP STP SRP UTI SMP SM PTP ISIS_over_IPv4
FIRE CRTP CRUDP SSCOPMCE IPLT SPS PIPE SCTP FC RSVP-E2E-IGNORE Mobility_Header UDPLite
MPLS-in-IP manet HIP Shim6 WESP ROHC Ethernet AGGFRAG NSH""".split()
NAMES = {
    "proto": {n: name.replace("_", " ") for n, name in enumerate(PROTOCOLS)},
    "etype": {0x0800: "IPv4", 0x0806: "ARP", 0x86DD: "IPv6"},
    "type": dict(enumerate(("FLOWUNKNOWN", "SFLOW_5", "NETFLOW_V5", "NETFLOW_V9", "IPFIX"))),
}

DIGITS = re.compile(r"0|[1-9][0-9]*")
HEX_ADDRESS = re.compile(r"[0-9a-fA-F]{8}|[0-9a-fA-F]{32}")
MAC = re.compile(r"[0-9a-fA-F]{2}(:[0-9a-fA-F]{2}){5}")
RFC_3339 = re.compile(r"([0-9]{4})-([0-9]{2})-([0-9]{2})[Tt]([0-9]{2}):([0-9]{2}):([0-9]{2})"
                      r"(?:\.([0-9]{1,9}))?(?:[Zz]|([+-])([0-9]{2}):([0-9]{2}))")


def number_of(value, most):
    if isinstance(value, str) and DIGITS.fullmatch(value):
        value = int(value)
    if type(value) is int and 0 <= value <= most:      # a bool is not a number here
        return value
    return None


def ns_of_rfc_3339(text):
    """ns since 1970, signed; None when the text is no such time."""
    m = RFC_3339.fullmatch(text)
    if not m:
        return None
    try:
        moment = datetime(*(int(x) for x in m.groups()[:6]), tzinfo=timezone.utc)
    except ValueError:
        return None
    since = moment - EPOCH
    seconds = since.days * 86400 + since.seconds
    if m[8]:
        ahead = int(m[9]) * 3600 + int(m[10]) * 60
        seconds -= ahead if m[8] == "+" else -ahead
    return seconds * SECOND + int((m[7] or "0").ljust(9, "0"))


def time_of(value):
    """ns since 1970 as unsigned 64 bits, so that a time before 1970 is a huge one."""
    if isinstance(value, str) and not DIGITS.fullmatch(value):
        ns = ns_of_rfc_3339(value)
        return ns & U64 if ns is not None and -SIGN <= ns < SIGN else None
    return number_of(value, U64)


# An address is its 128-bit integer, IPv4 being ::ffff:a.b.c.d: so the two spellings are one.
MAPPED = 0xFFFF << 32


def is_ipv4(address):
    return address >> 32 == 0xFFFF


@functools.lru_cache(None)
def parse_address(text):
    try:
        parsed = ipaddress.ip_address(text)
    except ValueError:
        return None
    if parsed.version == 4:
        return MAPPED | int(parsed)
    return None if parsed.scope_id else int(parsed)


def octets_of(value):
    """[192, 0, 2, 1], as 1.x writes bytes; 4 or 16 of them are an address."""
    if (not isinstance(value, list) or len(value) not in (4, 16)
            or any(type(octet) is not int or not 0 <= octet <= 255 for octet in value)):
        return None
    address = int.from_bytes(bytes(value), "big")
    return MAPPED | address if len(value) == 4 else address


def address_of(value):
    return parse_address(value) if isinstance(value, str) else octets_of(value)


def nat_address_of(value):
    """post_nat_…: hex digits as goflow2 writes bytes, or text; all zeros is no address."""
    if isinstance(value, str) and HEX_ADDRESS.fullmatch(value):
        address = int(value, 16) | (MAPPED if len(value) == 8 else 0)
    else:
        address = address_of(value)
    return None if address in (0, MAPPED) else address


@functools.lru_cache(None)
def text_of_address(address):
    if is_ipv4(address):
        return str(ipaddress.IPv4Address(address & U32))
    return str(ipaddress.IPv6Address(address))


def masked(address, length):
    """The network of an address; the length is that of the address's own family."""
    keep = length + 96 if is_ipv4(address) else length
    return address >> (128 - keep) << (128 - keep)


def prefix_of(text):
    """(network, length) of "10.8.0.0/16"; a bare address is a network of one."""
    address, slash, digits = text.partition("/")
    network = address_of(address)
    if network is None:
        return None
    most = 32 if "." in address and ":" not in address else 128
    length = number_of(digits, most) if slash else most
    if length is None:
        return None
    if is_ipv4(network) and most == 128:               # ::ffff:10.0.0.0/104 is 10.0.0.0/8
        if length < 96:
            return network >> (128 - length) << (128 - length), length
        length -= 96
    return masked(network, length), length


def text_of_prefix(network, length):
    return f"{text_of_address(network)}/{length}"


def iso(ns):
    """UTC; whole seconds, or with a fraction without its trailing zeros."""
    seconds, fraction = divmod(ns, SECOND)
    text = (EPOCH + timedelta(seconds=seconds)).strftime("%Y-%m-%dT%H:%M:%S")
    return text + (f".{fraction:09d}".rstrip("0") if fraction else "") + "Z"
