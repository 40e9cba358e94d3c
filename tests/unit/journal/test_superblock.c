/* The superblock: whatever happens to the disk, it holds the last value that counted, or a
 * newer one. */
#include <fcntl.h>

#include "dataplane/journal/superblock.h"
#include "tests/unit/journal/journal_fixture.h"

struct place {
    char folder[64], path[96];
    struct rw_disk_faults faults;
    struct rw_disk *disk;
    struct rw_superblock *superblock;
    void *memory;
};

static void place_make(struct place *place, uint64_t seed) {
    memset(place, 0, sizeof *place);
    strcpy(place->folder, "/tmp/rw_superblock_XXXXXX");
    assert_non_null(mkdtemp(place->folder));
    snprintf(place->path, sizeof place->path, "%s/superblock", place->folder);
    place->faults.seed = seed;
    place->memory = aligned_alloc(4096, rw_superblock_footprint());
}

static int place_open(struct place *place) {
    place->disk = rw_disk_open_fake(&place->faults);
    place->faults.seed++;
    int rc = rw_superblock_open(&place->superblock, place->memory, place->path, place->disk);
    if (rc) rw_disk_close(place->disk);
    return rc;
}

static void place_free(struct place *place) {
    remove_folder(place->folder);
    free(place->memory);
}

static void put(struct place *place, uint8_t value) {
    uint8_t payload[RW_SUPERBLOCK_PAYLOAD];
    memset(payload, value, sizeof payload);
    rw_superblock_write(place->superblock, payload);
}

static uint8_t get(const struct place *place) {
    const uint8_t *payload = rw_superblock_payload(place->superblock);
    for (uint32_t i = 1; i < RW_SUPERBLOCK_PAYLOAD; i++) assert_int_equal(payload[i], payload[0]);
    return payload[0];
}

static void a_new_superblock_is_zero_and_keeps_what_is_written(void **state) {
    struct place place;
    place_make(&place, 1);
    assert_int_equal(place_open(&place), 0);
    assert_int_equal(rw_superblock_generation(place.superblock), 0);
    assert_int_equal(get(&place), 0);
    put(&place, 7);
    put(&place, 8); /* replaces nothing: 7 is under way; both follow one another */
    assert_int_equal(rw_superblock_durable(place.superblock), 0);
    while (rw_superblock_durable(place.superblock) < 2) rw_superblock_poll(place.superblock);
    rw_superblock_close(place.superblock);
    rw_disk_close(place.disk);
    assert_int_equal(place_open(&place), 0);
    assert_int_equal(rw_superblock_generation(place.superblock), 2);
    assert_int_equal(get(&place), 8);
    rw_superblock_close(place.superblock);
    rw_disk_close(place.disk);
    place_free(&place);
}

static void a_crash_leaves_the_durable_value_or_a_newer_one(void **state) {
    struct place place;
    uint64_t seed = test_seed();
    struct rw_rng rng;
    rw_rng_seed(&rng, seed);
    place_make(&place, seed);
    place.faults.delay_max = 2;
    assert_int_equal(place_open(&place), 0);
    for (uint32_t round = 0; round < 500; round++) {
        uint64_t writes = rw_rng_below(&rng, 3), polls = rw_rng_below(&rng, 8);
        for (uint64_t i = 0; i < writes; i++)
            put(&place, (uint8_t)(rw_superblock_generation(place.superblock) + 1));
        for (uint64_t i = 0; i < polls; i++) rw_superblock_poll(place.superblock);
        uint64_t durable = rw_superblock_durable(place.superblock);
        uint64_t newest = rw_superblock_generation(place.superblock);
        rw_disk_fake_crash(place.disk);
        rw_superblock_abandon(place.superblock);
        rw_disk_close(place.disk);
        assert_int_equal(place_open(&place), 0);
        assert_in_range(rw_superblock_generation(place.superblock), durable, newest);
        assert_int_equal(get(&place), (uint8_t)rw_superblock_generation(place.superblock));
    }
    rw_superblock_abandon(place.superblock);
    rw_disk_close(place.disk);
    place_free(&place);
}

static void one_damaged_copy_brings_no_older_value_back_and_two_are_refused(void **state) {
    struct place place;
    place_make(&place, 1);
    assert_int_equal(place_open(&place), 0);
    for (uint8_t value = 1; value <= 5; value++) put(&place, value);
    rw_superblock_close(place.superblock);
    rw_disk_close(place.disk);
    for (uint32_t copy = 0; copy < 2; copy++) {
        int fd = open(place.path, O_RDWR);
        assert_int_equal(pwrite(fd, "x", 1, copy * 4096 + 100), 1);
        close(fd);
        assert_int_equal(place_open(&place), 0);
        assert_int_equal(get(&place), 5);
        rw_superblock_close(place.superblock);
        rw_disk_close(place.disk);
    }
    int fd = open(place.path, O_RDWR);
    assert_int_equal(pwrite(fd, "x", 1, 100), 1);
    assert_int_equal(pwrite(fd, "x", 1, 4096 + 100), 1);
    close(fd);
    assert_int_equal(place_open(&place), -EBADMSG);
    assert_non_null(strstr(rw_err_text(), "neither copy"));
    place_free(&place);
}

static void every_flipped_bit_invalidates_its_copy(void **state) {
    struct place place;
    uint8_t bytes[2 * 4096], payload[RW_SUPERBLOCK_PAYLOAD];
    place_make(&place, 1);
    assert_int_equal(place_open(&place), 0);
    put(&place, 9);
    rw_superblock_close(place.superblock);
    rw_disk_close(place.disk);
    int fd = open(place.path, O_RDONLY);
    assert_int_equal(read(fd, bytes, sizeof bytes), sizeof bytes);
    close(fd);
    memset(bytes + 4096, 0, 4096);
    assert_int_equal(rw_superblock_decode(bytes, payload), 1);
    for (uint32_t bit = 0; bit < 4096 * 8; bit++) {
        bytes[bit / 8] ^= (uint8_t)(1u << bit % 8);
        assert_int_equal(rw_superblock_decode(bytes, payload), -EBADMSG);
        bytes[bit / 8] ^= (uint8_t)(1u << bit % 8);
    }
    place_free(&place);
}

static void a_failed_write_never_becomes_durable(void **state) {
    struct place place;
    place_make(&place, 1);
    assert_int_equal(place_open(&place), 0);
    place.faults.error_per_million = 1000000;
    put(&place, 3);
    for (int i = 0; i < 10; i++) rw_superblock_poll(place.superblock);
    assert_int_equal(rw_superblock_error(place.superblock), -EIO);
    assert_int_equal(rw_superblock_durable(place.superblock), 0);
    rw_superblock_close(place.superblock);
    rw_disk_close(place.disk);
    place_free(&place);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_new_superblock_is_zero_and_keeps_what_is_written),
        cmocka_unit_test(a_crash_leaves_the_durable_value_or_a_newer_one),
        cmocka_unit_test(one_damaged_copy_brings_no_older_value_back_and_two_are_refused),
        cmocka_unit_test(every_flipped_bit_invalidates_its_copy),
        cmocka_unit_test(a_failed_write_never_becomes_durable),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
