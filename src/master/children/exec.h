/* Executes the programs of programs.h. */
#ifndef SALLYPORT_SRC_MASTER_CHILDREN_EXEC_H
#define SALLYPORT_SRC_MASTER_CHILDREN_EXEC_H

#include <stdnoreturn.h>
#include <sys/types.h>

struct master;

/* Becomes BINARY, with the N descriptors FD as 3, 4 and so on. No descriptor
 * may have a number that a later one gets. All others but the standard
 * descriptors are closed. ARGUMENTS end with NULL. */
noreturn void exec_program(const struct master *m, const char *binary,
                           const char *const *arguments, const int *fd, int n);
/* Hook `spawn`: forks a process that becomes BINARY, with the channel FD. */
pid_t exec_child(const struct master *m, const char *binary, int fd);

#endif
