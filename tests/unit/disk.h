/* A disk under the library, for tests: the linker sends its system calls through the
 * wrappers here. They let the n-th fail, and they keep a journal of what was done below a
 * directory, from which disk_cut makes what a power cut could have left of it.
 *
 * The disk is as mean as POSIX lets it be. What was written lasts only behind an fsync of
 * the file, a name only behind an fsync of the directory that it is in. Before that a
 * write may be on disk in part, by sectors of 512 bytes, or not at all, a later one
 * without an earlier one; a file may have its size but zeros or rubbish in it; names may
 * have changed or not, in any order. Only that a rename is done wholly or not is relied
 * on. What was waiting when an fsync failed never gets there, though it can be read. */
#ifndef FL_DISK_H
#define FL_DISK_H

#include <check.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "memory.h"

enum { DISK_FDS = 256, DISK_PATH = 160, DISK_SECTOR = 512 };

typedef enum disk_kind {
    DISK_OPEN,
    DISK_WRITE,
    DISK_TRUNCATE,
    DISK_SYNC,
    DISK_MKDIR,
    DISK_RENAME,
    DISK_UNLINK,
    DISK_LINK,
    DISK_READ,
    /* only in the journal */
    DISK_SYNC_DIRECTORY,
    DISK_SYNC_FAILED,
    DISK_ACKNOWLEDGED
} disk_kind;

typedef struct disk_op {
    disk_kind kind;
    int file;
    uint64_t offset; /* or the size that a file is cut to */
    size_t size;
    char *data;
    char path[DISK_PATH]; /* below the root */
    char to[DISK_PATH];
    size_t acknowledged; /* records that a sync or a note made sure of */
} disk_op;

/* What fails: the n-th call, counted from 0. */
typedef enum disk_fault {
    FAULT_NONE,
    FAULT_ONCE,
    FAULT_ON,         /* and all of its kind that follow */
    FAULT_DEAD,       /* and all that follow, as if the process were killed */
    FAULT_SHORT,      /* a write takes a half, and those behind it nothing */
    FAULT_SHORT_ONCE, /* a write takes a half, which is nothing wrong */
    FAULT_READ,       /* the n-th read, reads being counted by themselves */
    FAULTS
} disk_fault;

typedef struct disk_file {
    ino_t inode; /* the latest of this number counts */
    fl_buffer base;
} disk_file;

typedef struct disk_journal {
    disk_op *ops;
    size_t op_count;
    size_t ops_room;
    disk_file *files;
    size_t file_count;
    size_t files_room;
    disk_op *base; /* names at the beginning: MKDIR or LINK */
    size_t base_count;
    size_t base_room;
} disk_journal;

static struct {
    char root[64];
    bool on;
    /* faults */
    disk_fault fault;
    size_t fails_at;
    int number;
    size_t calls;
    size_t reads;
    bool failed;
    disk_kind failed_kind;
    char failed_call[DISK_PATH + 16]; /* the first */
    /* journal */
    bool records;
    disk_journal journal;
    size_t written; /* records of calls that returned, but are perhaps not on disk */
    struct {
        bool used;
        bool is_directory;
        int file;
        char path[DISK_PATH];
    } fds[DISK_FDS];
} disk;

int __real_open(const char *path, int flags, ...);
int __real_close(int fd);
ssize_t __real_write(int fd, const void *data, size_t size);
ssize_t __real_pread(int fd, void *data, size_t size, off_t offset);
ssize_t __wrap_pread(int fd, void *data, size_t size, off_t offset);
ssize_t __wrap_pread64(int fd, void *data, size_t size, off_t offset);
ssize_t __real_pwrite(int fd, const void *data, size_t size, off_t offset);
int __real_rename(const char *from, const char *to);
int __real_mkdir(const char *path, mode_t mode);
int __real_unlink(const char *path);
int __real_link(const char *from, const char *to);
int __real_ftruncate(int fd, off_t size);
int __wrap_open(const char *path, int flags, ...);
int __wrap_open64(const char *path, int flags, ...);
int __wrap_close(int fd);
ssize_t __wrap_write(int fd, const void *data, size_t size);
ssize_t __wrap_pwrite(int fd, const void *data, size_t size, off_t offset);
ssize_t __wrap_pwrite64(int fd, const void *data, size_t size, off_t offset);
int __wrap_fsync(int fd);
int __wrap_fdatasync(int fd);
int __wrap_rename(const char *from, const char *to);
int __wrap_mkdir(const char *path, mode_t mode);
int __wrap_unlink(const char *path);
int __wrap_link(const char *from, const char *to);
int __wrap_ftruncate(int fd, off_t size);
int __wrap_ftruncate64(int fd, off_t size);

/* --- paths, descriptors, faults --- */

/* The path below the root ("" for itself), or NULL: not ours. */
static inline const char *disk_below(const char *path)
{
    size_t size = strlen(disk.root);
    if (!disk.on || strncmp(path, disk.root, size) != 0)
        return NULL;
    return path[size] == 0 ? path + size : path[size] == '/' ? path + size + 1 : NULL;
}

static inline bool disk_has(int fd)
{
    return disk.on && fd >= 0 && fd < DISK_FDS && disk.fds[fd].used;
}

static inline void disk_failed_at(disk_kind kind, const char *path)
{
    static const char *const names[] = {"open",   "write", "ftruncate",
                                        "fsync",  "mkdir", "rename",
                                        "unlink", "link",  "read"};
    if (!disk.failed)
        snprintf(disk.failed_call, sizeof disk.failed_call, "%s %s", names[kind], path);
    disk.failed = true;
    disk.failed_kind = kind;
}

/* Counts a call; true, with errno set, when it is to fail. */
static inline bool disk_fails(disk_kind kind, const char *path)
{
    size_t n = disk.calls++;
    if (disk.fault != FAULT_ONCE && disk.fault != FAULT_ON && disk.fault != FAULT_DEAD)
        return false;
    bool fails = n == disk.fails_at;
    if (disk.failed)
        fails = disk.fault == FAULT_DEAD ||
                (disk.fault == FAULT_ON && kind == disk.failed_kind);
    if (fails) {
        disk_failed_at(kind, path);
        errno = disk.number;
    }
    return fails;
}

/* How much of a write is taken: all, a part, or nothing with errno set. */
static inline size_t disk_takes(size_t size, const char *path)
{
    size_t n = disk.calls;
    if (disk_fails(DISK_WRITE, path))
        return 0;
    if (disk.fault == FAULT_SHORT && disk.failed) {
        errno = disk.number;
        return 0;
    }
    if ((disk.fault == FAULT_SHORT || disk.fault == FAULT_SHORT_ONCE) &&
        n == disk.fails_at && size > 1) {
        disk_failed_at(DISK_WRITE, path);
        return size / 2;
    }
    return size;
}

static inline disk_op *disk_note(disk_kind kind, const char *path)
{
    static disk_op unwanted;
    if (!disk.records)
        return &unwanted;
    ck_assert(fl_memory_grow((void **)&disk.journal.ops, &disk.journal.ops_room,
                             disk.journal.op_count + 1, sizeof *disk.journal.ops));
    disk_op *op = &disk.journal.ops[disk.journal.op_count++];
    *op = (disk_op){.kind = kind};
    snprintf(op->path, sizeof op->path, "%s", path);
    return op;
}

/* The records that were written are now promised to be there. */
static inline void disk_acknowledge(void)
{
    disk_note(DISK_ACKNOWLEDGED, "")->acknowledged = disk.written;
}

static inline int disk_new_file(ino_t inode)
{
    ck_assert(fl_memory_grow((void **)&disk.journal.files, &disk.journal.files_room,
                             disk.journal.file_count + 1, sizeof *disk.journal.files));
    disk.journal.files[disk.journal.file_count] = (disk_file){.inode = inode};
    return (int)disk.journal.file_count++;
}

static inline int disk_file_of(ino_t inode)
{
    for (size_t i = disk.journal.file_count; i-- > 0;)
        if (disk.journal.files[i].inode == inode)
            return (int)i;
    return disk_new_file(inode);
}

static inline int disk_file_at(const char *path)
{
    struct stat info;
    return stat(path, &info) == 0 ? disk_file_of(info.st_ino) : -1;
}

/* --- the wrappers --- */

static inline int disk_open(const char *path, int flags, mode_t mode)
{
    const char *below = disk_below(path);
    if (!below)
        return __real_open(path, flags, mode);
    if (disk_fails(DISK_OPEN, below))
        return -1;
    struct stat info;
    bool is_new = stat(path, &info) != 0;
    int fd = __real_open(path, flags, mode);
    if (fd < 0)
        return -1;
    ck_assert_int_lt(fd, DISK_FDS);
    ck_assert_int_eq(fstat(fd, &info), 0);
    disk.fds[fd].used = true;
    disk.fds[fd].is_directory = S_ISDIR(info.st_mode);
    snprintf(disk.fds[fd].path, DISK_PATH, "%s", below);
    if (S_ISDIR(info.st_mode))
        return fd;
    int file = is_new ? disk_new_file(info.st_ino) : disk_file_of(info.st_ino);
    disk.fds[fd].file = file;
    if (is_new)
        disk_note(DISK_LINK, below)->file = file;
    else if (flags & O_TRUNC)
        disk_note(DISK_TRUNCATE, below)->file = file;
    return fd;
}

int __wrap_open(const char *path, int flags, ...)
{
    va_list rest;
    va_start(rest, flags);
    mode_t mode = flags & O_CREAT ? va_arg(rest, mode_t) : 0;
    va_end(rest);
    return disk_open(path, flags, mode);
}

int __wrap_open64(const char *path, int flags, ...)
{
    va_list rest;
    va_start(rest, flags);
    mode_t mode = flags & O_CREAT ? va_arg(rest, mode_t) : 0;
    va_end(rest);
    return disk_open(path, flags, mode);
}

int __wrap_close(int fd)
{
    if (fd >= 0 && fd < DISK_FDS)
        disk.fds[fd].used = false;
    return __real_close(fd);
}

static inline void disk_wrote(int fd, const void *data, ssize_t size, off_t offset)
{
    if (size <= 0 || !disk.records)
        return;
    disk_op *op = disk_note(DISK_WRITE, disk.fds[fd].path);
    op->file = disk.fds[fd].file;
    op->offset = (uint64_t)offset;
    op->size = (size_t)size;
    op->data = fl_memory_alloc((size_t)size, 1);
    ck_assert_ptr_nonnull(op->data);
    memcpy(op->data, data, (size_t)size);
}

ssize_t __wrap_write(int fd, const void *data, size_t size)
{
    if (!disk_has(fd))
        return __real_write(fd, data, size);
    size_t takes = disk_takes(size, disk.fds[fd].path);
    if (takes == 0 && size > 0)
        return -1;
    off_t offset = lseek(fd, 0, SEEK_CUR);
    ssize_t done = __real_write(fd, data, takes);
    disk_wrote(fd, data, done, offset);
    return done;
}

ssize_t __wrap_pread(int fd, void *data, size_t size, off_t offset)
{
    if (disk_has(fd) && disk.fault == FAULT_READ && disk.reads++ == disk.fails_at) {
        disk_failed_at(DISK_READ, disk.fds[fd].path);
        errno = disk.number;
        return -1;
    }
    return __real_pread(fd, data, size, offset);
}

ssize_t __wrap_pread64(int fd, void *data, size_t size, off_t offset)
{
    return __wrap_pread(fd, data, size, offset);
}

ssize_t __wrap_pwrite(int fd, const void *data, size_t size, off_t offset)
{
    if (!disk_has(fd))
        return __real_pwrite(fd, data, size, offset);
    size_t takes = disk_takes(size, disk.fds[fd].path);
    if (takes == 0 && size > 0)
        return -1;
    ssize_t done = __real_pwrite(fd, data, takes, offset);
    disk_wrote(fd, data, done, offset);
    return done;
}

ssize_t __wrap_pwrite64(int fd, const void *data, size_t size, off_t offset)
{
    return __wrap_pwrite(fd, data, size, offset);
}

/* Real ones would only be slow. */
int __wrap_fsync(int fd)
{
    if (!disk_has(fd))
        return 0;
    bool fails = disk_fails(DISK_SYNC, disk.fds[fd].path);
    int number = errno;
    const char *path = disk.fds[fd].path;
    size_t size = strlen(path);
    if (disk.fds[fd].is_directory) {
        if (!fails)
            disk_note(DISK_SYNC_DIRECTORY, path);
    } else {
        bool dead = fails && disk.fault == FAULT_DEAD;
        disk_kind kind = fails ? DISK_SYNC_FAILED : DISK_SYNC;
        disk_op *op = disk_note(dead ? DISK_ACKNOWLEDGED : kind, path);
        op->file = disk.fds[fd].file;
        /* blocks are readable from here: the promise of a segment that is open */
        if (!fails && size > 5 && strcmp(path + size - 5, ".open") == 0)
            op->acknowledged = disk.written;
    }
    errno = number;
    return fails ? -1 : 0;
}

int __wrap_fdatasync(int fd)
{
    return __wrap_fsync(fd);
}

int __wrap_rename(const char *from, const char *to)
{
    const char *below = disk_below(from);
    if (!below)
        return __real_rename(from, to);
    if (disk_fails(DISK_RENAME, below))
        return -1;
    int file = disk_file_at(from);
    int result = __real_rename(from, to);
    if (result == 0) {
        disk_op *op = disk_note(DISK_RENAME, below);
        op->file = file;
        snprintf(op->to, sizeof op->to, "%s", disk_below(to));
    }
    return result;
}

int __wrap_link(const char *from, const char *to)
{
    if (!disk_below(from))
        return __real_link(from, to);
    if (disk_fails(DISK_LINK, disk_below(from)))
        return -1;
    int result = __real_link(from, to);
    if (result == 0)
        disk_note(DISK_LINK, disk_below(to))->file = disk_file_at(to);
    return result;
}

int __wrap_mkdir(const char *path, mode_t mode)
{
    const char *below = disk_below(path);
    if (!below)
        return __real_mkdir(path, mode);
    if (disk_fails(DISK_MKDIR, below))
        return -1;
    int result = __real_mkdir(path, mode);
    if (result == 0)
        disk_note(DISK_MKDIR, below);
    return result;
}

int __wrap_unlink(const char *path)
{
    const char *below = disk_below(path);
    if (!below)
        return __real_unlink(path);
    if (disk_fails(DISK_UNLINK, below))
        return -1;
    int result = __real_unlink(path);
    if (result == 0)
        disk_note(DISK_UNLINK, below);
    return result;
}

int __wrap_ftruncate(int fd, off_t size)
{
    if (!disk_has(fd))
        return __real_ftruncate(fd, size);
    if (disk_fails(DISK_TRUNCATE, disk.fds[fd].path))
        return -1;
    int result = __real_ftruncate(fd, size);
    if (result == 0) {
        disk_op *op = disk_note(DISK_TRUNCATE, disk.fds[fd].path);
        op->file = disk.fds[fd].file;
        op->offset = (uint64_t)size;
    }
    return result;
}

int __wrap_ftruncate64(int fd, off_t size)
{
    return __wrap_ftruncate(fd, size);
}

/* --- beginning and ending --- */

static inline void disk_forget(void)
{
    for (size_t i = 0; i < disk.journal.op_count; i++)
        fl_memory_free(disk.journal.ops[i].data);
    for (size_t i = 0; i < disk.journal.file_count; i++)
        fl_buffer_free(&disk.journal.files[i].base);
    disk.journal.op_count = disk.journal.file_count = disk.journal.base_count = 0;
    disk.records = false;
}

/* Another journal can be kept until this one comes back. */
static inline disk_journal disk_put_by(void)
{
    disk_journal journal = disk.journal;
    disk.journal = (disk_journal){0};
    disk.records = false;
    return journal;
}

static inline void disk_take_back(const disk_journal *journal)
{
    disk_forget();
    fl_memory_free(disk.journal.ops);
    fl_memory_free(disk.journal.files);
    fl_memory_free(disk.journal.base);
    disk.journal = *journal;
}

static inline void system_begins(const char *directory)
{
    disk_forget();
    snprintf(disk.root, sizeof disk.root, "%s", directory);
    disk.fault = FAULT_NONE;
    disk.written = 0;
    disk.on = true;
}

static inline void system_ends(void)
{
    disk_forget();
    fl_memory_free(disk.journal.ops);
    fl_memory_free(disk.journal.files);
    fl_memory_free(disk.journal.base);
    memset(&disk, 0, sizeof disk);
}

/* The next calls of the system are counted from 0, and one of them fails. */
static inline void disk_breaks(disk_fault fault, size_t n, int number)
{
    disk.fault = fault;
    disk.fails_at = n;
    disk.number = number;
    disk.calls = disk.reads = 0;
    disk.failed = false;
    disk.failed_call[0] = 0;
}

static inline void disk_mends(void)
{
    disk.fault = FAULT_NONE;
}

static inline void disk_load(fl_buffer *bytes, const char *path)
{
    FILE *file = fopen(path, "rb");
    ck_assert_ptr_nonnull(file);
    char *room;
    size_t got;
    while ((room = fl_buffer_reserve(bytes, 65536)) &&
           (got = fread(room, 1, 65536, file)) > 0)
        bytes->size += got;
    fclose(file);
}

static inline void disk_walk(const char *path)
{
    DIR *list = opendir(path);
    ck_assert_ptr_nonnull(list);
    struct dirent *item;
    while ((item = readdir(list))) {
        char name[512];
        struct stat info;
        if (strcmp(item->d_name, ".") == 0 || strcmp(item->d_name, "..") == 0)
            continue;
        snprintf(name, sizeof name, "%.200s/%.255s", path, item->d_name);
        ck_assert_int_eq(stat(name, &info), 0);
        bool is_directory = S_ISDIR(info.st_mode);
        ck_assert(fl_memory_grow((void **)&disk.journal.base, &disk.journal.base_room,
                                 disk.journal.base_count + 1,
                                 sizeof *disk.journal.base));
        disk_op *op = &disk.journal.base[disk.journal.base_count++];
        *op = (disk_op){.kind = is_directory ? DISK_MKDIR : DISK_LINK};
        const char *below = disk_below(name);
        ck_assert_ptr_nonnull(below);
        snprintf(op->path, sizeof op->path, "%s", below);
        if (is_directory) {
            disk_walk(name);
        } else {
            op->file = disk_new_file(info.st_ino);
            disk_load(&disk.journal.files[op->file].base, name);
        }
    }
    closedir(list);
}

/* Begins a journal: what is there now is on disk for good. */
static inline void disk_records(void)
{
    disk_forget();
    disk_walk(disk.root);
    disk.records = true;
}

/* --- power cuts --- */

typedef struct disk_random {
    uint64_t state;
} disk_random;

static inline uint32_t disk_below_limit(disk_random *random, uint32_t limit)
{
    random->state = random->state * UINT64_C(6364136223846793005) + 1442695040888963407;
    uint64_t mixed = random->state ^ random->state >> 29;
    return (uint32_t)((mixed * UINT64_C(0x9e3779b97f4a7c15) >> 32) * limit >> 32);
}

/* What becomes of that which no sync had ordered. */
typedef enum disk_luck {
    LUCK_NOTHING,
    LUCK_ALL,
    LUCK_PREFIX, /* and of a write behind it a part */
    LUCK_SOME,
    LUCK_SECTORS, /* writes only: some sectors of each */
    LUCKS
} disk_luck;

static inline bool disk_is_lucky(disk_luck luck, size_t n, size_t prefix,
                                 disk_random *random)
{
    switch (luck) {
    case LUCK_NOTHING: return false;
    case LUCK_ALL: return true;
    case LUCK_PREFIX: return n < prefix;
    default: return disk_below_limit(random, 2);
    }
}

static inline void disk_parent(const char *path, char parent[DISK_PATH])
{
    snprintf(parent, DISK_PATH, "%s", path);
    char *slash = strrchr(parent, '/');
    *(slash ? slash : parent) = 0;
}

static inline bool disk_synced_name(const char *path, size_t from, size_t at)
{
    char parent[DISK_PATH];
    disk_parent(path, parent);
    for (size_t i = from; i < at; i++)
        if (disk.journal.ops[i].kind == DISK_SYNC_DIRECTORY &&
            strcmp(disk.journal.ops[i].path, parent) == 0)
            return true;
    return false;
}

static inline bool disk_synced_data(int file, size_t from, size_t at)
{
    for (size_t i = from; i < at; i++) {
        if (disk.journal.ops[i].file != file)
            continue;
        if (disk.journal.ops[i].kind == DISK_SYNC_FAILED)
            return false;
        if (disk.journal.ops[i].kind == DISK_SYNC)
            return true;
    }
    return false;
}

typedef struct disk_names {
    disk_op *items;
    size_t count;
    size_t room;
} disk_names;

static inline void disk_drop_name(disk_names *names, const char *path)
{
    for (size_t i = names->count; i-- > 0;)
        if (strcmp(names->items[i].path, path) == 0)
            names->items[i] = names->items[--names->count];
}

static inline void disk_put_name(disk_names *names, disk_kind kind, const char *path,
                                 int file)
{
    disk_drop_name(names, path);
    ck_assert(fl_memory_grow((void **)&names->items, &names->room, names->count + 1,
                             sizeof *names->items));
    disk_op *name = &names->items[names->count++];
    *name = (disk_op){.kind = kind, .file = file};
    snprintf(name->path, sizeof name->path, "%s", path);
}

static inline void disk_apply_name(disk_names *names, const disk_op *op)
{
    switch (op->kind) {
    case DISK_MKDIR:
    case DISK_LINK: disk_put_name(names, op->kind, op->path, op->file); break;
    case DISK_UNLINK: disk_drop_name(names, op->path); break;
    case DISK_RENAME:
        disk_drop_name(names, op->path);
        disk_put_name(names, DISK_LINK, op->to, op->file);
        break;
    default: break;
    }
}

static inline disk_names disk_names_at(size_t at, disk_random *random)
{
    disk_names names = {0};
    disk_luck luck = (disk_luck)disk_below_limit(random, LUCK_SECTORS);
    size_t waiting = 0;
    for (size_t i = 0; i < disk.journal.base_count; i++)
        disk_apply_name(&names, &disk.journal.base[i]);
    size_t prefix = disk_below_limit(random, 6);
    for (size_t i = 0; i < at; i++) {
        const disk_op *op = &disk.journal.ops[i];
        if (op->kind != DISK_MKDIR && op->kind != DISK_LINK &&
            op->kind != DISK_UNLINK && op->kind != DISK_RENAME)
            continue;
        bool synced = disk_synced_name(op->path, i, at) &&
                      (op->kind != DISK_RENAME || disk_synced_name(op->to, i, at));
        if (synced || disk_is_lucky(luck, waiting++, prefix, random))
            disk_apply_name(&names, op);
    }
    return names;
}

/* Makes the file `size` bytes long; what is new is zeros, or what was on the disk. */
static inline void disk_stretch(fl_buffer *bytes, size_t size, bool rubbish,
                                disk_random *random)
{
    while (bytes->size < size)
        fl_buffer_byte(bytes, rubbish ? (char)disk_below_limit(random, 256) : 0);
}

static inline void disk_apply_data(fl_buffer *bytes, const disk_op *op, disk_luck luck,
                                   bool rubbish, disk_random *random)
{
    if (op->kind == DISK_TRUNCATE) {
        disk_stretch(bytes, op->offset, false, random);
        bytes->size = op->offset;
        return;
    }
    size_t size = op->size;
    if (luck == LUCK_PREFIX)
        size = disk_below_limit(random, (uint32_t)size + 1);
    disk_stretch(bytes, op->offset, false, random);
    disk_stretch(bytes, op->offset + size, rubbish, random);
    for (size_t from = 0; from < size;) {
        size_t to = from + DISK_SECTOR - (op->offset + from) % DISK_SECTOR;
        to = to < size ? to : size;
        if (luck != LUCK_SECTORS || disk_below_limit(random, 2))
            memcpy(bytes->data + op->offset + from, op->data + from, to - from);
        from = to;
    }
}

static inline fl_buffer disk_data_at(int file, size_t at, disk_random *random)
{
    fl_buffer bytes = {0};
    fl_buffer_append(&bytes, disk.journal.files[file].base.data,
                     disk.journal.files[file].base.size);
    disk_luck luck = (disk_luck)disk_below_limit(random, LUCKS);
    bool rubbish = disk_below_limit(random, 4) == 0;
    size_t waiting = 0;
    size_t prefix = disk_below_limit(random, 5);
    size_t full = bytes.size;
    for (size_t i = 0; i < at; i++) {
        const disk_op *op = &disk.journal.ops[i];
        if (op->file != file || (op->kind != DISK_WRITE && op->kind != DISK_TRUNCATE))
            continue;
        size_t end = op->offset + op->size;
        full = op->kind == DISK_TRUNCATE || end > full ? end : full;
        if (disk_synced_data(file, i, at)) {
            disk_apply_data(&bytes, op, LUCK_ALL, rubbish, random);
            continue;
        }
        size_t n = waiting++;
        if (luck == LUCK_PREFIX && n == prefix && op->kind == DISK_WRITE)
            disk_apply_data(&bytes, op, LUCK_PREFIX, rubbish, random);
        else if (luck == LUCK_SECTORS || disk_is_lucky(luck, n, prefix, random))
            disk_apply_data(&bytes, op, luck == LUCK_SECTORS ? LUCK_SECTORS : LUCK_ALL,
                            rubbish, random);
    }
    if (waiting > 0 && disk_below_limit(random, 3) == 0)
        disk_stretch(&bytes, full, rubbish, random);
    return bytes;
}

/* Makes below `into`, which exists, one of the states in which a power cut behind the
 * first `at` operations of the journal could have left what is below the root. */
static inline void disk_cut(size_t at, uint64_t seed, const char *into)
{
    disk_random random = {seed};
    disk_names names = disk_names_at(at, &random);
    bool was_on = disk.on;
    disk.on = false;
    /* directories before what is in them, by the length of their paths */
    for (size_t length = 0; length < DISK_PATH; length++)
        for (size_t i = 0; i < names.count; i++) {
            const disk_op *name = &names.items[i];
            char path[256];
            if (strlen(name->path) != length)
                continue;
            snprintf(path, sizeof path, "%.64s/%s", into, name->path);
            if (name->kind == DISK_MKDIR) {
                mkdir(path, 0755); /* fails where the one it is in is gone */
                continue;
            }
            fl_buffer bytes = disk_data_at(name->file, at, &random);
            FILE *file = fopen(path, "wb");
            if (file) {
                ck_assert_uint_eq(bytes.size ? fwrite(bytes.data, 1, bytes.size, file)
                                             : 0,
                                  bytes.size);
                fclose(file);
            }
            fl_buffer_free(&bytes);
        }
    fl_memory_free(names.items);
    disk.on = was_on;
}

/* The journal up to operation `at`, for who looks into a failure. */
static inline void disk_tell(size_t at)
{
    static const char *const names[] = {
        "create", "write", "truncate", "sync",           "mkdir",       "rename",
        "unlink", "link",  "read",     "sync directory", "sync failed", "acknowledged"};
    for (size_t i = 0; i < at; i++) {
        const disk_op *op = &disk.journal.ops[i];
        fprintf(stderr, "%3zu %-14s %s %s", i, names[op->kind], op->path, op->to);
        fprintf(stderr, " file %d, %zu bytes at %llu, %zu records\n", op->file,
                op->size, (unsigned long long)op->offset, op->acknowledged);
    }
}

/* Records that were promised to be there before operation `at`. */
static inline size_t disk_acknowledged(size_t at)
{
    size_t most = 0;
    for (size_t i = 0; i < at; i++)
        if (disk.journal.ops[i].acknowledged > most)
            most = disk.journal.ops[i].acknowledged;
    return most;
}

#endif
