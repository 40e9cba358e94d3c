/* Runs a fuzz target over the files of a folder, as an ordinary test: what once broke a reader
 * stays in the corpus and is tried in every build, with every compiler and sanitizer. */
#include <dirent.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#define FILE_BYTES_MAX (4u << 20)

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t count);

/* Runs one file in a block of exactly its size, so that a sanitizer sees a read past it. */
static int run_file(const char *folder, const char *name) {
    static uint8_t buffer[FILE_BYTES_MAX];
    char path[4096];
    snprintf(path, sizeof path, "%s/%s", folder, name);
    FILE *file = fopen(path, "rb");
    if (!file) return perror(path), 1;
    size_t count = fread(buffer, 1, sizeof buffer, file);
    fclose(file);
    uint8_t *exact = malloc(count ? count : 1);
    if (!exact) return 1;
    for (size_t i = 0; i < count; i++) exact[i] = buffer[i];
    LLVMFuzzerTestOneInput(exact, count);
    free(exact);
    return 0;
}

int main(int argc, char **argv) {
    int files = 0, failed = 0;
    DIR *folder = argc == 2 ? opendir(argv[1]) : NULL;
    if (!folder) {
        fprintf(stderr, "usage: %s CORPUS_FOLDER\n", argv[0]);
        return 64;
    }
    for (struct dirent *entry; (entry = readdir(folder));) {
        if (entry->d_name[0] == '.') continue;
        failed |= run_file(argv[1], entry->d_name);
        files++;
    }
    closedir(folder);
    printf("%d files\n", files);
    return failed || files == 0;
}
