/* Has anybody joined a multicast group? Read from the membership reports (IGMP versions 1 to 3)
 * that receivers send. Needs the right to open a raw socket. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* rw_venue_join_heard tells whether an IPv4 packet (with its header, any bytes) reports that a host
 * other than `self` wants the group. Addresses in host byte order. Pure. */
bool rw_venue_join_heard(const void *packet, size_t bytes, uint32_t group, uint32_t self);

/* rw_venue_join_open listens for reports on the interface with this address. Returns a
 * non-blocking socket to be read with recv(2), or -errno with an error set. */
int rw_venue_join_open(uint32_t interface, uint32_t group);
