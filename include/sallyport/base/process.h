/* The processes and their names. sallyport/sandbox/sandbox.h has the table of
 * what each may do. */
#ifndef SALLYPORT_BASE_PROCESS_H
#define SALLYPORT_BASE_PROCESS_H

enum process {
    PROCESS_MASTER,
    PROCESS_GATE,
    PROCESS_SESSION,
    PROCESS_AUTH,
    PROCESS_KEYS,
    PROCESS_FILES,
    PROCESS_LOG,
    PROCESS_LOOKUP,
    PROCESS_READER,
    PROCESS_CHECK,
    PROCESS_SANDBOXED, /* the processes above belong to the server, and have
                          sandboxes */
    PROCESS_CTL = PROCESS_SANDBOXED, /* sallyportctl */
    PROCESS_SUPERVISOR,
    PROCESS_COUNT
};

/* "master", "gate", …; "?" for a number out of range. */
const char *process_name(enum process p);

/* Ignores SIGPIPE, and the signals that a terminal and systemd send to all
 * processes at once: master stops its children, in order. */
void process_ignore_signals(void);

/* Keeps argv's memory for process_title(). To be called first in main(). */
void process_title_init(int argc, char **argv);
/* The short name that pgrep and top show. The kernel's own is that of the file,
 * or, for what was executed by a descriptor, a number. */
void process_comm(enum process p);
/* What ps shows: "sallyport: session 203.0.113.5 (anna)". Control bytes are
 * replaced. The text is cut to the memory of argv. */
void process_title(const char *format, ...)
    __attribute__((format(printf, 1, 2)));

#endif
