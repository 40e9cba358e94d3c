#include "dataplane/nic/kernel_port.h"

#include <assert.h>
#include <fcntl.h>
#include <net/if.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "dataplane/base/assert.h"

#define TEXT_BYTES 16384u /* some hundred interfaces */

static_assert(RW_KERNEL_NAME_BYTES == IFNAMSIZ, "the kernel's limit");

void rw_kernel_port_name(const char *device, char name[RW_KERNEL_NAME_BYTES]) {
    static const char *const drivers[] = {"net_af_packet", "net_af_xdp", "net_pcap"};
    static const char key[] = ",iface=";
    const char *at = strstr(device, key);
    bool known = false;
    for (size_t i = 0; i < sizeof drivers / sizeof *drivers; i++)
        known |= !strncmp(device, drivers[i], strlen(drivers[i]));
    name[0] = 0;
    if (!known || !at) return;
    at += sizeof key - 1;
    size_t bytes = strcspn(at, ",");
    if (bytes >= RW_KERNEL_NAME_BYTES) return;
    memcpy(name, at, bytes);
    name[bytes] = 0;
}

bool rw_kernel_port_packets(const char *text, const char *name, uint64_t *packets) {
    size_t length = strlen(name);
    for (const char *line = text; line; line = strchr(line, '\n')) {
        unsigned long long bytes, count;
        line += strspn(line, " \n");
        if (strncmp(line, name, length) || line[length] != ':') continue;
        if (sscanf(line + length + 1, " %llu %llu", &bytes, &count) != 2) return false;
        *packets = count;
        return true;
    }
    return false;
}

uint64_t rw_kernel_port_missed(struct rw_kernel_port *port, uint64_t taken, uint64_t packets) {
    if (!port->begun) port->base = packets;
    port->begun = true;
    /* the socket listens a little earlier than the first reading is made */
    if (packets - port->base < taken) port->base = packets - taken;
    port->waiting[port->readings++ % RW_KERNEL_READINGS] = packets - port->base - taken;
    uint64_t least = port->waiting[0];
    uint32_t count = port->readings < RW_KERNEL_READINGS ? port->readings : RW_KERNEL_READINGS;
    for (uint32_t i = 1; i < count; i++)
        if (port->waiting[i] < least) least = port->waiting[i];
    return least;
}

void rw_kernel_port_open(struct rw_kernel_port *port, const char *device) {
    *port = (struct rw_kernel_port){.socket = -1, .file = -1};
    rw_kernel_port_name(device, port->name);
    if (!port->name[0]) return;
    port->socket = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    port->file = open("/proc/thread-self/net/dev", O_RDONLY | O_CLOEXEC);
    if (port->socket < 0 || port->file < 0) rw_kernel_port_close(port);
}

uint64_t rw_kernel_port_read(struct rw_kernel_port *port, uint64_t taken) {
    char text[TEXT_BYTES];
    uint64_t packets;
    RW_ASSERT(port->name[0]);
    ssize_t bytes = pread(port->file, text, sizeof text - 1, 0);
    if (bytes <= 0) return 0;
    text[bytes] = 0;
    if (!rw_kernel_port_packets(text, port->name, &packets)) return 0;
    return rw_kernel_port_missed(port, taken, packets);
}

bool rw_kernel_port_up(const struct rw_kernel_port *port) {
    struct ifreq request = {0};
    RW_ASSERT(port->name[0]);
    memcpy(request.ifr_name, port->name, sizeof port->name);
    if (ioctl(port->socket, SIOCGIFFLAGS, &request)) return false;
    return (request.ifr_flags & (IFF_UP | IFF_RUNNING)) == (IFF_UP | IFF_RUNNING);
}

void rw_kernel_port_close(struct rw_kernel_port *port) {
    if (port->socket >= 0) close(port->socket);
    if (port->file >= 0) close(port->file);
    *port = (struct rw_kernel_port){.socket = -1, .file = -1};
}
