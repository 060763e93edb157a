/* Flow records by chance, of networks that behave in different ways: for tests of what packs
 * them, which must give back whatever there is. */
#ifndef FL_FLOWS_H
#define FL_FLOWS_H

#include "memory.h"

static uint64_t random_state;

static inline uint64_t random_number(void)
{
    random_state = random_state * UINT64_C(6364136223846793005) + 1442695040888963407;
    uint64_t x = random_state ^ random_state >> 33;
    return x * UINT64_C(0x9E3779B97F4A7C15) ^ x >> 29;
}

static inline uint64_t below(uint64_t limit)
{
    return (random_number() >> 11) % limit;
}

static inline bool one_in(uint64_t n)
{
    return below(n) == 0;
}

/* Numbers that sit at an edge, of `bits`. */
static inline uint64_t odd_number(unsigned bits)
{
    static const uint64_t odd[] = {0,
                                   1,
                                   15,
                                   16,
                                   17,
                                   255,
                                   256,
                                   65535,
                                   999999999,
                                   1000000000,
                                   UINT32_MAX,
                                   UINT32_MAX + UINT64_C(1),
                                   INT64_MAX,
                                   (uint64_t)INT64_MAX + 1,
                                   UINT64_MAX - 1,
                                   UINT64_MAX};
    uint64_t number =
        one_in(3) ? odd[below(sizeof odd / sizeof *odd)] : random_number() >> below(64);
    return bits < 64 ? number & ((UINT64_C(1) << bits) - 1) : number;
}

/* How a network behaves: what is told from what when it is packed. */
typedef struct network {
    unsigned exporters;
    unsigned customers;
    unsigned datagram; /* records of one, at the most */
    bool nat;          /* inside addresses become public ones, and back */
    bool keeps_ports;
    bool port_blocks; /* each customer has a range of public ports */
    bool talks;       /* both directions, one behind the other */
    bool user_times;  /* keys of the user's that repeat times in other units */
    bool ipv6;
    bool hex;             /* translated addresses as goflow2 1.x mappings gave them */
    unsigned unreceived;  /* rows in 1/16 without a receive time */
    unsigned raw;         /* likewise whose text is kept */
    unsigned strange;     /* likewise with a number that is odd */
    uint64_t clock_scale; /* ns per tick of the exporters' clocks */
} network;

static inline network any_network(void)
{
    static const uint64_t scales[] = {1, 1000, 1000000, 1000000000};
    static const unsigned few[] = {1, 1, 2, 5, 40, 300};
    return (network){
        .exporters = few[below(6)],
        .customers = 1 + (unsigned)below(1U << below(11)),
        .datagram = 1 + (unsigned)below(30),
        .nat = below(2),
        .keeps_ports = below(2),
        .port_blocks = below(2),
        .talks = below(2),
        .user_times = one_in(3),
        .ipv6 = one_in(4),
        .hex = below(2),
        .unreceived = one_in(3) ? (unsigned)below(17) : 0,
        .raw = one_in(4) ? (unsigned)below(17) : 0,
        .strange = one_in(2) ? (unsigned)below(3) : 0,
        .clock_scale = scales[below(4)],
    };
}

typedef struct flow {
    unsigned exporter, customer, port, server, service;
    uint64_t packets, bytes, start, end;
    unsigned public_port;
    bool back;
} flow;

static inline flow any_flow(const network *n, uint64_t now)
{
    flow f = {.exporter = (unsigned)below(n->exporters),
              .customer = (unsigned)below(n->customers),
              .port = 1024 + (unsigned)below(60000),
              .server = (unsigned)below(1U << below(12)),
              .service = one_in(2)   ? 443
                         : one_in(2) ? 53
                                     : (unsigned)below(65536),
              .packets = 1 + below(1U << below(12))};
    f.bytes = f.packets * (40 + below(1460)) + (one_in(2) ? below(40) : 0);
    f.end = (now - below(UINT64_C(1) << 36)) / n->clock_scale * n->clock_scale;
    f.start = (f.end - below(UINT64_C(1) << 35)) / n->clock_scale * n->clock_scale;
    f.public_port = n->keeps_ports   ? f.port
                    : n->port_blocks ? 1024 + f.customer % 60 * 1000 + f.port % 500
                                     : 1024 + (unsigned)below(60000);
    return f;
}

static inline void put_address(fl_buffer *out, const network *n, const char *key,
                               unsigned number, bool inside)
{
    if (n->ipv6)
        fl_buffer_format(out, ",\"%s\":\"2001:db8:%x::%x\"", key, inside ? 1 : 2,
                         number + 1);
    else
        fl_buffer_format(out, ",\"%s\":\"%s.%u.%u\"", key, inside ? "10.8" : "198.51",
                         number / 256 % 256, number % 256);
}

static inline void put_public(fl_buffer *out, const network *n, const char *key,
                              unsigned number)
{
    if (n->hex)
        fl_buffer_format(out, ",\"post_nat_%s_ipv4_address\":\"cb0071%02x\"", key,
                         number % 256);
    else
        fl_buffer_format(out, ",\"post_nat_%s_ipv4_address\":\"203.0.113.%u\"", key,
                         number % 256);
}

static inline void put_ends(fl_buffer *out, const network *n, const flow *f)
{
    unsigned public = f->customer / 16;
    put_address(out, n, f->back ? "dst_addr" : "src_addr", f->customer, true);
    put_address(out, n, f->back ? "src_addr" : "dst_addr", f->server, false);
    fl_buffer_format(out, ",\"src_port\":%u,\"dst_port\":%u",
                     f->back ? f->service : f->port, f->back ? f->port : f->service);
    fl_buffer_format(out, ",\"in_if\":%u,\"out_if\":%u",
                     f->back ? 1 : 10 + f->customer % 7,
                     f->back ? 10 + f->customer % 7 : 1);
    if (!n->nat)
        return;
    put_public(out, n, f->back ? "dst" : "src", public);
    fl_buffer_format(out, ",\"post_nat_%s_ipv4_address\":\"198.51.%u.%u\"",
                     f->back ? "src" : "dst", f->server / 256 % 256, f->server % 256);
    fl_buffer_format(out,
                     ",\"post_napt_src_transport_port\":%u"
                     ",\"post_napt_dst_transport_port\":%u",
                     f->back ? f->service : f->public_port,
                     f->back ? f->public_port : f->service);
}

#define TIME_UNIT(ns) ((unsigned long long)(ns) / 1000000)

static inline void put_record(fl_buffer *out, const network *n, const flow *f,
                              uint64_t now, unsigned sequence)
{
    bool strange = below(16) < n->strange;
    fl_buffer_text(out,
                   below(16) < n->raw ? "{ \"type\":\"IPFIX\"" : "{\"type\":\"IPFIX\"");
    if (below(16) >= n->unreceived)
        fl_buffer_format(out, ",\"time_received_ns\":%llu", (unsigned long long)now);
    fl_buffer_format(out, ",\"sequence_num\":%u,\"sampler_address\":\"192.0.%u.%u\"",
                     sequence, f->exporter / 256, f->exporter % 256);
    fl_buffer_format(out, ",\"time_flow_start_ns\":%llu,\"time_flow_end_ns\":%llu",
                     (unsigned long long)f->start, (unsigned long long)f->end);
    fl_buffer_format(
        out, ",\"bytes\":%llu,\"packets\":%llu",
        (unsigned long long)(strange ? odd_number(64) : f->bytes),
        (unsigned long long)(strange && one_in(2) ? odd_number(64) : f->packets));
    put_ends(out, n, f);
    fl_buffer_format(out, ",\"proto\":\"%s\"", f->service == 53 ? "UDP" : "TCP");
    if (n->user_times)
        fl_buffer_format(
            out, ",\"start_ms\":%llu,\"start_ms_again\":%llu,\"end_s\":%llu",
            TIME_UNIT(f->start), TIME_UNIT(f->start), TIME_UNIT(f->end) / 1000);
    if (strange)
        fl_buffer_format(out, ",\"odd\":%llu,\"user\":\"user-%u\",\"as_path\":[%u]",
                         (unsigned long long)odd_number(64), f->customer % 50,
                         (unsigned)odd_number(32));
    fl_buffer_text(out, "}\n");
}

static inline void put_flows(fl_buffer *out, const network *n, size_t rows)
{
    uint64_t now = UINT64_C(1742058651000000000) + below(1000000000);
    unsigned sequence = (unsigned)odd_number(32);
    for (size_t row = 0; row < rows;) {
        size_t records = 1 + below(n->datagram);
        unsigned exporter = (unsigned)below(n->exporters);
        for (size_t i = 0; i < records && row < rows; i++) {
            flow f = any_flow(n, now);
            f.exporter = exporter;
            put_record(out, n, &f, now, sequence);
            row++;
            if (n->talks && row < rows && one_in(2)) {
                f.back = true;
                put_record(out, n, &f, now, sequence);
                row++;
            }
        }
        now += below(100000000);
        sequence += (unsigned)records;
    }
}

#endif
