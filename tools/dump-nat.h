/* The options of flowan-dump --nat: who had a public address? */
#ifndef DUMP_NAT_H
#define DUMP_NAT_H

#include "cli.h"

/* What getopt_long gives for them: all from DUMP_NAT on. */
enum {
    DUMP_NAT = 640,
    DUMP_NAT_ADDRESS = DUMP_NAT,
    DUMP_NAT_AT,
    DUMP_NAT_SKEW,
    DUMP_NAT_GAP
};

/* Zeroed is none of them. */
typedef struct dump_nat {
    const char *given; /* the first of them that was named; NULL: none */
    bool has_address;
    flowan_address address;
    bool has_port;
    uint32_t port;
    bool has_at;
    uint64_t at_ns;
    bool has_skew;
    uint64_t skew_ns;
    uint64_t gap_ns; /* 0: the usual */
} dump_nat;

/* Takes one of the options; false with a message. */
bool dump_nat_take(dump_nat *nat, int option, const char *value);

/* Whether they make a question together; false with a message. */
bool dump_nat_check(const dump_nat *nat, const cli_window *window);

#endif
