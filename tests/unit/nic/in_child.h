/* The EAL starts once in a process, so a test with ports runs in a child process and hands back
 * what it found by its exit status. */
#pragma once

#include <stdio.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

/* Runs a check in a child; its return value is the child's exit status, 0 for success. */
static inline void in_child(int (*check)(void)) {
    fflush(NULL);
    pid_t child = fork();
    if (child == 0) _exit(check());
    int status = 0;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), 0);
}
