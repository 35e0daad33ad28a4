/* The processes and their names. The table in src/lib/sandbox/processes.c has
 * the sandbox of each process. */
#ifndef SALLYPORT_BASE_PROCESS_H
#define SALLYPORT_BASE_PROCESS_H

/* The processes: first those with a sandbox, then ctl and the supervisor. */
#define PROCESSES(P)                                                           \
    P(MASTER, "master")                                                        \
    P(GATE, "gate")                                                            \
    P(SESSION, "session")                                                      \
    P(AUTH, "auth")                                                            \
    P(KEYS, "keys")                                                            \
    P(FILES, "files")                                                          \
    P(LOG, "log")                                                              \
    P(READER, "reader")                                                        \
    P(CHECK, "check")                                                          \
    P(CTL, "ctl")                                                              \
    P(SUPERVISOR, "supervisor")
#define PROCESS_NAME(process, name) PROCESS_##process,
enum process {
    PROCESSES(PROCESS_NAME) PROCESS_COUNT,
    PROCESS_SANDBOXED =
        PROCESS_CTL /* the processes before ctl have sandboxes */
};

/* Returns "master", "gate", …; "?" for a number out of range. */
const char *process_name(enum process p);

/* Ignores SIGPIPE, and the signals that a terminal or systemd sends to all
 * processes at once, since master stops its children in order. */
void process_ignore_signals(void);

/* Remembers argv's memory, which process_title() overwrites. Call it first in
 * main(). */
void process_title_init(int argc, char **argv);
/* Sets the short name that pgrep and top show. Otherwise the kernel shows the
 * program's file name or, for a program executed by a descriptor, a number. */
void process_comm(enum process p);
/* Sets the title that ps shows: "sallyport: session 203.0.113.5 (anna)".
 * Control bytes become '?'. The text is cut to 127 bytes, and to the size of
 * argv's memory. */
void process_title(const char *format, ...)
    __attribute__((format(printf, 1, 2)));

#endif
