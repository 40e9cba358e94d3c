/* What the kernel knows of an interface and a driver above it does not tell: net_af_packet counts
 * only what it was given, so that its ring loses in silence; and its link, like those of net_af_xdp
 * and net_pcap, is always up.
 *
 *   interface ──packets──► ring of the socket ──taken──► driver
 *                              │
 *                              └─► missed = packets − taken − those that wait in the ring
 *
 * Those that wait are not known, but they are seldom many for long: the least difference of the
 * last readings is taken for the loss. It is exact as soon as rx has found the ring empty once in
 * that time. Cold thread only. No DPDK here. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#define RW_KERNEL_NAME_BYTES 16u /* of an interface, with its NUL */
#define RW_KERNEL_READINGS   4u

struct rw_kernel_port {
    char name[RW_KERNEL_NAME_BYTES]; /* "" = the port is none of the kernel's */
    int socket, file;
    bool begun;
    uint64_t base; /* the interface's packets that were there before */
    uint64_t waiting[RW_KERNEL_READINGS];
    uint32_t readings;
};

/* rw_kernel_port_name finds the interface in a device string of such a driver; "" when it is none.
 * Pure. */
void rw_kernel_port_name(const char *device, char name[RW_KERNEL_NAME_BYTES]);
/* rw_kernel_port_packets finds in a text like /proc/net/dev's how many packets an interface has
 * received. false when it does not stand there. Pure. */
bool rw_kernel_port_packets(const char *text, const char *name, uint64_t *packets);
/* rw_kernel_port_missed takes two readings, first `taken` of the driver, then `packets` of the
 * interface, and returns what the ring has lost since the first call. Pure. */
uint64_t rw_kernel_port_missed(struct rw_kernel_port *port, uint64_t taken, uint64_t packets);

/* rw_kernel_port_open opens what is read later, in this thread's network namespace, before the
 * seal; leaves port->name empty when the device is none of these or something is missing. */
void rw_kernel_port_open(struct rw_kernel_port *port, const char *device);
/* rw_kernel_port_read returns what was missed, given what the driver has counted. Some µs. */
uint64_t rw_kernel_port_read(struct rw_kernel_port *port, uint64_t taken);
/* rw_kernel_port_up tells whether the interface is up and has a carrier. */
bool rw_kernel_port_up(const struct rw_kernel_port *port);
void rw_kernel_port_close(struct rw_kernel_port *port);
