/* Executes the programs of programs.h. */
#ifndef SALLYPORT_SRC_MASTER_CHILDREN_EXEC_H
#define SALLYPORT_SRC_MASTER_CHILDREN_EXEC_H

#include <stdnoreturn.h>
#include <sys/types.h>

struct master;

/* Becomes BINARY, with the N descriptors FD as 3, 4 and so on: none of them may
 * have the place of a later one. Whatever master has open besides, but the
 * standard descriptors, closes. ARGUMENTS end with NULL. */
noreturn void exec_program(const struct master *m, const char *binary,
                           const char *const *arguments, const int *fd, int n);
/* Hook `spawn`: a fork that becomes BINARY, with the channel FD. */
pid_t exec_child(const struct master *m, const char *binary, int fd);

#endif
