/* Layer 0: numbers with names: flow types, EtherTypes, IP protocols, layer stack, ICMP
 * types.
 *
 * Owns the tables of names. Does not read numbers or fold case. */
#include "names.h"

#include <string.h>

typedef struct name_row {
    uint16_t value;
    uint8_t size;
    const char *name;
} name_row;

#define ROW(value, name)                                                               \
    {                                                                                  \
        value, sizeof(name) - 1, name                                                  \
    }
#define COUNT(array) (sizeof(array) / sizeof *(array))

static const name_row types[] = {
    ROW(0, "FLOWUNKNOWN"), ROW(1, "SFLOW_5"), ROW(2, "NETFLOW_V5"),
    ROW(3, "NETFLOW_V9"),  ROW(4, "IPFIX"),
};

static const name_row etypes[] = {
    ROW(0x0800, "IPv4"),
    ROW(0x86dd, "IPv6"),
    ROW(0x0806, "ARP"),
};

static const name_row layers[] = {
    ROW(0, "Ethernet"),
    ROW(1, "IPv4"),
    ROW(2, "IPv6"),
    ROW(3, "TCP"),
    ROW(4, "UDP"),
    ROW(5, "MPLS"),
    ROW(6, "Dot1Q"),
    ROW(7, "ICMP"),
    ROW(8, "ICMPv6"),
    ROW(9, "GRE"),
    ROW(10, "IPv6HeaderRouting"),
    ROW(11, "IPv6HeaderFragment"),
    ROW(12, "Geneve"),
    ROW(13, "Teredo"),
    ROW(99, "Custom"),
};

static const name_row icmp_types[] = {
    ROW(0, "EchoReply"),
    ROW(3, "DestinationUnreachable"),
    ROW(8, "Echo"),
    ROW(9, "RouterAdvertisement"),
    ROW(10, "RouterSolicitation"),
    ROW(11, "TimeExceeded"),
};

static const name_row icmp6_types[] = {
    ROW(1, "DestinationUnreachable"),
    ROW(2, "PacketTooBig"),
    ROW(3, "TimeExceeded"),
    ROW(128, "EchoRequest"),
    ROW(129, "EchoReply"),
    ROW(133, "RouterSolicitation"),
    ROW(134, "RouterAdvertisement"),
};

/* goflow2 2.0 and 2.1 know five protocols; four of them by the name of today. */
static const name_row old_protos[] = {ROW(58, "ICMPv6")};

/* The IP protocols 0 to 145, in that order. */
/* clang-format off */
#define PROTOS(X)                                                                      \
    X("HOPOPT") X("ICMP") X("IGMP") X("GGP") X("IPv4") X("ST") X("TCP") X("CBT")       \
    X("EGP") X("IGP") X("BBN-RCC-MON") X("NVP-II") X("PUP") X("ARGUS") X("EMCON")      \
    X("XNET") X("CHAOS") X("UDP") X("MUX") X("DCN-MEAS") X("HMP") X("PRM")             \
    X("XNS-IDP") X("TRUNK-1") X("TRUNK-2") X("LEAF-1") X("LEAF-2") X("RDP")            \
    X("IRTP") X("ISO-TP4") X("NETBLT") X("MFE-NSP") X("MERIT-INP") X("DCCP")           \
    X("3PC") X("IDPR") X("XTP") X("DDP") X("IDPR-CMTP") X("TP++") X("IL") X("IPv6")    \
    X("SDRP") X("IPv6-Route") X("IPv6-Frag") X("IDRP") X("RSVP") X("GRE") X("DSR")     \
    X("BNA") X("ESP") X("AH") X("I-NLSP") X("SWIPE") X("NARP") X("Min-IPv4")           \
    X("TLSP") X("SKIP") X("IPv6-ICMP") X("IPv6-NoNxt") X("IPv6-Opts")                  \
    X("any-host-internal-protocol") X("CFTP") X("any-local-network") X("SAT-EXPAK")    \
    X("KRYPTOLAN") X("RVD") X("IPPC") X("any-distributed-file-system") X("SAT-MON")    \
    X("VISA") X("IPCV") X("CPNX") X("CPHB") X("WSN") X("PVP") X("BR-SAT-MON")          \
    X("SUN-ND") X("WB-MON") X("WB-EXPAK") X("ISO-IP") X("VMTP") X("SECURE-VMTP")       \
    X("VINES") X("IPTM") X("NSFNET-IGP") X("DGP") X("TCF") X("EIGRP") X("OSPFIGP")     \
    X("Sprite-RPC") X("LARP") X("MTP") X("AX.25") X("IPIP") X("MICP") X("SCC-SP")      \
    X("ETHERIP") X("ENCAP") X("any-private-encryption-scheme") X("GMTP") X("IFMP")     \
    X("PNNI") X("PIM") X("ARIS") X("SCPS") X("QNX") X("A/N") X("IPComp") X("SNP")      \
    X("Compaq-Peer") X("IPX-in-IP") X("VRRP") X("PGM") X("any-0-hop-protocol")         \
    X("L2TP") X("DDX") X("IATP") X("STP") X("SRP") X("UTI") X("SMP") X("SM")           \
    X("PTP") X("ISIS over IPv4") X("FIRE") X("CRTP") X("CRUDP") X("SSCOPMCE")          \
    X("IPLT") X("SPS") X("PIPE") X("SCTP") X("FC") X("RSVP-E2E-IGNORE")                \
    X("Mobility Header") X("UDPLite") X("MPLS-in-IP") X("manet") X("HIP") X("Shim6")   \
    X("WESP") X("ROHC") X("Ethernet") X("AGGFRAG") X("NSH")
/* clang-format on */

enum { PROTO_COUNT = 146 };

#define NAME(name) name,
static const char *const proto_name[] = {PROTOS(NAME)};
#undef NAME

#define SIZE(name) sizeof(name) - 1,
static const uint8_t proto_size[] = {PROTOS(SIZE)};
#undef SIZE

/* The same protocols ordered by the length of the name, then by its bytes: a comparison
 * of two lengths settles most steps of the search. */
static const uint8_t proto_order[] = {
    /* clang-format off */
    51, 133, 40, 122, 5, 34, 107, 49, 7, 37, 116, 86, 48, 8, 50, 3, 47, 139, 20, 9,
    92, 18, 145, 113, 103, 21, 123, 12, 75, 106, 27, 66, 121, 109, 130, 119, 118,
    87, 6, 17, 120, 74, 36, 104, 62, 73, 72, 126, 33, 125, 100, 117, 1, 35, 45, 101,
    2, 71, 94, 129, 67, 84, 4, 41, 28, 115, 91, 95, 54, 131, 102, 142, 46, 105, 132,
    42, 57, 56, 39, 70, 81, 112, 141, 15, 13, 93, 16, 127, 88, 14, 98, 53, 140, 83,
    138, 0, 52, 108, 80, 25, 26, 30, 11, 96, 77, 78, 144, 97, 29, 31, 89, 69, 23,
    24, 136, 22, 19, 143, 55, 128, 79, 38, 111, 44, 58, 60, 65, 32, 64, 76, 59, 43,
    137, 85, 90, 10, 110, 82, 124, 135, 134, 63, 114, 61, 68, 99,
    /* clang-format on */
};

_Static_assert(COUNT(proto_name) == PROTO_COUNT && COUNT(proto_order) == PROTO_COUNT,
               "every protocol has its place in the order");

/* The rows of a field whose table is short; protocols have their own. */
static const name_row *rows_of(flowan_field field, size_t *count)
{
    switch (field) {
    case FLOWAN_FIELD_TYPE: *count = COUNT(types); return types;
    case FLOWAN_FIELD_ETYPE: *count = COUNT(etypes); return etypes;
    case FLOWAN_FIELD_LAYER_STACK: *count = COUNT(layers); return layers;
    default: *count = 0; return NULL;
    }
}

static const name_row *icmp_rows(uint64_t proto, size_t *count)
{
    *count = proto == 1 ? COUNT(icmp_types) : proto == 58 ? COUNT(icmp6_types) : 0;
    return proto == 1 ? icmp_types : icmp6_types;
}

static bool find_row(const name_row *rows, size_t count, const char *name, size_t size,
                     uint64_t *out)
{
    for (size_t i = 0; i < count; i++)
        if (rows[i].size == size && memcmp(rows[i].name, name, size) == 0) {
            *out = rows[i].value;
            return true;
        }
    return false;
}

static const name_row *row_of(const name_row *rows, size_t count, uint64_t value)
{
    for (size_t i = 0; i < count; i++)
        if (rows[i].value == value)
            return &rows[i];
    return NULL;
}

static const char *name_in(const name_row *rows, size_t count, uint64_t value)
{
    const name_row *row = row_of(rows, count, value);
    return row ? row->name : NULL;
}

static bool find_proto(const char *name, size_t size, uint64_t *out)
{
    /* Nearly every record has one of these two. */
    if (size == 3 && memcmp(name, "TCP", 3) == 0) {
        *out = 6;
        return true;
    }
    if (size == 3 && memcmp(name, "UDP", 3) == 0) {
        *out = 17;
        return true;
    }
    size_t low = 0;
    size_t high = PROTO_COUNT;
    while (low < high) {
        size_t middle = (low + high) / 2;
        unsigned proto = proto_order[middle];
        int side = (size > proto_size[proto]) - (size < proto_size[proto]);
        if (side == 0)
            side = memcmp(name, proto_name[proto], size);
        if (side == 0) {
            *out = proto;
            return true;
        }
        if (side < 0)
            high = middle;
        else
            low = middle + 1;
    }
    return false;
}

const char *fl_names_of(flowan_field field, uint64_t value)
{
    size_t size;
    return fl_names_text(field, value, &size);
}

const char *fl_names_text(flowan_field field, uint64_t value, size_t *size)
{
    *size = 0;
    if (field == FLOWAN_FIELD_PROTO) {
        if (value >= PROTO_COUNT)
            return NULL;
        *size = proto_size[value];
        return proto_name[value];
    }
    size_t count;
    const name_row *rows = rows_of(field, &count);
    const name_row *row = row_of(rows, count, value);
    if (!row)
        return NULL;
    *size = row->size;
    return row->name;
}

bool fl_names_find(flowan_field field, const char *name, size_t size, uint64_t *out,
                   bool *old)
{
    if (size == 0)
        return false;
    bool is_old = false;
    bool found;
    if (field == FLOWAN_FIELD_PROTO) {
        found = find_proto(name, size, out);
        if (!found)
            found = is_old = find_row(old_protos, COUNT(old_protos), name, size, out);
    } else {
        size_t count;
        const name_row *rows = rows_of(field, &count);
        found = find_row(rows, count, name, size, out);
    }
    if (found && old)
        *old = is_old;
    return found;
}

const char *fl_names_icmp(uint64_t proto, uint64_t type)
{
    size_t count;
    const name_row *rows = icmp_rows(proto, &count);
    return name_in(rows, count, type);
}

bool fl_names_find_icmp(uint64_t proto, const char *name, size_t size, uint64_t *out)
{
    size_t count;
    const name_row *rows = icmp_rows(proto, &count);
    return find_row(rows, count, name, size, out);
}

const char *fl_names_old(flowan_field field, uint64_t value)
{
    if (field != FLOWAN_FIELD_PROTO)
        return NULL;
    return name_in(old_protos, COUNT(old_protos), value);
}
