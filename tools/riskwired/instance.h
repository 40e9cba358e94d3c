/* One riskwired per site and host: its folder, its lock, the left-overs of a dead one. */
#pragma once

#include "tools/riskwired/config.h"

/* rw_instance_lock makes <run_dir>/<site>/ and takes its lock, which the kernel drops when the
 * process ends in any way. Returns 0, or -EBUSY with the pid that holds it, or -errno with an
 * error. */
int rw_instance_lock(const struct rw_config *config);
/* rw_instance_folders makes the journal's folder with log/ and results/ in it. 0 or -errno. */
int rw_instance_folders(const struct rw_config *config);
/* rw_instance_save writes bytes to <journal.dir>/name through a temporary file, so that a reader
 * never sees half of it. Returns 0 or -errno with an error. */
int rw_instance_save(const struct rw_config *config, const char *name, const void *bytes,
                     uint64_t count);
