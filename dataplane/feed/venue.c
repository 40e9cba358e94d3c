/* The venues: a row each. */
#include "dataplane/feed/venue.h"

#include "dataplane/feed/deep_book.h"
#include "dataplane/feed/itch50_book.h"
#include "dataplane/feed/memoir_book.h"
#include "dataplane/feed/pitch_book.h"

static const struct rw_venue *const venues[] = {
    &rw_itch50_venue, &rw_deep10_venue, &rw_deepplus_venue, &rw_pitch_venue, &rw_memoir_venue,
};

const struct rw_venue *rw_venue_named(const char *name) {
    for (uint32_t i = 0; i < sizeof venues / sizeof *venues; i++)
        if (!strcmp(venues[i]->name, name)) return venues[i];
    return NULL;
}
