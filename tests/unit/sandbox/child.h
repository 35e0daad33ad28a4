/* Runs a body in a child, which enters a sandbox. The parent sees by the exit
 * status, or by the signal that ended the child, what has happened. */
#ifndef TESTS_UNIT_SANDBOX_CHILD_H
#define TESTS_UNIT_SANDBOX_CHILD_H

#include <stdio.h>
#include <sys/types.h>

#include "sallyport/sandbox/sandbox.h"

#define NOBODY 65534
#define A_UID  70001
#define A_GID  70002

/* Forks; the child exits with BODY's result. Returns the wait status. */
int in_child(int (*body)(const void *), const void *argument);

/* Defines a test that runs in a child. Its body must return 0. */
#define ChildTest(suite, name, ...)                                            \
    static int suite##_##name##_child(const void *argument);                   \
    Test(suite, name, ##__VA_ARGS__)                                           \
    {                                                                          \
        cr_expect_eq(in_child(suite##_##name##_child, NULL), 0);               \
    }                                                                          \
    static int suite##_##name##_child(const void *argument                     \
                                      __attribute__((unused)))

/* Runs BODY in a child for each sandboxed process. BODY gets the process, and
 * must return 0. */
void in_child_of_each(int (*body)(const void *));

/* Returns a plan without root, directories or excuses. */
struct sandbox_plan plain_plan(void);

/* Returns a plan for a process that root starts, with the tests' own ids. */
struct sandbox_plan root_plan(int root_fd);

/* Returns the filter that P loads. */
const struct sandbox_filter *filter_of(enum process p);

/* Enters the sandbox, with P's filter unless the plan has another one. Returns
 * 0; -EINVAL: it failed, and the complaint is printed. */
int enter(enum process p, const struct sandbox_plan *plan);

/* Enters the sandboxes of the processes above P, and then P's own, as a real
 * process does. Returns 0 or -EINVAL. */
int enter_chain(enum process p);

/* Gives up root's ids, if the test has them, and continues as nobody. Returns
 * 0; 1: it failed. */
int be_ordinary(void);

/* Makes a new directory under /tmp to which anybody may write. */
char *scratch_folder(char name[64]);

/* The descriptor for a child's messages, since the sandbox may close its
 * standard error. */
extern int words;

/* In a child's body: prints the condition that doesn't hold, and returns. */
#define HOLDS(condition)                                                       \
    do {                                                                       \
        if (!(condition)) {                                                    \
            dprintf(words, "%s:%d: %s doesn't hold\n", __FILE__, __LINE__,     \
                    #condition);                                               \
            return 1;                                                          \
        }                                                                      \
    } while (0)

#endif
