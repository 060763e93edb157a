"""What is known beside the records: local networks, AS numbers, and how to scale."""
import functools
import re

from record import U32, Problem, is_ipv4, masked, prefix_of, text_of_prefix

NAT64 = 0x64FF9B << 64          # the upper 96 bits of 64:ff9b::/96


class Networks:
    """Longest-prefix look-up of local networks. An IPv6 prefix holds no IPv4 address."""

    PRIVATE = ("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "100.64.0.0/10", "fc00::/7")

    def __init__(self, path):
        self.prefixes = {}                             # name: [text, …]
        self.tables = {True: {}, False: {}}            # is IPv4: {length: {network: …}}
        lines = [(0, text) for text in self.PRIVATE]
        if path:
            with open(path, encoding="utf-8", errors="surrogateescape", newline="\n") as file:
                lines = list(enumerate(file, 1))
        for number, line in lines:
            words = re.sub(r"(^|\s)#.*", "", line.rstrip("\n")).split()
            if words:
                self.add(words, f"{path}:{number}")
        self.find = functools.lru_cache(None)(self.find)

    def add(self, words, where):
        prefix = prefix_of(words[0])
        if prefix is None:
            raise Problem(f"{where}: {words[0]} is not a prefix")
        text = text_of_prefix(*prefix)
        named = len(words) > 1 and "=" not in words[1]
        name = words[1] if named else text
        table = self.tables[is_ipv4(prefix[0])].setdefault(prefix[1], {})
        if prefix[0] in table:
            raise Problem(f"{where}: {text} is there twice")
        table[prefix[0]] = (name, "role=public" in words[1 + named:])
        self.prefixes.setdefault(name, []).append(text)

    def find(self, address):
        """(name, is public) of the network that holds the address, or None."""
        if address is None:
            return None
        tables = self.tables[is_ipv4(address)]
        for length in sorted(tables, reverse=True):
            found = tables[length].get(masked(address, length))
            if found:
                return found
        return None


class AsDatabase:
    """A MaxMind DB of AS numbers, read as its specification 2.0 describes it."""

    MARKER = b"\xab\xcd\xefMaxMind.com"

    def __init__(self, path):
        with open(path, "rb") as file:
            self.file = file.read()
        marker = self.file.rfind(self.MARKER)
        if marker < 0:
            raise Problem(f"{path}: no MaxMind DB")
        self.data = marker + len(self.MARKER)          # its pointers count from there
        about = self.decode(self.data)[0]
        self.nodes, self.bits = about["node_count"], about["record_size"]
        self.is_ipv6 = about["ip_version"] == 6
        self.data = self.nodes * self.bits // 4 + 16
        self.find = functools.lru_cache(None)(self.find)

    def decode(self, at):
        """(value, offset behind it) of the item at that offset of the file."""
        control = self.file[at]
        kind, size, at = control >> 5, control & 31, at + 1
        if kind == 1:                                  # a pointer
            length = (size >> 3) + 1
            low = int.from_bytes(self.file[at:at + length], "big")
            high = (size & 7) << 8 * length if length < 4 else 0
            base = (0, 2048, 526336, 0)[length - 1]
            return self.decode(self.data + base + high + low)[0], at + length
        if kind == 0:                                  # an extended type
            kind, at = self.file[at] + 7, at + 1
        if size >= 29:
            length = size - 28
            base = (29, 285, 65821)[length - 1]
            size = base + int.from_bytes(self.file[at:at + length], "big")
            at += length
        if kind == 7:
            value = {}
            for _ in range(size):
                key, at = self.decode(at)
                value[key], at = self.decode(at)
            return value, at
        if kind == 11:
            value = []
            for _ in range(size):
                item, at = self.decode(at)
                value.append(item)
            return value, at
        if kind == 14:
            return bool(size), at
        octets = self.file[at:at + size]
        value = octets.decode("utf-8", "surrogateescape") if kind == 2 else octets
        if kind in (5, 6, 9, 10):
            value = int.from_bytes(octets, "big")
        return value, at + size                        # floats are of no interest

    def branch(self, node, bit):
        if self.bits == 28:
            seven = self.file[node * 7:node * 7 + 7]
            if bit:
                return (seven[3] & 15) << 24 | int.from_bytes(seven[4:], "big")
            return seven[3] >> 4 << 24 | int.from_bytes(seven[:3], "big")
        size = self.bits // 8
        at = (node * 2 + bit) * size
        return int.from_bytes(self.file[at:at + size], "big")

    def entry(self, branch):
        return self.decode(self.data + branch - self.nodes - 16)[0]

    def find(self, address):
        """The AS number of an address, 0 when it is not known."""
        if is_ipv4(address) or address >> 32 == NAT64:
            address &= U32                             # IPv4 lies in ::/96 of the tree
        elif not self.is_ipv6:
            return 0
        node = 0
        for bit in range(127 if self.is_ipv6 else 31, -1, -1):
            node = self.branch(node, address >> bit & 1)
            if node >= self.nodes:
                break
        return self.entry(node).get("autonomous_system_number", 0) if node > self.nodes else 0

    @functools.cached_property
    def organizations(self):
        """{AS number: organization} of the whole database."""
        branches = {self.branch(node, bit) for node in range(self.nodes) for bit in (0, 1)}
        names = {}
        for branch in sorted(branches):
            if branch > self.nodes:
                entry = self.entry(branch)
                names.setdefault(entry.get("autonomous_system_number", 0),
                                 entry.get("autonomous_system_organization", ""))
        return names


class Sight:
    """All of it, as the options of the command have it."""

    def __init__(self, options):
        self.networks = Networks(options.networks)
        self.database = AsDatabase(options.asn_db) if options.asn_db else None
        self.database_first = options.prefer_asdb
        self.raw = options.raw_counts
        self.clock = options.clock
        self.default_sampling = options.default_sampling

    def as_number(self, own, address):
        known = self.database.find(address) if self.database and address is not None else 0
        return (known or own or 0) if self.database_first else (own or known)

    def organization(self, number):
        return self.database.organizations.get(number, "") if self.database else ""
