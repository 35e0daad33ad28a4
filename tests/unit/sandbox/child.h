/* What a sandboxed child does is seen by its parent: in its exit status, or in
 * the signal that ended it. */
#ifndef TESTS_UNIT_SANDBOX_CHILD_H
#define TESTS_UNIT_SANDBOX_CHILD_H

#include <stdio.h>
#include <sys/types.h>

#include "sallyport/sandbox/sandbox.h"

#define NOBODY 65534

/* Forks; the child exits with what BODY returns. The wait status. */
int in_child(int (*body)(const void *), const void *argument);

/* A plan without root, directories or excuses. */
struct sandbox_plan plain_plan(void);

/* The filter that P loads; CONNECTS: in active mode. */
const struct sandbox_filter *filter_of(enum process p, bool connects);

/* Enters, with P's filter unless the plan has another one. On failure it prints
 * the complaint: 0 or -EINVAL. */
int enter(enum process p, const struct sandbox_plan *plan);

/* Enters the sandboxes above P, then P's own: as in the real life of a process;
 * CONNECTS: in active mode. 0 or -EINVAL */
int enter_chain(enum process p, bool connects);

/* A test that runs as root gives up the ids and continues as nobody. 0 or 1 */
int be_ordinary(void);

/* A new directory under /tmp that anybody may write to. */
char *scratch_folder(char name[64]);

/* Where a child speaks: its standard error may end in its sandbox. */
extern int words;

/* In a child's body: says what didn't hold, and gives up. */
#define HOLDS(condition)                                                       \
    do {                                                                       \
        if (!(condition)) {                                                    \
            dprintf(words, "%s:%d: %s doesn't hold\n", __FILE__, __LINE__,     \
                    #condition);                                               \
            return 1;                                                          \
        }                                                                      \
    } while (0)

#endif
