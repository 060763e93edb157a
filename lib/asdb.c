/* Layer 3: the AS number of an address and the organization of an AS number, from a
 * MaxMind DB. It decides nothing about a flow: which ASN counts is enrich's.
 *
 * libmaxminddb maps the file and walks its tree. The data records are decoded here, and
 * the metadata are looked through before the library sees them: releases in use follow
 * nested and shared values by recursion without a bound, so that a crafted file
 * overflows their stack or takes for ever. Format: MaxMind DB File Format Specification
 * 2.0. */
#include "flowan/asdb.h"

#include <errno.h>
#include <fcntl.h>
#include <maxminddb.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "memory.h"
#include "status.h"

#define CACHE_BITS 16
#define NAME_LIMIT 4096
/* For all names together: a hundred times what the whole Internet needs. */
#define NAMES_LIMIT ((size_t)256 << 20)
/* Values looked at in one data record, nested ones too; real ones have two or three. */
#define RECORD_LIMIT 1024
/* The format's own bound on the metadata, and ours on maps and arrays in them. */
#define METADATA_SIZE ((size_t)128 << 10)
#define METADATA_CONTAINERS 256

struct cached {
    flowan_address address;
    uint32_t asn;
    bool is_set;
};

struct name {
    uint32_t asn;
    uint32_t order;
    size_t at; /* in name_texts */
};

struct flowan_asdb {
    MMDB_s mmdb;
    bool is_open;
    struct cached *cache;
    bool names_known;
    struct name *names; /* sorted by ASN, one each */
    size_t name_count;
    size_t name_capacity;
    fl_buffer name_texts; /* NUL-terminated */
};

/* --- decoding --- */

/* A data section. Offsets in it are 32 bits wide in the library. */
struct section {
    const uint8_t *data;
    uint32_t size;
};

struct value {
    unsigned type; /* MMDB_DATA_TYPE_... */
    uint32_t size; /* of the payload; pairs of a map, items of an array */
    uint32_t at;   /* of the payload or first item; where a pointer points */
    uint32_t next; /* behind this value; of a map or array: `at` */
};

static bool take_bytes(const struct section *section, uint32_t *at, unsigned count,
                       uint32_t *number)
{
    if (section->size - *at < count)
        return false;
    *number = 0;
    for (unsigned i = 0; i < count; i++)
        *number = *number << 8 | section->data[(*at)++];
    return true;
}

static bool read_pointer(const struct section *section, uint32_t at, unsigned control,
                         struct value *value)
{
    static const uint32_t base[] = {0, 2048, 526336, 0};
    unsigned width = control >> 3 & 3;
    uint32_t number;
    if (!take_bytes(section, &at, width + 1, &number))
        return false;
    if (width < 3)
        number += ((control & 7u) << (8 * (width + 1))) + base[width];
    *value = (struct value){MMDB_DATA_TYPE_POINTER, 0, number, at};
    return true;
}

static bool has_payload(unsigned type)
{
    return type != MMDB_DATA_TYPE_MAP && type != MMDB_DATA_TYPE_ARRAY &&
           type != MMDB_DATA_TYPE_BOOLEAN;
}

/* The value at `at`, not following a pointer. */
static bool read_value(const struct section *section, uint32_t at, struct value *value)
{
    static const uint32_t base[] = {29, 285, 65821};
    uint32_t control, number;
    if (at > section->size || !take_bytes(section, &at, 1, &control))
        return false;
    unsigned type = control >> 5;
    if (type == MMDB_DATA_TYPE_POINTER)
        return read_pointer(section, at, control, value);
    if (type == MMDB_DATA_TYPE_EXTENDED) {
        if (!take_bytes(section, &at, 1, &number))
            return false;
        type = number + 7;
        if (type <= MMDB_DATA_TYPE_MAP || type > MMDB_DATA_TYPE_FLOAT ||
            type == MMDB_DATA_TYPE_CONTAINER || type == MMDB_DATA_TYPE_END_MARKER)
            return false;
    }
    uint32_t size = control & 31;
    if (size >= 29) {
        unsigned width = size - 28;
        if (!take_bytes(section, &at, width, &number))
            return false;
        size = base[width - 1] + number;
    }
    uint32_t payload = has_payload(type) ? size : 0;
    if (section->size - at < payload)
        return false;
    *value = (struct value){type, size, at, at + payload};
    return true;
}

/* The value at `at`, or the one that it points to; `next` stays here. */
static bool read_target(const struct section *section, uint32_t at, struct value *value)
{
    if (!read_value(section, at, value))
        return false;
    if (value->type != MMDB_DATA_TYPE_POINTER)
        return true;
    uint32_t next = value->next;
    if (!read_value(section, value->at, value) || value->type == MMDB_DATA_TYPE_POINTER)
        return false;
    value->next = next;
    return true;
}

static bool is_container(const struct value *value)
{
    return value->type == MMDB_DATA_TYPE_MAP || value->type == MMDB_DATA_TYPE_ARRAY;
}

/* Values that a value has directly inside it. */
static uint64_t value_items(const struct value *value)
{
    if (!is_container(value))
        return 0;
    return value->type == MMDB_DATA_TYPE_MAP ? 2 * (uint64_t)value->size : value->size;
}

/* Moves *at behind the value there, with all that is nested in it. */
static bool skip_value(const struct section *section, uint32_t *at, unsigned *budget)
{
    uint64_t open = 1;
    while (open > 0) {
        struct value value;
        if ((*budget)-- == 0 || !read_value(section, *at, &value)) {
            *budget = 0;
            return false;
        }
        open += value_items(&value) - 1;
        *at = value.next;
    }
    return true;
}

/* What a data record says. */
struct record {
    bool has_asn;
    uint32_t asn;
    const uint8_t *name; /* NULL when there is none */
    uint32_t name_size;
};

static bool is_text(const struct section *section, const struct value *value,
                    const char *text)
{
    size_t size = strlen(text);
    return value->size == size && memcmp(section->data + value->at, text, size) == 0;
}

static void take_asn(const struct section *section, const struct value *value,
                     struct record *record)
{
    bool is_number = value->type == MMDB_DATA_TYPE_UINT16 ||
                     value->type == MMDB_DATA_TYPE_UINT32 ||
                     value->type == MMDB_DATA_TYPE_UINT64;
    if (!is_number || value->size > 8)
        return;
    uint64_t number = 0;
    for (uint32_t i = 0; i < value->size; i++)
        number = number << 8 | section->data[value->at + i];
    if (number > UINT32_MAX)
        return;
    record->has_asn = true;
    record->asn = (uint32_t)number;
}

static void take_name(const struct section *section, const struct value *value,
                      struct record *record)
{
    if (value->type != MMDB_DATA_TYPE_UTF8_STRING || value->size > NAME_LIMIT)
        return;
    record->name = section->data + value->at;
    record->name_size = value->size;
}

/* False when the record is damaged; what was found before the damage stays found. */
static bool read_record(const struct section *section, uint32_t offset,
                        struct record *record)
{
    *record = (struct record){0};
    struct value map;
    if (!read_target(section, offset, &map) || map.type != MMDB_DATA_TYPE_MAP)
        return false;
    unsigned budget = RECORD_LIMIT;
    uint32_t at = map.at;
    for (uint32_t i = 0; i < map.size; i++) {
        struct value key, value;
        if (!read_target(section, at, &key) || key.type != MMDB_DATA_TYPE_UTF8_STRING)
            return false;
        at = key.next;
        bool is_asn =
            !record->has_asn && is_text(section, &key, "autonomous_system_number");
        bool is_name =
            !record->name && is_text(section, &key, "autonomous_system_organization");
        if ((is_asn || is_name) && !read_target(section, at, &value))
            return false;
        if (is_asn)
            take_asn(section, &value, record);
        if (is_name)
            take_name(section, &value, record);
        if (!skip_value(section, &at, &budget))
            return false;
    }
    return true;
}

static struct section data_of(const flowan_asdb *asdb)
{
    return (struct section){asdb->mmdb.data_section, asdb->mmdb.data_section_size};
}

/* --- the whole tree --- */

typedef bool (*visit_function)(flowan_asdb *asdb, uint32_t data_offset, void *context);

/* A search node, or a data record, that the walk has still to see. */
struct branch {
    uint32_t number;
    bool is_data;
    uint8_t depth;
};

/* True the first time that it is asked for this bit. */
static bool set_bit(uint8_t *bits, uint32_t size, uint32_t bit)
{
    uint8_t mask = (uint8_t)(1u << bit % 8);
    if (bit >= size || bits[bit / 8] & mask)
        return false;
    bits[bit / 8] |= mask;
    return true;
}

static void push_branch(struct branch *stack, size_t *count, uint8_t type,
                        uint64_t record, uint32_t data_offset, unsigned depth)
{
    if (type == MMDB_RECORD_TYPE_SEARCH_NODE && depth < 128)
        stack[(*count)++] = (struct branch){(uint32_t)record, false, (uint8_t)depth};
    else if (type == MMDB_RECORD_TYPE_DATA)
        stack[(*count)++] = (struct branch){data_offset, true, 0};
}

/* Shows each distinct data offset once, by its lowest address, until `visit` returns
 * false. Trees share branches (IPv4 hangs in an IPv6 tree several times), and a damaged
 * one has cycles: no node is entered twice. False when memory is short. */
static bool walk_tree(flowan_asdb *asdb, visit_function visit, void *context)
{
    uint32_t node_count = asdb->mmdb.metadata.node_count;
    uint32_t data_size = asdb->mmdb.data_section_size;
    uint8_t *nodes_seen = fl_memory_zalloc((size_t)node_count / 8 + 1, 1);
    uint8_t *data_seen = fl_memory_zalloc((size_t)data_size / 8 + 1, 1);
    bool done = nodes_seen && data_seen;
    /* A step down takes one branch away and adds two. */
    struct branch stack[130] = {{0, false, 0}};
    size_t count = done ? 1 : 0;
    while (count > 0) {
        struct branch branch = stack[--count];
        if (branch.is_data) {
            if (set_bit(data_seen, data_size, branch.number) &&
                !visit(asdb, branch.number, context))
                break;
            continue;
        }
        MMDB_search_node_s node;
        if (!set_bit(nodes_seen, node_count, branch.number) ||
            MMDB_read_node(&asdb->mmdb, branch.number, &node) != MMDB_SUCCESS)
            continue;
        unsigned depth = branch.depth + 1u;
        push_branch(stack, &count, node.right_record_type, node.right_record,
                    node.right_record_entry.offset, depth);
        push_branch(stack, &count, node.left_record_type, node.left_record,
                    node.left_record_entry.offset, depth);
    }
    fl_memory_free(nodes_seen);
    fl_memory_free(data_seen);
    return done;
}

/* --- opening --- */

static flowan_status fail_format(flowan_error *error, const char *path, const char *why)
{
    return fl_status_fail(error, FLOWAN_ERROR_FORMAT, FL_NO_OFFSET,
                          "%s is not a usable ASN database: %s", path, why);
}

/* Few containers, and pointers to plain values only: then nothing that reads the
 * metadata recursively gets deep, or sees a value more often than it is there. */
static bool metadata_are_plain(const struct section *section)
{
    uint64_t open = 1;
    uint32_t at = 0;
    unsigned containers = 0;
    while (open > 0) {
        struct value value, target;
        if (!read_value(section, at, &value) || !read_target(section, at, &target))
            return false;
        if (value.type == MMDB_DATA_TYPE_POINTER && is_container(&target))
            return false;
        if (is_container(&value) && ++containers > METADATA_CONTAINERS)
            return false;
        open += value_items(&value) - 1;
        at = value.next;
    }
    return true;
}

static flowan_status check_metadata(const uint8_t *tail, size_t size, const char *path,
                                    flowan_error *error)
{
    static const char marker[] = "\xab\xcd\xefMaxMind.com";
    size_t length = sizeof marker - 1;
    for (size_t at = size; at >= length; at--) {
        if (memcmp(tail + at - length, marker, length) != 0)
            continue;
        struct section section = {tail + at, (uint32_t)(size - at)};
        if (!metadata_are_plain(&section))
            return fail_format(error, path, "its metadata are damaged");
        return FLOWAN_OK;
    }
    return fail_format(
        error, path,
        "no MaxMind DB metadata at its end, so another format or truncated");
}

static flowan_status read_at(int fd, uint8_t *to, size_t size, off_t offset,
                             const char *path, flowan_error *error)
{
    while (size > 0) {
        ssize_t got = pread(fd, to, size, offset);
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0)
            return fl_status_errno(error, errno, "read", path);
        if (got == 0)
            return fail_format(error, path, "it is being cut short");
        to += got;
        size -= (size_t)got;
        offset += got;
    }
    return FLOWAN_OK;
}

/* All that can be told before the library reads the file. */
static flowan_status check_file(const char *path, flowan_error *error)
{
    /* O_NONBLOCK: a FIFO must not hold us up before we see that it is one. */
    int fd;
    do
        fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
    while (fd < 0 && errno == EINTR);
    if (fd < 0)
        return fl_status_errno(error, errno, "open", path);
    uint8_t *tail = NULL;
    struct stat about;
    flowan_status status;
    if (fstat(fd, &about) != 0) {
        status = fl_status_errno(error, errno, "read", path);
        goto out;
    }
    if (!S_ISREG(about.st_mode)) {
        status = fl_status_fail(error, FLOWAN_ERROR_IO, FL_NO_OFFSET,
                                "cannot read %s: it is not a regular file", path);
        goto out;
    }
    size_t size =
        (uint64_t)about.st_size < METADATA_SIZE ? (size_t)about.st_size : METADATA_SIZE;
    tail = fl_memory_alloc(size, 1);
    if (!tail) {
        status = fl_status_memory(error);
        goto out;
    }
    status = read_at(fd, tail, size, about.st_size - (off_t)size, path, error);
    if (status >= 0)
        status = check_metadata(tail, size, path, error);
out:
    fl_memory_free(tail);
    close(fd);
    return status;
}

static flowan_status open_library(flowan_asdb *asdb, const char *path,
                                  flowan_error *error)
{
    int result = MMDB_open(path, MMDB_MODE_MMAP, &asdb->mmdb);
    asdb->is_open = result == MMDB_SUCCESS;
    if (result == MMDB_SUCCESS)
        return FLOWAN_OK;
    if (result == MMDB_OUT_OF_MEMORY_ERROR)
        return fl_status_memory(error);
    return fail_format(error, path, MMDB_strerror(result));
}

struct first {
    bool is_seen;
    bool has_asn;
};

static bool visit_first(flowan_asdb *asdb, uint32_t data_offset, void *context)
{
    struct first *first = context;
    struct section section = data_of(asdb);
    struct record record;
    read_record(&section, data_offset, &record);
    first->is_seen = true;
    first->has_asn = record.has_asn;
    return false;
}

static flowan_status check_kind(flowan_asdb *asdb, const char *path,
                                flowan_error *error)
{
    struct first first = {false, false};
    if (!walk_tree(asdb, visit_first, &first))
        return fl_status_memory(error);
    if (!first.is_seen)
        return fail_format(error, path, "it has no data");
    if (first.has_asn)
        return FLOWAN_OK;
    const char *type = asdb->mmdb.metadata.database_type;
    return fl_status_fail(error, FLOWAN_ERROR_FORMAT, FL_NO_OFFSET,
                          "%s is not a usable ASN database: its type is \"%.80s\", and "
                          "its first record has no autonomous_system_number",
                          path, type ? type : "");
}

/* --- look-up --- */

static uint32_t find_asn(flowan_asdb *asdb, const flowan_address *address)
{
    static const uint8_t mapped[12] = {[10] = 0xff, [11] = 0xff};
    static const uint8_t nat64[12] = {0x00, 0x64, 0xff, 0x9b};
    struct sockaddr_in ipv4 = {.sin_family = AF_INET};
    struct sockaddr_in6 ipv6 = {.sin6_family = AF_INET6};
    memcpy(&ipv4.sin_addr, address->octet + 12, 4);
    memcpy(&ipv6.sin6_addr, address->octet, 16);
    bool is_ipv4 = memcmp(address->octet, mapped, sizeof mapped) == 0 ||
                   memcmp(address->octet, nat64, sizeof nat64) == 0;
    const void *socket_address = is_ipv4 ? (const void *)&ipv4 : (const void *)&ipv6;
    int failed = MMDB_SUCCESS;
    MMDB_lookup_result_s found =
        MMDB_lookup_sockaddr(&asdb->mmdb, socket_address, &failed);
    if (failed != MMDB_SUCCESS || !found.found_entry)
        return 0;
    struct section section = data_of(asdb);
    struct record record;
    read_record(&section, found.entry.offset, &record);
    return record.asn;
}

/* --- names --- */

static bool visit_name(flowan_asdb *asdb, uint32_t data_offset, void *context)
{
    (void)context;
    struct section section = data_of(asdb);
    struct record record;
    read_record(&section, data_offset, &record);
    if (record.asn == 0 || !record.name || record.name_size == 0)
        return true;
    fl_buffer *texts = &asdb->name_texts;
    struct name name = {record.asn, (uint32_t)asdb->name_count, texts->size};
    size_t cost = texts->size + record.name_size + asdb->name_count * sizeof name;
    if (cost > NAMES_LIMIT || !fl_buffer_reserve(texts, (size_t)record.name_size + 1) ||
        !fl_memory_grow((void **)&asdb->names, &asdb->name_capacity,
                        asdb->name_count + 1, sizeof *asdb->names))
        return false;
    fl_buffer_append(texts, record.name, record.name_size);
    fl_buffer_byte(texts, '\0');
    asdb->names[asdb->name_count++] = name;
    return true;
}

static int by_asn(const void *a, const void *b)
{
    const struct name *x = a, *y = b;
    if (x->asn != y->asn)
        return x->asn < y->asn ? -1 : 1;
    return (x->order > y->order) - (x->order < y->order);
}

static void learn_names(flowan_asdb *asdb)
{
    asdb->names_known = true;
    walk_tree(asdb, visit_name, NULL);
    if (asdb->name_count == 0)
        return;
    qsort(asdb->names, asdb->name_count, sizeof *asdb->names, by_asn);
    size_t kept = 1;
    for (size_t i = 1; i < asdb->name_count; i++)
        if (asdb->names[i].asn != asdb->names[kept - 1].asn)
            asdb->names[kept++] = asdb->names[i];
    asdb->name_count = kept;
}

/* --- public --- */

flowan_status flowan_asdb_open(flowan_asdb **out, const char *path, flowan_error *error)
{
    *out = NULL;
    flowan_status status = check_file(path, error);
    if (status < 0)
        return status;
    flowan_asdb *asdb = fl_memory_zalloc(1, sizeof *asdb);
    if (asdb)
        asdb->cache = fl_memory_zalloc((size_t)1 << CACHE_BITS, sizeof *asdb->cache);
    if (!asdb || !asdb->cache)
        status = fl_status_memory(error);
    if (status >= 0)
        status = open_library(asdb, path, error);
    if (status >= 0)
        status = check_kind(asdb, path, error);
    if (status < 0)
        flowan_asdb_free(asdb);
    else
        *out = asdb;
    return status;
}

void flowan_asdb_free(flowan_asdb *asdb)
{
    if (!asdb)
        return;
    if (asdb->is_open)
        MMDB_close(&asdb->mmdb);
    fl_memory_free(asdb->cache);
    fl_memory_free(asdb->names);
    fl_buffer_free(&asdb->name_texts);
    fl_memory_free(asdb);
}

uint32_t flowan_asdb_lookup(flowan_asdb *asdb, const flowan_address *address)
{
    uint64_t high, low;
    memcpy(&high, address->octet, 8);
    memcpy(&low, address->octet + 8, 8);
    uint64_t hash = high * 0x9e3779b97f4a7c15u ^ low;
    hash = (hash ^ hash >> 32) * 0xd6e8feb86659fd93u;
    struct cached *cached = &asdb->cache[hash >> (64 - CACHE_BITS)];
    if (!cached->is_set || memcmp(&cached->address, address, sizeof *address) != 0)
        *cached = (struct cached){*address, find_asn(asdb, address), true};
    return cached->asn;
}

const char *flowan_asdb_name(flowan_asdb *asdb, uint32_t asn)
{
    if (!asdb->names_known)
        learn_names(asdb);
    size_t first = 0, end = asdb->name_count;
    while (first < end) {
        size_t middle = first + (end - first) / 2;
        if (asdb->names[middle].asn < asn)
            first = middle + 1;
        else
            end = middle;
    }
    if (first == asdb->name_count || asdb->names[first].asn != asn)
        return "";
    return asdb->name_texts.data + asdb->names[first].at;
}
