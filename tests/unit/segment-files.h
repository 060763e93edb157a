/* Fixtures for tests that write and read segments: a file in a directory that goes away,
 * records of every kind, calls that must succeed. */
#ifndef FL_SEGMENT_FILES_H
#define FL_SEGMENT_FILES_H

#include "segment.h"
#include "segments.h"

static char directory[64];
static char path[128];

static inline void set_up(void)
{
    make_directory(directory);
    snprintf(path, sizeof path, "%s/a.seg", directory);
}

static inline void tear_down(void)
{
    remove_tree(directory);
}

static const flowan_writer_options writer_options = {
    .size = sizeof writer_options,
    .serial = 7,
    .interval_start_ns = UINT64_C(1742000000000000000),
    .interval_ns = UINT64_C(86400000000000)};

static inline flowan_writer *new_writer(void)
{
    flowan_writer *writer;
    flowan_error error;
    unlink(path);
    if (flowan_writer_open(&writer, path, &writer_options, &error) != FLOWAN_OK)
        ck_abort_msg("%s", error.message);
    return writer;
}

static inline void write_block(flowan_writer *writer, const flowan_batch *batch,
                               size_t first, size_t count, const flowan_log_state *log)
{
    flowan_error error;
    if (flowan_writer_write(writer, batch, first, count, log, &error) != FLOWAN_OK)
        ck_abort_msg("%s", error.message);
}

static inline void finish(flowan_writer *writer, const flowan_log_state *logs,
                          size_t count)
{
    flowan_error error;
    if (flowan_writer_finish(writer, logs, count, &error) != FLOWAN_OK)
        ck_abort_msg("%s", error.message);
    flowan_writer_free(writer);
}

static inline flowan_reader *open_reader(const char *name)
{
    flowan_reader *reader;
    flowan_error error;
    if (flowan_reader_open(&reader, name, &error) != FLOWAN_OK)
        ck_abort_msg("%s", error.message);
    return reader;
}

static inline void read_block(flowan_reader *reader, size_t index, flowan_batch *batch)
{
    flowan_error error;
    if (flowan_reader_read(reader, index, NULL, 0, batch, &error) != FLOWAN_OK)
        ck_abort_msg("block %zu: %s", index, error.message);
}

static inline void assert_sound(flowan_reader *reader)
{
    flowan_error error;
    size_t damaged = 99;
    if (flowan_reader_verify(reader, &damaged, &error) != FLOWAN_OK)
        ck_abort_msg("%s", error.message);
    ck_assert_uint_eq(damaged, 0);
}

/* Each kind of spelling, each type of column; the lines differ in shape. */
static const char all_kinds[] =
    "{\"type\":\"IPFIX\",\"time_received_ns\":1742058651500000000,\"sequence_num\":5,"
    "\"sampling_rate\":100,\"sampler_address\":\"192.0.2.1\","
    "\"time_flow_start_ns\":1742058600000000000,\"time_flow_end_ns\":1742058650000000000,"
    "\"bytes\":18446744073709551615,\"packets\":9223372036854775808,"
    "\"src_addr\":\"10.8.1.2\",\"src_net\":\"10.8.0.0/16\",\"dst_addr\":\"2001:db8::1\","
    "\"dst_net\":\"2001:db8::/32\",\"etype\":\"IPv4\",\"proto\":\"TCP\","
    "\"src_mac\":\"2c:c8:1b:ac:cf:81\",\"dst_mac\":\"ff:ff:ff:ff:ff:ff\","
    "\"layer_stack\":[\"Ethernet\",\"IPv4\",\"TCP\"],\"layer_size\":[14,20,20],"
    "\"mpls_ip\":[\"192.0.2.9\",\"2001:db8::9\"],\"as_path\":[],"
    "\"post_nat_src_ipv4_address\":\"c0000201\",\"icmp_name\":\"unknown\"}\n"
    "{\"type\":\"SFLOW_5\",\"time_received_ns\":\"2025-03-15T17:10:51.5Z\","
    "\"bytes\":\"17\",\"packets\":null,\"src_addr\":\"\",\"src_net\":\"invalid Prefix\","
    "\"dst_addr\":\"::ffff:192.0.2.1\",\"proto\":\"ICMPv6\",\"etype\":2048,"
    "\"post_nat_src_ipv6_address\":\"20010db8000000000000000000000001\","
    "\"new_flag\":true,\"other_flag\":false,\"new_number\":4294967296,"
    "\"new_text\":\"text\",\"new_list\":[1,2,18446744073709551615],"
    "\"new_json\":{\"a\":[1.5,-2,null]},\"new_null\":null,\"\":\"a key of no bytes\"}\n"
    "{\"bytes\":-1,\"packets\":3}\n"
    "{ \"bytes\" : 40, \"note\":\"caf\\u00e9\" }\n"
    "{\"proto\":\"unassigned\",\"src_net\":\"10.9.9.9/8\",\"bytes\":1,\"bytes\":2}\n"
    "{}\n"
    "{\"time_received_ns\":1742058652000000000,\"note\":\"\"}\n"
    "{\"Type\":\"NETFLOW_V9\",\"TimeReceived\":1742058651,\"TimeFlowStart\":1742058600,"
    "\"TimeFlowEnd\":1742058650,\"TimeFlowStartMs\":1742058600050,\"TimeFlowEndMs\":0,"
    "\"Bytes\":1500,\"SrcAddr\":\"100.64.0.7\",\"SrcNet\":15,\"Proto\":6,"
    "\"BgpNextHop\":[192,0,2,254],\"MplsLabelIp\":[192,0,2,9],\"HasMpls\":false}\n"
    "{\"bytes\":1,\"Bytes\":2,\"BgpNextHop\":[32,1,13,184,0,0,0,0,0,0,0,0,0,0,0,1],"
    "\"MplsLabelIp\":[0,0,0,0,0,0,0,0,0,0,255,255,192,0,2,9],\"NextHop\":[]}\n";

enum { ALL_KINDS_ROWS = 9 };

static inline flowan_batch *all_kinds_batch(void)
{
    flowan_batch *batch = batch_of(all_kinds, sizeof all_kinds - 1);
    ck_assert_uint_eq(flowan_batch_rows(batch), ALL_KINDS_ROWS);
    return batch;
}

/* Line `n` of a text, with its line feed. */
static inline const char *line_at(const char *text, size_t n, size_t *size)
{
    while (n-- > 0)
        text = strchr(text, '\n') + 1;
    *size = (size_t)(strchr(text, '\n') + 1 - text);
    return text;
}

static const flowan_log_state log_one = {.path = "/var/log/goflow2.json",
                                         .device = 2049,
                                         .inode = UINT64_MAX,
                                         .head_hash = 0x0123456789abcdef,
                                         .head_size = 4096,
                                         .position = {UINT64_MAX - 1, UINT64_MAX},
                                         .rows_after = UINT32_MAX};
static const flowan_log_state log_two = {.path = "", .inode = 3};

static inline void assert_log(const flowan_log_state *got, const flowan_log_state *want)
{
    ck_assert_str_eq(got->path, want->path);
    ck_assert_uint_eq(got->device, want->device);
    ck_assert_uint_eq(got->inode, want->inode);
    ck_assert_uint_eq(got->head_hash, want->head_hash);
    ck_assert_uint_eq(got->head_size, want->head_size);
    ck_assert_uint_eq(got->position.offset, want->position.offset);
    ck_assert_uint_eq(got->position.content_hash, want->position.content_hash);
    ck_assert_uint_eq(got->rows_after, want->rows_after);
}

#endif
