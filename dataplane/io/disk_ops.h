/* What a disk queue is made of; seen only by the back-ends of file.h. */
#pragma once

#include "dataplane/io/file.h"

struct rw_disk {
    void (*submit)(struct rw_disk *disk, struct rw_disk_op *op);
    uint32_t (*poll)(struct rw_disk *disk);
    int (*reserve)(struct rw_disk *disk, int fd, uint64_t bytes);
    void (*close)(struct rw_disk *disk);
};
