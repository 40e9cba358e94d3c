/* Regions of shared memory: nobody finds half of one, and who has an older one keeps it. */
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

#include "dataplane/base/err.h"
#include "dataplane/base/shared.h"

static char folder[] = "/tmp/rw-shared-XXXXXX";
static char path[64], aside[64];

static int make_folder(void **state) {
    if (!mkdtemp(folder)) return -1;
    snprintf(path, sizeof path, "%s/region", folder);
    snprintf(aside, sizeof aside, "%s/region.new", folder);
    return 0;
}
static int remove_folder(void **state) { return rmdir(folder); }

static void where_there_is_no_folder_nothing_is_made(void **state) {
    struct rw_shared shared;
    assert_int_equal(rw_shared_make(&shared, "/nonexistent/region", 4096, 0644), -ENOENT);
    assert_non_null(strstr(rw_err_text(), "/nonexistent/region"));
    assert_int_equal(rw_shared_attach(&shared, "/nonexistent/region", 1, 0), -ENOENT);
}

static void what_has_no_room_leaves_nothing(void **state) {
    struct rw_shared shared;
    assert_true(rw_shared_make(&shared, path, 1ull << 60, 0644) < 0);
    assert_int_equal(access(aside, F_OK), -1);
}

static void a_region_is_found_only_when_it_is_published(void **state) {
    struct rw_shared writer, reader;
    struct stat file;
    assert_int_equal(rw_shared_make(&writer, path, 8192, 0660), 0);
    assert_int_equal(rw_shared_attach(&reader, path, 1, 0), -ENOENT);
    memcpy(writer.map, "whole", 5);
    assert_int_equal(rw_shared_publish(&writer, path), 0);
    assert_int_equal(access(aside, F_OK), -1);
    assert_int_equal(stat(path, &file), 0);
    assert_int_equal(file.st_mode & 0777, 0660);
    assert_int_equal(rw_shared_attach(&reader, path, 8192, 0), 0);
    assert_int_equal(reader.bytes, 8192);
    assert_memory_equal(reader.map, "whole", 5);
    writer.map[4100] = 7;
    assert_int_equal(reader.map[4100], 7);
    rw_shared_unmap(&reader);
    rw_shared_unmap(&reader); /* harmless */
    rw_shared_unmap(&writer);
    unlink(path);
}

static void a_file_that_is_too_short_or_none_is_refused(void **state) {
    struct rw_shared shared;
    assert_int_equal(rw_shared_make(&shared, path, 100, 0644), 0);
    assert_int_equal(rw_shared_publish(&shared, path), 0);
    rw_shared_unmap(&shared);
    assert_int_equal(rw_shared_attach(&shared, path, 101, 0), -EINVAL);
    assert_int_equal(rw_shared_attach(&shared, folder, 1, 0), -EINVAL);
    unlink(path);
}

static void only_the_front_may_be_written_by_a_reader(void **state) {
    struct rw_shared writer, reader;
    assert_int_equal(rw_shared_make(&writer, path, 8192, 0644), 0);
    assert_int_equal(rw_shared_publish(&writer, path), 0);
    assert_int_equal(rw_shared_attach(&reader, path, 4096, 4096), 0);
    reader.map[10] = 3;
    assert_int_equal(writer.map[10], 3);
    int ends[2]; /* the kernel's view of a page: may it be written to? */
    assert_int_equal(pipe(ends), 0);
    assert_int_equal(write(ends[1], "x", 1), 1);
    assert_int_equal(read(ends[0], reader.map + 4096, 1), -1);
    assert_int_equal(errno, EFAULT);
    close(ends[0]);
    close(ends[1]);
    rw_shared_unmap(&reader);
    rw_shared_unmap(&writer);
    unlink(path);
}

static void a_replaced_region_is_noticed_and_kept(void **state) {
    struct rw_shared first, second, reader;
    assert_int_equal(rw_shared_make(&first, path, 4096, 0644), 0);
    assert_int_equal(rw_shared_publish(&first, path), 0);
    assert_int_equal(rw_shared_attach(&reader, path, 4096, 0), 0);
    assert_true(rw_shared_is_at(&reader, path));
    assert_int_equal(rw_shared_make(&second, path, 4096, 0644), 0);
    assert_true(rw_shared_is_at(&reader, path));
    assert_int_equal(rw_shared_publish(&second, path), 0);
    assert_false(rw_shared_is_at(&reader, path));
    first.map[0] = 9;
    assert_int_equal(reader.map[0], 9);
    unlink(path);
    assert_false(rw_shared_is_at(&second, path));
    rw_shared_unmap(&reader);
    rw_shared_unmap(&first);
    rw_shared_unmap(&second);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(where_there_is_no_folder_nothing_is_made),
        cmocka_unit_test(what_has_no_room_leaves_nothing),
        cmocka_unit_test(a_region_is_found_only_when_it_is_published),
        cmocka_unit_test(a_file_that_is_too_short_or_none_is_refused),
        cmocka_unit_test(only_the_front_may_be_written_by_a_reader),
        cmocka_unit_test(a_replaced_region_is_noticed_and_kept),
    };
    return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
