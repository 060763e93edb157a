/* Layer 0: whole reads and writes, and making them last. All return 0 or an errno value.
 */
#ifndef FL_FILE_H
#define FL_FILE_H

#include <stddef.h>
#include <stdint.h>

/* Waits where the descriptor does not block. */
int fl_file_write(int fd, const void *data, size_t size);
/* Fewer bytes than asked for (the end of the file) is EIO. */
int fl_file_pread(int fd, void *data, size_t size, uint64_t offset);
int fl_file_size(int fd, uint64_t *size);
/* fsync of a directory, so that a new or renamed name in it lasts. */
int fl_file_sync_directory(const char *path);

#endif
