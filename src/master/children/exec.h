/* Executes the programs of programs.h. */
#ifndef SALLYPORT_SRC_MASTER_CHILDREN_EXEC_H
#define SALLYPORT_SRC_MASTER_CHILDREN_EXEC_H

#include <stdnoreturn.h>
#include <sys/types.h>

#include "sallyport/base/complain.h"

struct master;

/* Becomes BINARY, with the N descriptors FD as 3, 4 and so on. No descriptor
 * may have a number that a later one gets. All others but the standard
 * descriptors are closed. ARGUMENTS end with NULL. */
noreturn void exec_program(const struct master *m, const char *binary,
                           const char *const *arguments, const int *fd, int n);
/* Hook `spawn`: forks a process that becomes BINARY, with the channel FD. */
pid_t exec_child(const struct master *m, const char *binary, int fd);

/* A program that master waits for. */
struct helper {
    const char *name;
    const char *argv[4];
    int fd[2]; /* they become 3 and 4 */
    int lock;  /* becomes 5; 0: none */
};
/* Starts it without waiting for it. Returns its pid or -errno. */
pid_t exec_start_helper(const struct master *m, const struct helper *h);
/* Returns its wait status; -ETIMEDOUT: it was killed after WAIT_MS; another
 * -errno: it couldn't be started. */
int exec_helper(const struct master *m, const struct helper *h, int wait_ms);
/* Complains that NAME hasn't done what it was executed for; STATUS is that of
 * exec_helper(). Returns -EINVAL. */
int exec_failed(const char *name, int status, struct complaint *c);

#endif
