/* The superblock's reader on bytes nobody wrote; what it accepts must be one of the two copies. */
#include <string.h>

#include "dataplane/base/assert.h"
#include "dataplane/io/digest.h"
#include "dataplane/journal/superblock.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t count);

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t count) {
    uint8_t file[2 * 4096] = {0}, payload[RW_SUPERBLOCK_PAYLOAD] = {0};
    if (count < 2) return 0;
    memcpy(file, bytes + 1, count - 1 < sizeof file ? count - 1 : sizeof file);
    for (uint32_t i = 0; i < 2 && (bytes[0] >> i & 1); i++) {
        /* the checksum stands behind the magic number and covers the rest of its copy */
        uint32_t crc = rw_crc32c(0, file + i * 4096 + 12, 4096 - 12);
        memcpy(file + i * 4096 + 8, &crc, sizeof crc);
    }
    int64_t generation = rw_superblock_decode(file, payload);
    if (generation < 0) return 0;
    RW_ASSERT(memcmp(payload, file + 24, sizeof payload) == 0 ||
              memcmp(payload, file + 4096 + 24, sizeof payload) == 0);
    return 0;
}
