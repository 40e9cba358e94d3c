/* Where the shared captures are: $RW_SHARED, or ../shared beside the source tree. */
#pragma once

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

/* shared_path writes the path of a file below data/ and returns 1 when it can be read; else it
 * prints why the caller skips and returns 0. */
static inline int shared_path(char *path, size_t bytes, const char *below) {
    const char *root = getenv("RW_SHARED");
    if (root)
        snprintf(path, bytes, "%s/data/%s", root, below);
    else
        snprintf(path, bytes, "%s/../shared/data/%s", RW_SOURCE_ROOT, below);
    if (access(path, R_OK) == 0) return 1;
    printf("skipped: %s is not there\n", path);
    return 0;
}
