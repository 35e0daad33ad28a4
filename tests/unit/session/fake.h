/* A real session process between fake peers: the test is its client, master,
 * gate, files and log. */
#ifndef TESTS_UNIT_SESSION_FAKE_H
#define TESTS_UNIT_SESSION_FAKE_H

#include <stdbool.h>
#include <stdio.h>
#include <sys/types.h>

#include "sallyport/conf/conf.h"
#include "sallyport/domain/binding.h"
#include "sallyport/domain/outcome.h"
#include "sallyport/event/event.h"
#include "sallyport/ipc/channel.h"
#include "sallyport/tls/ticket.h"
#include "support/tls_client.h"

struct fake {
    struct settings settings;
    struct ticket_keys tickets; /* that the session gets at its login */
    struct channel master, gate, files, log;
    int to_log; /* the session's end of that */
    int control;
    struct tls_client *tls;
    pid_t pid;
    char reply[8192];     /* the last line of the last reply */
    char lines[96 << 10]; /* all of it */
};

/* For the sessions started after it: a number, or yes and no, of the settings.
 */
void fake_settings(const char *key, uint64_t value);
/* For the sessions started after it; those of a server, if never said. */
struct session_deadlines;
void fake_deadlines(const struct session_deadlines *these);
/* For the logins after it: enum right bits; all, if never said. */
void fake_rights(unsigned rights);
/* The sessions started after it come by the proxy 127.0.0.1. */
void fake_behind_proxy(void);
/* For the logins after it; BINDING_USER, if never said. */
void fake_binding(enum data_binding binding);
/* The session's CPU time so far. */
unsigned long fake_cpu_ms(const struct fake *f);

/* Forks the session; the greeting is left to read. */
void fake_start(struct fake *f);
/* AUTH TLS. */
void fake_secure(struct fake *f);
/* The same, then USER and PASS with a master that grants; the 230 is still to
 * come. */
void fake_grant(struct fake *f);
/* f->tickets, from gate. */
void fake_tell_keys(struct fake *f);
/* Both, and the 230. */
void fake_login(struct fake *f);
/* fake_start() and fake_login(). */
void fake_open(struct fake *f);

/* A line to the session; its CRLF is added. */
void fake_say(struct fake *f, const char *line);
/* The next reply's code (0: the session has closed); its text in f->reply. */
int fake_reply(struct fake *f);
/* The next message of the session to a peer, within a deadline; it must be
 * MESSAGE. */
void fake_hear(struct channel *c, struct message *p, enum message_kind message);
void fake_tell(struct channel *c, const struct message *p);
/* Bytes that no channel would send. */
void fake_tell_raw(struct channel *c, const void *bytes, size_t len);

/* PBSZ, PROT P, PASV, PORT_IS, and a connected data socket: the client's end.
 * The same in two steps: the port, and what gate says once the client has
 * connected there. */
int fake_data(struct fake *f);
int fake_port(struct fake *f, struct message *data, int *server_end);
void fake_come(struct fake *f, struct message *data, int server_end);
/* Files hears ASKED, and gives ANSWER to it. */
void fake_answer(struct fake *f, enum message_kind asked,
                 struct message *answer);

/* A transfer of /x: the file that files has handed over, and the client's end
 * of the data connection, after 150 and handshake. */
struct fake_transfer {
    FILE *file;
    int data;
    struct tls_client *tls;
};
void fake_upload(struct fake *f, struct fake_transfer *t);
/* SIZE bytes of nothing. In steps: RETR up to the 150, then the handshake on
 * T's data connection. */
void fake_download(struct fake *f, struct fake_transfer *t, uint64_t size);
void fake_begin_download(struct fake *f, struct fake_transfer *t,
                         uint64_t size);
void fake_secure_data(struct fake *f, struct fake_transfer *t);
/* Closes what is the test's own. */
void fake_release(struct fake_transfer *t);

/* The handshake there, resuming what the control connection has. */
struct tls_client *fake_data_tls(const struct fake *f, int data);
/* Waits for the session's end: its exit status. */
int fake_end(struct fake *f);
/* The client goes in order: the session must end with STATUS. */
void fake_hang_up(struct fake *f, int status);
/* The next event of that kind among those that wait; false: there is none. Its
 * texts live until the next one. */
bool fake_event(struct fake *f, enum event event, struct event_record *r);
/* Log's socket takes no more before the test reads, which finds many events of
 * the kind EVENT_CHILD there. */
void fake_fill_log(struct fake *f);
/* The reason in the END event; call after fake_end(). */
const char *fake_end_reason(struct fake *f);

#endif
