/* Counts what a stage thread must never call, for tests/system/test_nothing_allocates; preloaded.
 *
 *   LD_PRELOAD=libcalls.so RW_CALLS_FILE=out riskwired …
 *
 * A thread is watched from the moment it takes its name "core0", "core1", … until it ends: the
 * runner names it first, and the process has sealed before. Every other thread is counted together,
 * to show that the counting works. At exit the file gets a line a call (`malloc 0 1234`: on stage
 * threads, elsewhere), the number of stage threads, and where their calls came from. */
#include <dlfcn.h>
#include <execinfo.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define SITES_MAX 32u
#define DEPTH_MAX 14

#define CALLS(X)      \
    X(malloc)         \
    X(calloc)         \
    X(realloc)        \
    X(free)           \
    X(posix_memalign) \
    X(aligned_alloc)  \
    X(open)           \
    X(openat)         \
    X(write)

#define CALL_INDEX(name) CALL_##name,
#define CALL_NAME(name)  #name,
enum call { CALLS(CALL_INDEX) CALL_COUNT };
static const char *const names[] = {CALLS(CALL_NAME)};

/* Allocators of glibc under their other names: dlsym itself allocates, so it cannot be asked. */
void *__libc_malloc(size_t bytes);
void *__libc_calloc(size_t count, size_t bytes);
void *__libc_realloc(void *memory, size_t bytes);
void __libc_free(void *memory);
void *__libc_memalign(size_t align, size_t bytes);

struct site {
    enum call call;
    int depth;
    unsigned times;
    void *frame[DEPTH_MAX];
};

static atomic_ullong watched_calls[CALL_COUNT], other_calls[CALL_COUNT];
static atomic_uint threads;
static pthread_mutex_t sites_lock = PTHREAD_MUTEX_INITIALIZER;
static unsigned site_count;
static struct site sites[SITES_MAX]; /* each path once */
/* initial-exec: reading it allocates nothing */
static __thread bool watched __attribute__((tls_model("initial-exec")));
static pthread_key_t end_key;
static int (*next_setname)(pthread_t, const char *);
static ssize_t (*next_write)(int, const void *, size_t);
static int (*next_openat)(int, const char *, int, ...);

static void note_site(enum call call) {
    struct site site = {.call = call, .times = 1};
    site.depth = backtrace(site.frame, DEPTH_MAX);
    pthread_mutex_lock(&sites_lock);
    unsigned i = 0;
    while (i < site_count &&
           (sites[i].call != call || memcmp(sites[i].frame, site.frame, sizeof site.frame) != 0))
        i++;
    if (i < site_count)
        sites[i].times++;
    else if (site_count < SITES_MAX)
        sites[site_count++] = site;
    pthread_mutex_unlock(&sites_lock);
}

static void note(enum call call) {
    if (!watched) {
        atomic_fetch_add(&other_calls[call], 1);
        return;
    }
    atomic_fetch_add(&watched_calls[call], 1);
    watched = false; /* backtrace may allocate */
    note_site(call);
    watched = true;
}

void *malloc(size_t bytes) {
    note(CALL_malloc);
    return __libc_malloc(bytes);
}
void *calloc(size_t count, size_t bytes) {
    note(CALL_calloc);
    return __libc_calloc(count, bytes);
}
void *realloc(void *memory, size_t bytes) {
    note(CALL_realloc);
    return __libc_realloc(memory, bytes);
}
void free(void *memory) {
    if (memory) note(CALL_free);
    __libc_free(memory);
}
int posix_memalign(void **memory, size_t align, size_t bytes) {
    note(CALL_posix_memalign);
    *memory = __libc_memalign(align, bytes);
    return *memory ? 0 : 12;
}
void *aligned_alloc(size_t align, size_t bytes) {
    note(CALL_aligned_alloc);
    return __libc_memalign(align, bytes);
}

static void *next(const char *name) { return dlsym(RTLD_NEXT, name); }

/* Other preloaded or early code may come before the constructor. */
static void find_next(void) {
    if (next_setname) return;
    next_write = (ssize_t(*)(int, const void *, size_t))next("write");
    next_openat = (int (*)(int, const char *, int, ...))next("openat");
    next_setname = (int (*)(pthread_t, const char *))next("pthread_setname_np");
}

static int open_at(int folder, const char *path, int flags, va_list list) {
    mode_t mode = flags & (O_CREAT | __O_TMPFILE) ? va_arg(list, mode_t) : 0;
    find_next();
    return next_openat(folder, path, flags, mode);
}
int open(const char *path, int flags, ...) {
    va_list list;
    va_start(list, flags);
    note(CALL_open);
    int fd = open_at(AT_FDCWD, path, flags, list);
    va_end(list);
    return fd;
}
int openat(int folder, const char *path, int flags, ...) {
    va_list list;
    va_start(list, flags);
    note(CALL_openat);
    int fd = open_at(folder, path, flags, list);
    va_end(list);
    return fd;
}
/* What programs with 64-bit file offsets call. */
int open64(const char *path, int flags, ...) __attribute__((alias("open")));
int openat64(int folder, const char *path, int flags, ...) __attribute__((alias("openat")));

/* Only to stderr: a log line. */
ssize_t write(int fd, const void *bytes, size_t count) {
    if (fd == STDERR_FILENO) note(CALL_write);
    find_next();
    return next_write(fd, bytes, count);
}

int pthread_setname_np(pthread_t thread, const char *name) {
    find_next();
    if (pthread_equal(thread, pthread_self()) && !strncmp(name, "core", 4)) {
        atomic_fetch_add(&threads, 1);
        pthread_setspecific(end_key, &threads); /* any value: the destructor is then called */
        watched = true;
    }
    return next_setname(thread, name);
}

/* The first of the thread's destructors: in theirs, libraries free what they keep for it. */
static void thread_ends(void *value) { watched = false; }

__attribute__((constructor)) static void begin(void) {
    void *frame[2];
    pthread_key_create(&end_key, thread_ends);
    find_next();
    backtrace(frame, 2); /* loads what it needs now, not on a stage thread */
}

__attribute__((destructor)) static void finish(void) {
    const char *path = getenv("RW_CALLS_FILE");
    FILE *out = path ? fopen(path, "w") : NULL;
    if (!out) return;
    fprintf(out, "stage_threads %u\n", atomic_load(&threads));
    for (unsigned i = 0; i < CALL_COUNT; i++)
        fprintf(out, "%s %llu %llu\n", names[i], atomic_load(&watched_calls[i]),
                atomic_load(&other_calls[i]));
    for (unsigned i = 0; i < site_count; i++) {
        fprintf(out, "from %s, %u times:", names[sites[i].call], sites[i].times);
        for (int k = 3; k < sites[i].depth; k++) { /* without this file's own */
            Dl_info info = {0};
            dladdr(sites[i].frame[k], &info);
            const char *file = info.dli_fname ? strrchr(info.dli_fname, '/') : NULL;
            fprintf(out, " %s+%#lx", file ? file + 1 : "?",
                    (unsigned long)((char *)sites[i].frame[k] - (char *)info.dli_fbase));
            if (info.dli_sname) fprintf(out, "(%s)", info.dli_sname);
        }
        fputc('\n', out);
    }
    fclose(out);
}
