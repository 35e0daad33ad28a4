/* The names of the processes; the table of what each may do is the cage's
 * (sallyport/cage/cage.h). */
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
    PROCESS_NAMES,
    PROCESS_CAGED, /* those above are the server's; each has its cage */
    PROCESS_CTL = PROCESS_CAGED, /* sallyportctl */
    PROCESS_COUNT
};

/* "master", "gate", …; "?" for a number out of range. */
const char *process_name(enum process p);

/* SIGPIPE, and what a terminal and systemd send to all processes at once: who
 * is stopped is stopped by master, in order. */
void process_ignore_signals(void);

/* Keeps argv's memory for process_title(); first thing in main. */
void process_title_init(int argc, char **argv);
/* What ps shows: "sallyport: session 203.0.113.5 (anna)". Control bytes are
 * replaced, the text is cut to the room there is. */
void process_title(const char *format, ...)
    __attribute__((format(printf, 1, 2)));

#endif
