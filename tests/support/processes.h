/* Reads the processes of a server under test from /proc, and kills them. */
#ifndef TESTS_SUPPORT_PROCESSES_H
#define TESTS_SUPPORT_PROCESSES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#define PROCESSES_MAX 4096

struct process_row {
    pid_t pid, parent;
    unsigned long long start; /* shows whether a pid was used again */
    char state;               /* as proc(5) has it: 'T' is stopped */
    char title[128];          /* as ps prints it */
};

struct processes {
    struct process_row row[PROCESSES_MAX];
    size_t count;
};

/* Lists ROOT and all processes below it. */
void processes_of(pid_t root, struct processes *ret);
/* Returns the first process with a title that begins with TITLE ("sallyport:
 * gate"), or NULL. */
const struct process_row *processes_find(const struct processes *p,
                                         const char *title);
size_t processes_count(const struct processes *p, const char *title);
/* Waits until exactly COUNT processes below ROOT have such a title. */
void processes_wait(pid_t root, const char *title, size_t count,
                    struct processes *ret);

/* Waits until exactly one process below ROOT has such a title, and returns its
 * pid. */
pid_t processes_pid(pid_t root, const char *title);

bool process_lives(const struct process_row *p);
/* Waits for a process below ROOT with such a title, kills the first one, and
 * waits until it is gone. */
void processes_kill(pid_t root, const char *title);
/* Reads a line of /proc/PID/status: the text after "NAME:\t". Returns OUT. */
const char *process_status(pid_t pid, const char *name, char *out, size_t size);
/* Returns the number in such a line (for VmHWM, in kB). */
uint64_t process_number(pid_t pid, const char *name);
/* Returns the processor time, in clock ticks, of the process and of its ended
 * children. */
uint64_t process_ticks(pid_t pid);
/* Returns the number of the process's open descriptors plus 2. Returns 0 if the
 * process is gone, or if only root can look. */
size_t process_descriptors(pid_t pid);

#endif
