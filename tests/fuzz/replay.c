/* main for a fuzz target where there is no fuzzer: runs every file of the directories (or
 * files) given through it, and says how many. None at all is a failure. */
#include <dirent.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static size_t ran;

static void fail(const char *path, const char *what)
{
    fprintf(stderr, "%s: %s\n", path, what);
    exit(EXIT_FAILURE);
}

static void run_file(const char *path, size_t size)
{
    /* of just that size, so that a sanitizer sees a step beyond */
    uint8_t *data = malloc(size ? size : 1);
    FILE *file = fopen(path, "rb");
    if (!data || !file || fread(data, 1, size, file) != size)
        fail(path, "cannot be read");
    fclose(file);
    /* Said before, as what follows may abort. */
    printf("%s\n", path);
    fflush(stdout);
    LLVMFuzzerTestOneInput(data, size);
    free(data);
    ran++;
}

static __attribute__((nonnull)) void run(const char *path)
{
    struct stat info;
    if (stat(path, &info) != 0)
        fail(path, "not there");
    if (!S_ISDIR(info.st_mode)) {
        run_file(path, (size_t)info.st_size);
        return;
    }
    struct dirent **entries;
    int count = scandir(path, &entries, NULL, alphasort);
    if (count < 0)
        fail(path, "cannot be listed");
    for (int i = 0; i < count; i++) {
        if (entries[i]->d_name[0] != '.') {
            size_t size = strlen(path) + strlen(entries[i]->d_name) + 2;
            char *below = malloc(size);
            if (!below)
                fail(path, "no memory");
            snprintf(below, size, "%s/%s", path, entries[i]->d_name);
            run(below);
            free(below);
        }
        free(entries[i]);
    }
    free(entries);
}

int main(int argc, char **argv)
{
    for (int i = 1; i < argc; i++)
        run(argv[i]);
    printf("%zu inputs replayed\n", ran);
    return ran ? EXIT_SUCCESS : EXIT_FAILURE;
}
