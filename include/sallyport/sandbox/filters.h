/* The seccomp filter of each process. The build makes it from the policies
 * (src/server/ROOM/seccomp.c) of the process and of its child processes. A
 * program links only the filters that it names. */
#ifndef SALLYPORT_SANDBOX_FILTERS_H
#define SALLYPORT_SANDBOX_FILTERS_H

struct sock_filter;

struct sandbox_filter {
    const struct sock_filter *code;
    unsigned short len; /* in instructions */
};

extern const struct sandbox_filter filter_master;
extern const struct sandbox_filter filter_gate;
extern const struct sandbox_filter filter_session;
extern const struct sandbox_filter filter_auth;
extern const struct sandbox_filter filter_keys;
extern const struct sandbox_filter filter_files;
extern const struct sandbox_filter filter_log;
extern const struct sandbox_filter filter_reader;
extern const struct sandbox_filter filter_check;

#endif
