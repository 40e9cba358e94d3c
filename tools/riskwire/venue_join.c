#include "tools/riskwire/venue_join.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "dataplane/base/bytes.h"
#include "dataplane/base/err.h"

#define IGMP_PROTOCOL  2u
#define ALL_REPORTS    0xE0000016u /* 224.0.0.22: where version 3 reports go */
#define REPORT_V1      0x12u
#define REPORT_V2      0x16u
#define REPORT_V3      0x22u
#define REPORT_BYTES   8u /* header, and all of versions 1 and 2 */
#define RECORD_BYTES   8u
#define SOURCE_BYTES   4u
#define IPV4_BYTES_MIN 20u

/* A group record of version 3: only "leave" (to include: nobody) says that the group is not wanted;
 * blocking old sources says neither. */
static bool wants(uint8_t type, uint32_t sources) {
    switch (type) {
    case 1: /* is include */
    case 3: /* to include */
    case 5: /* allow */
        return sources > 0;
    case 2: /* is exclude */
    case 4: /* to exclude */
        return true;
    default:
        return false;
    }
}

static bool is_in_records(const uint8_t *at, size_t bytes, uint32_t records, uint32_t group) {
    for (uint32_t i = 0; i < records && bytes >= RECORD_BYTES; i++) {
        uint32_t sources = rw_load_be16(at + 2);
        size_t record = RECORD_BYTES + (size_t)sources * SOURCE_BYTES + at[1] * 4u;
        if (record > bytes) return false;
        if (rw_load_be32(at + 4) == group && wants(at[0], sources)) return true;
        at += record;
        bytes -= record;
    }
    return false;
}

bool rw_venue_join_heard(const void *packet, size_t bytes, uint32_t group, uint32_t self) {
    const uint8_t *ip = packet;
    if (bytes < IPV4_BYTES_MIN || ip[0] >> 4 != 4 || ip[9] != IGMP_PROTOCOL) return false;
    size_t header = (ip[0] & 15u) * 4u;
    if (header < IPV4_BYTES_MIN || bytes < header + REPORT_BYTES) return false;
    if (rw_load_be32(ip + 12) == self) return false;
    const uint8_t *igmp = ip + header;
    if (igmp[0] == REPORT_V1 || igmp[0] == REPORT_V2) return rw_load_be32(igmp + 4) == group;
    if (igmp[0] != REPORT_V3) return false;
    return is_in_records(igmp + REPORT_BYTES, bytes - header - REPORT_BYTES, rw_load_be16(igmp + 6),
                         group);
}

int rw_venue_join_open(uint32_t interface, uint32_t group) {
    int fd = socket(AF_INET, SOCK_RAW | SOCK_NONBLOCK | SOCK_CLOEXEC, (int)IGMP_PROTOCOL);
    if (fd < 0) {
        int cause = errno;
        rw_err_set(cause, "cannot listen for multicast joins: %s", strerror(cause));
        if (cause == EPERM)
            rw_err_fix("run as root, or begin with --start-delay or --hold instead");
        return -cause;
    }
    /* versions 1 and 2 report to the group itself */
    const uint32_t heard[] = {ALL_REPORTS, group};
    for (int i = 0; i < 2; i++) {
        struct ip_mreqn wish = {.imr_multiaddr.s_addr = htonl(heard[i]),
                                .imr_address.s_addr = htonl(interface)};
        if (setsockopt(fd, IPPROTO_IP, IP_ADD_MEMBERSHIP, &wish, sizeof wish) == 0) continue;
        int cause = errno;
        close(fd);
        rw_err_set(cause, "cannot listen for multicast joins: %s", strerror(cause));
        rw_err_fix("--interface names an address of this host, --group-a a multicast group");
        return -cause;
    }
    return fd;
}
