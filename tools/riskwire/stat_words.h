/* What the rows of a statistics file say about themselves, for everything that shows them.
 *
 *   unit       "malformed" + "messages" ─► the key malformed_messages
 *   sentence   "dropped: …", "lost …"   ─► a loss, shown by reason
 *   state      "0 in sync, 1 waiting"   ─► the word of the value (units "state" and "role") */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "dataplane/stats/stats.h"

/* rw_stat_key writes the key of a row with its unit. Numbers without a dimension ("1", "bool",
 * "flag") stand alone, and a name that holds its unit already. */
void rw_stat_key(const struct rw_stats_item *item, char *key, size_t bytes);
/* rw_stat_is_loss tells a counter of a loss by its sentence. */
bool rw_stat_is_loss(const struct rw_stats_item *item);
/* rw_stat_word writes the word that a state's sentence gives for its value, and returns true;
 * false for a row that is no state, or a value that the sentence does not name. */
bool rw_stat_word(const struct rw_stats_item *item, char *word, size_t bytes);
/* rw_stat_find reads the row of a block and name. False when there is none. */
bool rw_stat_find(const struct rw_stats *stats, const char *block, const char *name,
                  struct rw_stats_item *item);
