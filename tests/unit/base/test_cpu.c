/* CPU descriptions from invented hosts, CPU lists, and pinning with the affinity read back. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <errno.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "dataplane/base/cpu.h"
#include "dataplane/base/err.h"

static char host[64]; /* root folder of the invented host */

static void write_file(const char *path, const char *text) {
    char whole[256];
    snprintf(whole, sizeof whole, "%s%s", host, path);
    for (char *slash = whole + strlen(host) + 1; (slash = strchr(slash, '/')); slash++) {
        *slash = 0;
        mkdir(whole, 0755);
        *slash = '/';
    }
    FILE *file = fopen(whole, "w");
    assert_non_null(file);
    fputs(text, file);
    fclose(file);
}

/* Two sockets with two cores each, two threads a core, numbered as the kernel does: 0-3, then
 * siblings. */
static void make_host(void) {
    strcpy(host, "/tmp/rw_cpu_XXXXXX");
    assert_non_null(mkdtemp(host));
    write_file("/sys/devices/system/cpu/online", "0-7\n");
    for (int cpu = 0; cpu < 8; cpu++) {
        char path[128], text[16];
        snprintf(path, sizeof path, "/sys/devices/system/cpu/cpu%d/topology/physical_package_id",
                 cpu);
        snprintf(text, sizeof text, "%d\n", cpu / 2 % 2);
        write_file(path, text);
        snprintf(path, sizeof path, "/sys/devices/system/cpu/cpu%d/topology/core_id", cpu);
        snprintf(text, sizeof text, "%d\n", cpu % 2);
        write_file(path, text);
    }
    write_file("/sys/devices/system/node/node0/cpulist", "0-1,4-5\n");
    write_file("/sys/devices/system/node/node1/cpulist", "2-3,6-7\n");
}

static void remove_host(void) {
    char command[128];
    snprintf(command, sizeof command, "rm -r %s", host);
    assert_int_equal(system(command), 0);
}

static void nodes_and_siblings_are_read_from_the_given_root(void **state) {
    static struct rw_cpus cpus;
    make_host();
    assert_int_equal(rw_cpus_read(&cpus, host), 0);
    remove_host();
    assert_int_equal(cpus.count, 8);
    assert_int_equal(rw_cpus_find(&cpus, 5)->node, 0);
    assert_int_equal(rw_cpus_find(&cpus, 6)->node, 1);
    for (uint32_t a = 0; a < 8; a++)
        for (uint32_t b = 0; b < 8; b++)
            assert_int_equal(rw_cpus_siblings(&cpus.cpu[a], &cpus.cpu[b]),
                             a != b && a % 4 == b % 4);
    assert_null(rw_cpus_find(&cpus, 8));
}

static void a_root_without_cpus_is_an_error_that_names_the_file(void **state) {
    static struct rw_cpus cpus;
    assert_int_equal(rw_cpus_read(&cpus, "/nonexistent"), -ENOENT);
    assert_non_null(strstr(rw_err_text(), "/nonexistent/sys/devices/system/cpu/online"));
}

static void lists_are_read_as_the_kernel_writes_them(void **state) {
    uint32_t ids[8];
    assert_int_equal(rw_cpu_list("5", ids, 8), 1);
    assert_int_equal(ids[0], 5);
    assert_int_equal(rw_cpu_list("0-2,7,9-10", ids, 8), 6);
    const uint32_t want[] = {0, 1, 2, 7, 9, 10};
    assert_memory_equal(ids, want, sizeof want);
    assert_int_equal(rw_cpu_list("0-7", ids, 8), 8);
}

static void a_bad_list_is_refused(void **state) {
    static const char *const bad[] = {"",    "x",   "1,",    "1-",          "3-1",  "-1",
                                      "1;2", "0-8", "0-7,9", "99999999999", "1024", "1 2"};
    uint32_t ids[8];
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        if (rw_cpu_list(bad[i], ids, 8) != -EINVAL) fail_msg("'%s' was accepted", bad[i]);
}

static void a_pinned_thread_reads_its_cpu_back(void **state) {
    static struct rw_cpus cpus;
    assert_int_equal(rw_cpus_read(&cpus, ""), 0);
    rw_cpus_keep_allowed(&cpus);
    assert_true(cpus.count >= 1);
    for (uint32_t i = 0; i < cpus.count; i++) {
        assert_int_equal(rw_cpu_pin(cpus.cpu[i].id), 0);
        assert_int_equal(rw_cpu_pinned(), cpus.cpu[i].id);
    }
    assert_int_equal(rw_cpu_pin(RW_CPUS_MAX - 1), -EINVAL);
    assert_non_null(strstr(rw_err_text(), "1023"));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(nodes_and_siblings_are_read_from_the_given_root),
        cmocka_unit_test(a_root_without_cpus_is_an_error_that_names_the_file),
        cmocka_unit_test(lists_are_read_as_the_kernel_writes_them),
        cmocka_unit_test(a_bad_list_is_refused),
        cmocka_unit_test(a_pinned_thread_reads_its_cpu_back),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
