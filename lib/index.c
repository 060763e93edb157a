#include "index.h"

#include <string.h>
#include <xxhash.h>

#include "fuse.h"
#include "sides.h"

enum {
    ADDRESS_SIZE = 16,
    PAIR_SIZE = 24,
    /* more than the most rows that a block may have can make */
    SIZE_MAX_OF_SECTION = 16 << 20
};

uint64_t fl_index_address(const flowan_address *address)
{
    return XXH3_64bits(address->octet, ADDRESS_SIZE);
}

uint64_t fl_index_pair(const flowan_address *address, const uint32_t *port)
{
    unsigned char bytes[PAIR_SIZE];
    memcpy(bytes, address->octet, ADDRESS_SIZE);
    fl_bytes_store_word(bytes + ADDRESS_SIZE, port ? *port : UINT64_MAX);
    return XXH3_64bits(bytes, sizeof bytes);
}

bool fl_index_put(const flowan_batch *batch, size_t first, size_t count, fl_buffer *out)
{
    fl_sides sides;
    fl_fuse_keys keys = {0};
    fl_side found[FL_SIDES_MAX];
    bool sound = true;
    fl_sides_init(&sides, batch);
    for (size_t row = first; sound && row < first + count; row++) {
        size_t sides_of_row = fl_sides_of(&sides, row, found);
        for (size_t i = 0; sound && i < sides_of_row; i++) {
            const flowan_address *address = found[i].public_address;
            sound = fl_fuse_add(&keys, fl_index_address(address)) &&
                    fl_fuse_add(&keys, fl_index_pair(address, found[i].public_port));
        }
    }
    sound = sound && fl_fuse_put(&keys, out);
    fl_fuse_free(&keys);
    return sound;
}

/* A damaged or oversized filter says nothing, and nobody needs it: the block is read. */
static flowan_status ask(const flowan_reader *reader, fl_workspace *space,
                         const fl_segment_section *section, uint64_t block,
                         const uint64_t *hashes, size_t count, bool *may)
{
    fl_fuse fuse;
    if (section->size > SIZE_MAX_OF_SECTION)
        return FLOWAN_OK;
    flowan_status status = fl_reader_load(reader, &space->stored,
                                          block + section->offset, section->size, NULL);
    if (status != FLOWAN_OK)
        return status == FLOWAN_ERROR_MEMORY ? status : FLOWAN_OK;
    if (fl_segment_checksum(space->stored.data, section->size) != section->checksum ||
        !fl_fuse_get(&fuse, space->stored.data, section->size))
        return FLOWAN_OK;
    *may = false;
    for (size_t i = 0; !*may && i < count; i++)
        *may = fl_fuse_has(&fuse, hashes[i]);
    return FLOWAN_OK;
}

flowan_status fl_index_ask(const flowan_reader *reader, fl_workspace *space,
                           size_t index, const uint64_t *hashes, size_t count,
                           bool *may, uint64_t *bytes_read)
{
    uint64_t block = reader->blocks[index].offset;
    fl_segment_head head;
    *may = true;
    *bytes_read = 0;
    flowan_status status = fl_reader_head(reader, &space->head, block, &head, NULL);
    if (status != FLOWAN_OK)
        return status == FLOWAN_ERROR_MEMORY ? status : FLOWAN_OK;
    if (head.block_size == reader->blocks[index].size &&
        head.section_count > FL_SECTION_PARTS) {
        const fl_segment_section *last = &head.sections[head.section_count - 1];
        status = ask(reader, space, last, block, hashes, count, may);
        *bytes_read = head.head_size + last->size;
    }
    fl_segment_head_free(&head);
    return status;
}
