/* The venues: a row each. */
#include "dataplane/feed/venue.h"

#include "dataplane/feed/deep_book.h"
#include "dataplane/feed/itch50_book.h"
#include "dataplane/feed/mdp3_book.h"
#include "dataplane/feed/memoir_book.h"
#include "dataplane/feed/pitch_book.h"

static const struct rw_venue *const venues[] = {
    &rw_itch50_venue, &rw_deep10_venue, &rw_deepplus_venue,
    &rw_pitch_venue,  &rw_memoir_venue, &rw_mdp3_venue,
};

const struct rw_venue *rw_venue_named(const char *name) {
    for (uint32_t i = 0; i < sizeof venues / sizeof *venues; i++)
        if (!strcmp(venues[i]->name, name)) return venues[i];
    return NULL;
}

uint64_t rw_venue_time(uint64_t midnight_ns, uint64_t unix_ns, rw_stat *other_day) {
    uint64_t since = unix_ns - midnight_ns;
    if (unix_ns >= midnight_ns && since < RW_DAY_NS) return since;
    if (midnight_ns) rw_stat_add(other_day, 1);
    if (unix_ns >= midnight_ns) return since % RW_DAY_NS;
    uint64_t before = (midnight_ns - unix_ns) % RW_DAY_NS;
    return before ? RW_DAY_NS - before : 0;
}
