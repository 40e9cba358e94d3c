#include "dataplane/base/assert.h"

#include <stdio.h>
#include <stdlib.h>

void rw_assert_failed(const char *condition, const char *file, int line) {
    fprintf(stderr, "riskwire: a bug was found and the process stops: %s at %s:%d\n", condition,
            file, line);
    abort();
}
